"""Designs under test against the oracle: kernels, layers, programs; and the counterexample that is left at the end."""

from fxsim.testing.checking.kernels import check_kernel
from fxsim.testing.checking.layers import check_layer
from fxsim.testing.checking.mismatch import Checked, MismatchError
from fxsim.testing.checking.programs import check_program
from fxsim.testing.checking.recorder import ProgramRun, expected_run

__all__ = ["Checked", "MismatchError", "ProgramRun", "check_kernel", "check_layer", "check_program", "expected_run"]
