"""Operators that only move codes, against loops over elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim.graph import DType, Network, Node, TensorType, Value, build
from fxsim.ops import OPERATORS, Concatenation, ExpandDims, Pad, PadV2, Squeeze, pad_params, validate
from tests.ops.networks import Array, codes, single, tensor

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple)


def numbers(values: Any) -> Value:
    data = np.array(values, np.int32)
    return Value("numbers", TensorType(data.shape, DType.INT32), data)


def run(net: Network, *inputs: Array) -> Array:
    validate(net)
    (node,) = net.nodes
    given = iter(inputs)
    arrays = [
        next(given) if v.data is None else np.broadcast_to(v.data, (len(inputs[0]), *v.type.shape))
        for v in (net.values[i] for i in node.inputs)
    ]
    (out,) = OPERATORS[node.op].run(net, node, arrays, None).outputs
    assert out.shape == (len(inputs[0]), *net.results(node)[0].type.shape)
    assert out.dtype == net.results(node)[0].type.dtype.numpy
    return out


@pytest.mark.parametrize("op", ["PAD", "PADV2"])
@given(SHAPES, st.data(), st.integers(-128, 127), st.integers(-128, 127))
def test_pads_equal_naive(op: str, shape: tuple[int, ...], data: st.DataObject, zero: int, code: int) -> None:
    sizes = st.integers(0, 3)
    pads = [(data.draw(sizes), data.draw(sizes)) for _ in shape]
    result = tensor(tuple(n + a + b for n, (a, b) in zip(shape, pads, strict=True)), 0.5, zero)
    value = Value("code", tensor((), 0.5, zero), np.array(code, np.int8))
    extra = [value] if op == "PADV2" else []
    attrs: Any = PadV2() if op == "PADV2" else Pad()
    net = single(op, attrs, tensor(shape, 0.5, zero), result, numbers(pads), *extra)
    x = codes(7, (2, *shape))
    out = run(net, x)
    for index in np.ndindex(*out.shape):
        place = [i - before for i, (before, _) in zip(index[1:], pads, strict=True)]
        inside = all(0 <= i < n for i, n in zip(place, shape, strict=True))
        assert out[index] == (x[(index[0], *place)] if inside else code if op == "PADV2" else zero)
    params = pad_params(net, net.nodes[0])
    assert params == type(params)(tuple(pads), code if op == "PADV2" else zero)


@given(SHAPES, st.data(), st.lists(st.integers(1, 4), min_size=1, max_size=4), st.booleans())
def test_concatenation_equals_naive(
    shape: tuple[int, ...], data: st.DataObject, sizes: list[int], from_the_end: bool
) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    constant = data.draw(st.integers(0, len(sizes))) if len(sizes) > 1 else len(sizes)
    shapes = [(*shape[:axis], n, *shape[axis + 1 :]) for n in sizes]
    arrays = [codes(i, (2, *s)) for i, s in enumerate(shapes)]
    arrays = [np.repeat(a[:1], 2, axis=0) if i == constant else a for i, a in enumerate(arrays)]
    values = [Value(f"x{i}", tensor(s), arrays[i][0] if i == constant else None) for i, s in enumerate(shapes)]
    whole = (*shape[:axis], sum(sizes), *shape[axis + 1 :])
    operands = tuple(range(len(sizes)))
    node = Node(
        "CONCATENATION", "y", operands, (len(sizes),), Concatenation(axis - len(shape) if from_the_end else axis)
    )
    inputs = [i for i in operands if i != constant]
    net = build("join", [*values, Value("y", tensor(whole))], [node], inputs, [len(sizes)])
    out = run(net, *(arrays[i] for i in inputs))
    owners = [(i, at) for i, n in enumerate(sizes) for at in range(n)]
    for index in np.ndindex(*out.shape):
        operand, at = owners[index[1 + axis]]
        assert out[index] == arrays[operand][(*index[: 1 + axis], at, *index[2 + axis :])]


@pytest.mark.parametrize(
    ("shape", "dims", "expected"),
    [
        ((1, 4, 1, 3), (), (4, 3)),
        ((1, 4, 1, 3), (2,), (1, 4, 3)),
        ((1, 4, 1, 3), (-2, 0), (4, 3)),
        ((1, 4, 1, 3), (0, -4), (4, 1, 3)),
        ((1, 1), (), ()),
        ((2, 3), (), (2, 3)),
    ],
)
def test_squeeze_moves_nothing(shape: tuple[int, ...], dims: tuple[int, ...], expected: tuple[int, ...]) -> None:
    x = codes(0, (2, *shape))
    out = run(single("SQUEEZE", Squeeze(dims), tensor(shape), tensor(expected)), x)
    assert out.ravel().tolist() == x.ravel().tolist()


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        (0, (1, 4, 3)),
        (1, (4, 1, 3)),
        (2, (4, 3, 1)),
        (-1, (4, 3, 1)),
        (-2, (4, 1, 3)),
        (-3, (1, 4, 3)),
        ([1], (4, 1, 3)),
    ],
)
def test_expand_dims_moves_nothing(axis: Any, expected: tuple[int, ...]) -> None:
    x = codes(0, (2, 4, 3))
    out = run(single("EXPAND_DIMS", ExpandDims(), tensor((4, 3)), tensor(expected), numbers(axis)), x)
    assert out.ravel().tolist() == x.ravel().tolist()
