from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fxsim.graph import Network
from fxsim.ops import OPERATORS, Binary, sum_params, validate
from tests.ops import naive
from tests.ops.mac_cases import LIMITS, activation_clamp
from tests.ops.networks import Array, codes, double, tensor, weights

SCALES = st.floats(2.0**-8, 8.0, width=32)
ZEROS = st.integers(-128, 127) | st.sampled_from([-128, 127, 0])


def run(net: Network, *inputs: Array) -> Array:
    """The node's outputs; constants may be left out."""
    validate(net)
    node = net.nodes[0]
    given = iter(inputs)
    operands = [net.values[i] for i in node.inputs]
    arrays = [
        np.broadcast_to(v.data, (len(inputs[0]), *v.type.shape)) if v.data is not None else next(given)
        for v in operands
    ]
    (out,) = OPERATORS[node.op].run(net, node, arrays, None).outputs
    assert out.shape == (len(inputs[0]), *net.values[2].type.shape)
    assert out.dtype == np.int8
    return out


@st.composite
def broadcasts(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Shapes of two operands and of their result."""
    whole = tuple(draw(st.lists(st.integers(1, 4), max_size=4)))
    shapes = []
    for _ in range(2):
        kept = whole[draw(st.integers(0, len(whole))) :]
        shapes.append(tuple(1 if draw(st.booleans()) else n for n in kept))
    return shapes[0], shapes[1], np.broadcast_shapes(*shapes)


@pytest.mark.parametrize("op", ["ADD", "SUB"])
@given(
    broadcasts(),
    st.tuples(SCALES, SCALES, SCALES),
    st.tuples(ZEROS, ZEROS, ZEROS),
    st.sampled_from(list(LIMITS)),
    st.integers(0, 2**32 - 1),
)
@example(((1, 300), (1, 300), (1, 300)), (0.25, 0.25, 0.5), (0, 0, 0), "NONE", 0)
@example(((9, 40), (40,), (9, 40)), (0.25, 0.125, 1.0), (-128, 127, 5), "RELU6", 1)
def test_sums_equal_naive(
    op: str,
    shapes: tuple[tuple[int, ...], ...],
    scales: tuple[float, float, float],
    zeros: tuple[int, int, int],
    activation: str,
    seed: int,
) -> None:
    kinds = [tensor(shape, s, z) for shape, s, z in zip(shapes, scales, zeros, strict=True)]
    net = double(op, Binary(activation), (kinds[0], kinds[1]), kinds[2])
    x, z = codes(seed, (2, *shapes[0])), codes(seed + 1, (2, *shapes[1]))
    out = run(net, x, z)
    clamp = activation_clamp(activation, scales[2], zeros[2])
    for index in np.ndindex(*out.shape):
        sample, at = index[0], index[1:]
        a, b = (int(v[(sample, *naive.stretched(at, v.shape[1:]))]) for v in (x, z))
        assert out[index] == naive.clamp(naive.added(a, b, zeros, scales, 1 if op == "ADD" else -1), *clamp)


def product_factor(profile: str, scales: tuple[float, float, float]) -> float:
    """Binary64 throughout, or binary32 throughout."""
    first, second, out = scales
    if profile == "tflite":
        return first * second / out
    return float(np.float32(np.float32(first) * np.float32(second)) / np.float32(out))


@pytest.mark.parametrize("profile", ["tflite", "litert"])
@given(
    broadcasts(),
    st.tuples(SCALES, SCALES, SCALES),
    st.tuples(ZEROS, ZEROS, ZEROS),
    st.sampled_from(list(LIMITS)),
    st.integers(0, 2**32 - 1),
)
@example(((1, 300), (1, 300), (1, 300)), (0.25, 0.5, 0.25), (0, 0, 0), "NONE", 0)
@example(((9, 40), (40,), (9, 40)), (0.5, 0.125, 2.0**-24), (-128, 127, 5), "RELU6", 1)
def test_products_equal_naive(
    profile: str,
    shapes: tuple[tuple[int, ...], ...],
    scales: tuple[float, float, float],
    zeros: tuple[int, int, int],
    activation: str,
    seed: int,
) -> None:
    kinds = [tensor(shape, s, z) for shape, s, z in zip(shapes, scales, zeros, strict=True)]
    net = double("MUL", Binary(activation), (kinds[0], kinds[1]), kinds[2], profile)
    x, z = codes(seed, (2, *shapes[0])), codes(seed + 1, (2, *shapes[1]))
    out = run(net, x, z)
    clamp, factor = activation_clamp(activation, scales[2], zeros[2]), product_factor(profile, scales)
    for index in np.ndindex(*out.shape):
        sample, at = index[0], index[1:]
        a, b = (int(v[(sample, *naive.stretched(at, v.shape[1:]))]) for v in (x, z))
        assert out[index] == naive.clamp(naive.multiplied(a, b, zeros, factor), *clamp)


@pytest.mark.parametrize("op", ["ADD", "SUB", "MUL"])
def test_a_constant_may_stand_on_either_side(op: str) -> None:
    x, c = codes(3, (2, 1, 4, 3)), codes(4, (3,))
    kinds, y = (tensor((1, 4, 3), 0.3, 5), tensor((3,), 0.25)), tensor((1, 4, 3), 0.5, -9)
    for sides, other in (((0, 1), (kinds[0], weights(c))), ((1, 0), (weights(c), kinds[0]))):
        constant = run(double(op, Binary(), other, y), x)
        operands = [(x, kinds[0]), (np.broadcast_to(c, (2, 3)).copy(), kinds[1])]
        both = double(op, Binary(), (operands[sides[0]][1], operands[sides[1]][1]), y)
        np.testing.assert_array_equal(constant, run(both, *(operands[i][0] for i in sides)))


def test_parameters_of_a_sum() -> None:
    net = double(
        "ADD", Binary("RELU"), (tensor((1, 2), 0.05, 4), tensor((1, 2), 0.0321, -9)), tensor((1, 2), 0.0713, 13)
    )
    p = sum_params(net, net.nodes[0])
    assert p.requant.multiplier.tolist() == [1073741824, 1378684459, 1505949286]
    assert p.requant.shift.tolist() == [0, -1, -19]
    assert (p.zeros, p.out_zero, p.lo, p.hi, p.scheme.name) == ((4, -9), 13, 13, 127, "TFL_DOUBLE")
