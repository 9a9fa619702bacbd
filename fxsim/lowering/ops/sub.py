"""SUB on the vector engine."""

from functools import partial

from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.sum_layer import prepare_sum

LOWERINGS.add("SUB", Lowering(partial(prepare_sum, True)))
