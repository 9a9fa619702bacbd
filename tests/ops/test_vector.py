from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fxsim.graph import DType, Network, TensorType, Value
from fxsim.ops import OPERATORS, Dequantize, Pool, Quantize, Reshape, Softmax, pool_params, rescale_params, validate
from fxsim.ops.fixed_point import exp_on_negative, one_minus_over_one_plus, one_over_one_plus
from fxsim.ops.softmax import ROW_LIMIT, softmax_rows
from tests.ops import naive
from tests.ops.mac_cases import LIMITS, activation_clamp, geometries
from tests.ops.networks import Array, codes, single, tensor


def run(net: Network, x: Array) -> Array:
    validate(net)
    node = net.nodes[0]
    outcome = OPERATORS[node.op].run(net, node, [x, None], None)
    assert outcome.stats.acc_min is None
    assert outcome.stats.overflow_events == 0
    (out,) = outcome.outputs
    assert out.shape == (len(x), *net.values[1].type.shape)
    assert out.dtype == net.values[1].type.dtype.numpy
    return out


@pytest.mark.parametrize("op", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
@given(
    geometries(),
    st.sampled_from(list(LIMITS)),
    st.integers(-128, 127),
    st.integers(0, 2**32 - 1),
    st.integers(1, 2),
    st.integers(1, 2),
)
def test_pools_equal_naive(
    op: str, g: naive.Geometry, activation: str, zero: int, seed: int, samples: int, batch: int
) -> None:
    g.dh = g.dw = 1
    if g.rows[0] < 1 or g.cols[0] < 1:
        g.padding = "SAME"
    attrs = Pool(g.padding, g.sh, g.sw, g.kh, g.kw, activation)
    net = single(
        op, attrs, tensor((batch, g.in_h, g.in_w, 2), 0.25, zero), tensor((batch, g.rows[0], g.cols[0], 2), 0.25, zero)
    )
    x = codes(seed, (samples, batch, g.in_h, g.in_w, 2))
    out = run(net, x).reshape(-1, g.rows[0], g.cols[0], 2)
    images = x.reshape(-1, g.in_h, g.in_w, 2).tolist()
    reduce: Any = naive.average if op == "AVERAGE_POOL_2D" else max
    for i, oy, ox, c in np.ndindex(*out.shape):
        taken = [images[i][iy][ix][c] for _, _, iy, ix in g.taps(oy, ox) if iy is not None]
        assert out[i, oy, ox, c] == naive.clamp(reduce(taken), *activation_clamp(activation, 0.25, zero))


def test_average_ties_go_away_from_code_zero() -> None:
    attrs = Pool("VALID", 1, 2, 1, 2)
    net = single("AVERAGE_POOL_2D", attrs, tensor((1, 1, 4, 1), 1.0, 50), tensor((1, 1, 2, 1), 1.0, 50))
    assert run(net, np.array([3, 4, -3, -4], np.int8).reshape(1, 1, 1, 4, 1)).ravel().tolist() == [4, -4]


def test_pool_params_are_geometry_and_range() -> None:
    net = single(
        "MAX_POOL_2D", Pool("SAME", 2, 2, 3, 3, "RELU"), tensor((1, 5, 5, 1), 1.0, -3), tensor((1, 3, 3, 1), 1.0, -3)
    )
    params = pool_params(net, net.nodes[0])
    assert (params.clamp_lo, params.clamp_hi, params.window.pad_top, params.window.out_h) == (-3, 127, 1, 3)


@st.composite
def rescales(draw: st.DrawFn) -> tuple[Network, Array]:
    dtypes = [draw(st.sampled_from([DType.INT8, DType.UINT8])) for _ in range(2)]
    zeros = [draw(st.integers(d.lo, d.hi)) for d in dtypes]
    scales = [draw(st.floats(2.0**-10, 8.0, width=32)) for _ in range(2)]
    x, y = (tensor((1, 256), s, z, d) for s, z, d in zip(scales, zeros, dtypes, strict=True))
    data = np.arange(dtypes[0].lo, dtypes[0].hi + 1).astype(dtypes[0].numpy).reshape(1, 1, 256)
    return single("QUANTIZE", Quantize(), x, y), data


@given(rescales())
def test_quantize_equals_naive(case: tuple[Network, Array]) -> None:
    net, x = case
    before, after = (net.values[i].type.quant for i in range(2))
    assert before is not None
    assert after is not None
    real, y = float(before.scale[0]) / float(after.scale[0]), net.values[1].type.dtype
    zx, zy = int(before.zero_point[0]), int(after.zero_point[0])
    expected = [naive.clamp(naive.tfl_double(q - zx, real) + zy, y.lo, y.hi) for q in x.ravel().tolist()]
    assert run(net, x).ravel().tolist() == expected


def test_equal_scales_flip_the_sign_bit() -> None:
    net = single("QUANTIZE", Quantize(), tensor((1, 256), 0.3, 5, DType.UINT8), tensor((1, 256), 0.3, -123))
    x = np.arange(256, dtype=np.uint8).reshape(1, 1, 256)
    np.testing.assert_array_equal(run(net, x), (x ^ 0x80).view(np.int8))
    params = rescale_params(net, net.nodes[0])
    assert (params.in_zero, params.out_zero, params.lo, params.hi) == (5, -123, -128, 127)


@given(st.floats(2.0**-100, 2.0**100, width=32), st.integers(0, 255))
def test_dequantize_rounds_one_binary64_product(scale: float, zero: int) -> None:
    x = np.arange(256, dtype=np.uint8).reshape(1, 1, 256)
    net = single(
        "DEQUANTIZE", Dequantize(), tensor((1, 256), scale, zero, DType.UINT8), TensorType((1, 256), DType.FLOAT32)
    )
    expected = [np.float32(float(np.float32(scale)) * (q - zero)) for q in range(256)]
    np.testing.assert_array_equal(run(net, x).ravel(), expected)


@pytest.mark.parametrize(("asked", "expected"), [((1, 12), (1, 12)), ((-1, 4), (3, 4)), ((2, -1, 3), (2, 2, 3))])
def test_reshape_moves_nothing(asked: tuple[int, ...], expected: tuple[int, ...]) -> None:
    x = codes(0, (2, 1, 3, 4))
    net = single("RESHAPE", Reshape(asked), tensor((1, 3, 4)), tensor(expected))
    assert run(net, x).ravel().tolist() == x.ravel().tolist()
    operand = Value("shape", TensorType((len(asked),), DType.INT32), np.array(asked, np.int32))
    net = single("RESHAPE", Reshape((99,)), tensor((1, 3, 4)), tensor(expected), operand)
    assert run(net, x).ravel().tolist() == x.ravel().tolist()


@given(
    st.lists(st.integers(-128, 127), min_size=1, max_size=40),
    st.floats(2.0**-12, 4.0, width=32),
    st.sampled_from([1.0, 0.5, 2.0]),
)
@example([-128, 127], 2.0**-12, 1.0)
@example([5] * 40, 0.1, 1.0)
def test_softmax_equals_naive(row: list[int], scale: float, beta: float) -> None:
    shape = (1, len(row))
    net = single("SOFTMAX", Softmax(beta), tensor(shape, scale, 3), tensor(shape, 1 / 256, -128))
    assert run(net, np.array(row, np.int8).reshape(1, *shape)).ravel().tolist() == naive.softmax(row, beta, scale)


@pytest.mark.parametrize("integer_bits", [4, 5])
@given(st.lists(st.integers(-(2**31), 0), min_size=1, max_size=50))
@example([0, -1, -(2**24), -(2**24) + 1, -(2**25), -(2**25) + 1, -(2**31)])
def test_exponential_equals_naive(integer_bits: int, values: list[int]) -> None:
    expected = [naive.exp_negative(v, integer_bits) for v in values]
    assert exp_on_negative(np.array(values), integer_bits).tolist() == expected


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=50))
@example([0, 1, 2**30, 2**31 - 2, 2**31 - 1])
def test_reciprocal_equals_naive(values: list[int]) -> None:
    assert one_over_one_plus(np.array(values)).tolist() == [naive.reciprocal(v) for v in values]
    assert one_minus_over_one_plus(np.array(values)).tolist() == [naive.quotient(v) for v in values]


def test_softmax_of_the_longest_row() -> None:
    rows = np.zeros((1, ROW_LIMIT), np.int64)
    assert set(softmax_rows(rows, 1 << 30, 20, -(31 * 64)).ravel().tolist()) == {-128}
