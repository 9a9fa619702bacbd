"""TANH on the vector engine: a table of the 256 possible results."""

from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.table import prepare_table

LOWERINGS.add("TANH", Lowering(prepare_table))
