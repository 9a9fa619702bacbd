"""EXPAND_DIMS: no instruction, the result is the operand's bytes under another shape."""

from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.ops.reshape import prepare_reshape

LOWERINGS.add("EXPAND_DIMS", Lowering(prepare_reshape, alias=True))
