from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fxsim.graph import DType, Network, TensorType, Value
from fxsim.ops import OPERATORS, Mean, mean_axes, mean_params, validate
from tests.ops import naive
from tests.ops.networks import Array, codes, single, tensor

Shape = tuple[int, ...]
Quant = tuple[float, int]


def network(shape: Shape, axes: Shape, keep: int, x: Quant, y: Quant) -> Network:
    operand = Value("axes", TensorType((len(axes),), DType.INT32), np.array(axes, np.int32))
    summed = {axis % len(shape) for axis in axes}
    kept = [1 if i in summed else size for i, size in enumerate(shape) if keep or i not in summed]
    return single("MEAN", Mean(keep), tensor(shape, *x), tensor(kept, *y), operand)


def run(net: Network, x: Array) -> Array:
    validate(net)
    node = net.nodes[0]
    outcome = OPERATORS["MEAN"].run(net, node, [x, None], None)
    assert outcome.stats.acc_min is None
    (out,) = outcome.outputs
    assert out.shape == (len(x), *net.values[1].type.shape)
    assert out.dtype == np.int8
    return out


SCALES = st.one_of(st.sampled_from([0.125, 0.25, 0.5, 1.0]), st.floats(2.0**-10, 8.0, width=32))
ZEROS = st.one_of(st.sampled_from([-128, 0, 127]), st.integers(-128, 127))


@st.composite
def means(draw: st.DrawFn) -> tuple[Shape, Shape]:
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=5)))
    axes = draw(st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, max_size=6))
    return shape, tuple(axes)


@given(means(), st.integers(0, 1), SCALES, ZEROS, SCALES, ZEROS, st.integers(0, 2**32 - 1))
@example(((1, 3, 3, 2), (1, 2)), 0, 8.0, -128, 2.0**-10, 127, 0)
def test_mean_equals_naive(
    case: tuple[Shape, Shape], keep: int, sx: float, zx: int, sy: float, zy: int, seed: int
) -> None:
    shape, axes = case
    net, x = network(shape, axes, keep, (sx, zx), (sy, zy)), codes(seed, (2, *case[0]))
    summed = {axis % len(shape) for axis in axes}
    real = float(np.float32(sx)) / float(np.float32(sy))
    sums: dict[Shape, list[int]] = {}
    for at in product(*map(range, shape)):
        key = tuple(i for axis, i in enumerate(at) if axis not in summed)
        sums.setdefault(key, []).append(int(x[(1, *at)]))
    expected = [naive.mean(sums[key], real, zx, zy) for key in sorted(sums)]
    assert run(net, x)[1].ravel().tolist() == expected


def test_sums_of_very_many_codes_wrap_at_32_bits() -> None:
    """As in the runtimes, where 255 * 2**24 codes already leave the range."""
    shape = (1, 1 << 12, 1 << 12)
    net = network(shape, (1, 2), 0, (0.5, -128), (0.5, 0))
    out = run(net, np.full((1, *shape), 127, np.int8))
    assert out.tolist() == [[naive.mean_of_sum(255 << 24, 1 << 24, 1.0, 0)]] == [[-1]]


@pytest.mark.parametrize(
    ("codes_of_one", "expected"), [([3, 4], 4), ([-3, -4], -3), ([1, 2, 2], 2), ([-1, -2, -2], -2), ([127] * 3, 127)]
)
def test_ties_go_up(codes_of_one: list[int], expected: int) -> None:
    """The first rounding stage decides ties of an exact half."""
    net = network((1, len(codes_of_one)), (1,), 0, (1.0, 0), (1.0, 0))
    assert run(net, np.array(codes_of_one, np.int8).reshape(1, 1, -1)).ravel().tolist() == [expected]


def test_params_hold_the_division() -> None:
    net = network((1, 7, 7, 3), (2, -3, 1), 1, (0.05, 4), (0.0713, 13))
    params = mean_params(net, net.nodes[0])
    assert mean_axes(net, net.nodes[0]) == (1, 2)
    assert (params.requant.multiplier.tolist(), params.requant.shift.tolist()) == ([983477084], [-5])
    assert params.requant.real.tolist() == [983477084 * 2.0**-36]
