"""ADD on the vector engine."""

from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.sum_layer import prepare_sum

LOWERINGS.add("ADD", Lowering(prepare_sum))
