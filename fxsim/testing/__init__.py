"""For users' tests as much as for our own: hypothesis strategies, checkers of designs under test, networks.

Needs the extra ``testing``.
"""

from fxsim.testing.checking import (
    Checked,
    MismatchError,
    ProgramRun,
    check_kernel,
    check_program,
    expected_run,
)
from fxsim.testing.machines import hardware
from fxsim.testing.mobilenet import mobilenet_v1
from fxsim.testing.programs import programs, programs_with_data

__all__ = [
    "Checked",
    "MismatchError",
    "ProgramRun",
    "check_kernel",
    "check_program",
    "expected_run",
    "hardware",
    "mobilenet_v1",
    "programs",
    "programs_with_data",
]
