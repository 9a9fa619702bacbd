"""For users' tests as much as for our own: hypothesis strategies, checkers of designs under test, networks.

Needs the extra ``testing``.
"""

from fxsim.testing.chain import Chain
from fxsim.testing.checking import (
    Checked,
    MismatchError,
    ProgramRun,
    check_kernel,
    check_layer,
    check_program,
    expected_run,
)
from fxsim.testing.integers import codes, formats, tensors
from fxsim.testing.layers import Case, layers, networks, samples
from fxsim.testing.machines import hardware
from fxsim.testing.mobilenet import mobilenet_v1
from fxsim.testing.programs import programs, programs_with_data
from fxsim.testing.quantization import affines, scales
from fxsim.testing.requants import factors, requants
from fxsim.testing.sums import MacSum, aimed_biases, mac_sums

__all__ = [
    "Case",
    "Chain",
    "Checked",
    "MacSum",
    "MismatchError",
    "ProgramRun",
    "affines",
    "aimed_biases",
    "check_kernel",
    "check_layer",
    "check_program",
    "codes",
    "expected_run",
    "factors",
    "formats",
    "hardware",
    "layers",
    "mac_sums",
    "mobilenet_v1",
    "networks",
    "programs",
    "programs_with_data",
    "requants",
    "samples",
    "scales",
    "tensors",
]
