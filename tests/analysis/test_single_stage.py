"""Analyses that know one accumulator per output refuse an inner one in front of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import fxsim
from fxsim import Hardware
from fxsim._core.errors import HardwareError
from fxsim.analysis import accumulators, compare_orders, exact_run, width_sweep
from fxsim.api import random_samples
from fxsim.graph import Network
from fxsim.sim import carried_numerics
from tests.lowering.nets import Chain

TWO_STAGES = Hardware(inner_bits=16, inner_products=32, bias_policy="apply")


def net() -> Network:
    return Chain((1, 4, 4, 6), seed=2).conv(5).build()


@pytest.mark.parametrize(
    "analysis",
    [
        lambda n, x: accumulators(n, x, hw=TWO_STAGES),
        lambda n, x: width_sweep(n, x, numerics=TWO_STAGES.numerics),
    ],
)
def test_analyses_of_single_accumulators(analysis: Callable[[Network, object], object]) -> None:
    with pytest.raises(HardwareError, match="accumulators must have no inner stage here .*, not 16"):
        analysis(net(), random_samples(net(), 0, 2))


def test_exact_runs_and_other_orders_leave_it_out() -> None:
    narrow = TWO_STAGES.replace(inner_bits=13)
    x = random_samples(net(), 0, 2)
    tensors, bits = exact_run(net(), x, narrow.numerics)
    exact = fxsim.golden(net(), x)
    assert bits == 32
    assert all(np.array_equal(tensors[name], exact[name]) for name in exact)
    (layer,) = compare_orders(net(), x, narrow.numerics)
    own, *others = layer.orders
    assert own.wrong_acc > 0
    assert not any(other.wrong_acc for other in others)


def test_instructions_carry_it() -> None:
    program = fxsim.lower(net(), TWO_STAGES, layers={"n0": {"inner_products": 48, "inner_overflow": "wrap"}})
    numerics = carried_numerics(program, 0)
    assert (numerics.inner_bits, numerics.inner_products, numerics.inner_overflow) == (16, 48, "wrap")
    assert carried_numerics(fxsim.lower(net()), 0).inner_bits == 0
