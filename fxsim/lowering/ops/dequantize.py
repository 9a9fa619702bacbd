"""DEQUANTIZE on the vector engine: a table of the 256 possible reals."""

from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.table import prepare_table

LOWERINGS.add("DEQUANTIZE", Lowering(prepare_table))
