"""AVERAGE_POOL_2D on the vector engine."""

from functools import partial

from fxsim.isa import PoolKind
from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.pool_layer import prepare_pool
from fxsim.ops import pool_window

LOWERINGS.add("AVERAGE_POOL_2D", Lowering(partial(prepare_pool, PoolKind.AVERAGE), window=pool_window))
