"""read(write(network)) is the network, and equal networks give equal bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import UnsupportedError
from fxsim.formats import read_tflite, write_tflite
from fxsim.graph import ABSENT, DType, Network, Node, TensorType, Value, build
from fxsim.numerics import Affine
from fxsim.ops import (
    OPERATORS,
    Binary,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    Dequantize,
    ExpandDims,
    Mean,
    Pad,
    PadV2,
    Pool,
    Quantize,
    Reshape,
    Softmax,
    Squeeze,
)

ACTIVATIONS = st.sampled_from(["NONE", "RELU", "RELU6", "RELU_N1_TO_1"])
SCALES = st.floats(2**-20, 8, width=32)
ZERO_POINTS = st.integers(-128, 127)
ODD_NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


class Chain:
    """A network under construction, one node behind the other."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.values: list[Value] = []
        self.nodes: list[Node] = []
        self.last = self.add((1, draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(st.integers(1, 4))))

    def add(
        self,
        shape: tuple[int, ...],
        dtype: DType = DType.INT8,
        quant: Affine | None = None,
        data: np.ndarray[Any, Any] | None = None,
    ) -> int:
        if quant is None and dtype.is_integer and data is None:
            quant = Affine(self.draw(SCALES), self.draw(ZERO_POINTS))
        name = f"{len(self.values)} {self.draw(ODD_NAMES)}"
        self.values.append(Value(name, TensorType(shape, dtype, quant), data))
        return len(self.values) - 1

    def constant(self, shape: tuple[int, ...], dtype: DType, axis: int, channels: int) -> int:
        count = channels if self.draw(st.booleans()) else 1
        scales = self.draw(st.lists(SCALES, min_size=count, max_size=count))
        seed = self.draw(st.integers(0, 999))
        data = np.random.default_rng(seed).integers(-128, 128, shape).astype(dtype.numpy)
        return self.add(shape, dtype, Affine(scales, 0, axis if count > 1 else None), data)

    def node(
        self, op: str, attrs: Any, inputs: tuple[int, ...], quant: Affine | None = None, dtype: DType = DType.INT8
    ) -> None:
        """Append a node; its result's shape comes from the operator's own rule."""
        result = self.add((), dtype, quant)
        node = Node(op, self.values[result].name, inputs, (result,), attrs)
        draft = Network("draft", tuple(self.values), (node,), (0,), (result,))
        shape = OPERATORS[op].infer(draft, node)[0]
        kind = self.values[result].type
        self.values[result] = Value(node.name, TensorType(shape, kind.dtype, kind.quant))
        self.nodes.append(node)
        self.last = result

    @property
    def kind(self) -> TensorType:
        return self.values[self.last].type


def mac_layer(chain: Chain) -> None:
    draw, channels = chain.draw, chain.kind.shape[3]
    depthwise = draw(st.booleans())
    kernel = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    geometry = {key: draw(st.integers(1, 3)) for key in ("stride_h", "stride_w", "dilation_h", "dilation_w")}
    if depthwise:
        mult = draw(st.integers(1, 3))
        shape, axis, count = (1, *kernel, channels * mult), 3, channels * mult
        attrs: Any = DepthwiseConv2D(**geometry, activation=draw(ACTIVATIONS), depth_multiplier=mult)
    else:
        count = draw(st.integers(1, 4))
        shape, axis = (count, *kernel, channels), 0
        attrs = Conv2D(**geometry, activation=draw(ACTIVATIONS))
    weights = chain.constant(shape, DType.INT8, axis, count)
    bias = chain.constant((count,), DType.INT32, 0, count) if draw(st.booleans()) else ABSENT
    chain.node("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", attrs, (chain.last, weights, bias))


def pool_layer(chain: Chain) -> None:
    draw = chain.draw
    sizes = {key: draw(st.integers(1, 4)) for key in ("stride_h", "stride_w", "filter_h", "filter_w")}
    attrs = Pool(**sizes, activation=draw(ACTIVATIONS))
    chain.node(draw(st.sampled_from(["MAX_POOL_2D", "AVERAGE_POOL_2D"])), attrs, (chain.last,), chain.kind.quant)


def binary_layer(chain: Chain) -> None:
    draw = chain.draw
    other = chain.last
    if draw(st.booleans()):
        shape = chain.kind.shape[draw(st.integers(0, 3)) :]
        other = chain.add(shape, DType.INT8, Affine(draw(SCALES), draw(ZERO_POINTS)), np.zeros(shape, np.int8))
    operands = (chain.last, other) if draw(st.booleans()) else (other, chain.last)
    op = draw(st.sampled_from(["ADD", "SUB", "MUL"]))
    chain.node(op, Binary(draw(ACTIVATIONS)), operands, Affine(1.0, draw(ZERO_POINTS)))


def move_layer(chain: Chain) -> None:
    draw, quant = chain.draw, chain.kind.quant
    kind = draw(st.sampled_from(["PAD", "PADV2", "CONCATENATION", "EXPAND_DIMS"]))
    if kind == "CONCATENATION":
        chain.node(kind, Concatenation(draw(st.integers(-4, 3))), (chain.last, chain.last), quant)
    elif kind == "EXPAND_DIMS":
        place = draw(st.integers(0, 4))
        data = np.full(draw(st.sampled_from([(), (1,)])), place - draw(st.sampled_from([0, 5])), np.int32)
        axis = chain.add(data.shape, DType.INT32, None, data)
        chain.node(kind, ExpandDims(), (chain.last, axis), quant)
        chain.node("SQUEEZE", Squeeze((place,)), (chain.last,), quant)
    else:
        pads = chain.add((4, 2), DType.INT32, None, np.array([(0, 0), (1, 2), (0, 1), (0, 0)], np.int32))
        code = [chain.add((), DType.INT8, quant, np.array(5, np.int8))] if kind == "PADV2" else []
        chain.node(kind, PadV2() if code else Pad(), (chain.last, pads, *code), quant)


def activation_layer(chain: Chain) -> None:
    op = chain.draw(st.sampled_from(["RELU", "RELU6", "RELU_N1_TO_1", "LOGISTIC", "TANH"]))
    fixed = {"LOGISTIC": Affine(1 / 256, -128), "TANH": Affine(1 / 128, 0)}
    chain.node(op, OPERATORS[op].attrs(), (chain.last,), fixed.get(op, chain.kind.quant))


def reshape_layer(chain: Chain) -> None:
    size = chain.kind.size
    if chain.draw(st.booleans()):
        operand = chain.add((2,), DType.INT32, None, np.array([1, size], np.int32))
        chain.node("RESHAPE", Reshape(), (chain.last, operand), chain.kind.quant)
    else:
        chain.node("RESHAPE", Reshape((-1, size)), (chain.last,), chain.kind.quant)


def mean_layer(chain: Chain) -> None:
    axes = chain.draw(st.lists(st.integers(-4, 3), min_size=1, max_size=4))
    operand = chain.add((len(axes),), DType.INT32, None, np.array(axes, np.int32))
    chain.node("MEAN", Mean(keep_dims=1), (chain.last, operand))


@st.composite
def networks(draw: Any) -> Network:
    """Legal networks of every operator: convolutions, pools, then a flat tail."""
    chain = Chain(draw)
    for _ in range(draw(st.integers(0, 3))):
        draw(st.sampled_from([mac_layer, pool_layer, binary_layer, move_layer, activation_layer]))(chain)
    if draw(st.booleans()):
        mean_layer(chain)
    reshape_layer(chain)
    tail = draw(st.sampled_from(["SOFTMAX", "QUANTIZE", "DEQUANTIZE"]))
    if tail == "SOFTMAX":
        quant = chain.kind.quant
        assert quant is not None
        chain.node(tail, Softmax(draw(st.sampled_from([0.5, 1.0, 3.0]))), (chain.last,), Affine(1 / 256, -128))
    elif tail == "QUANTIZE":
        chain.node(tail, Quantize(), (chain.last,), Affine(0.5, 128), DType.UINT8)
    else:
        chain.node(tail, Dequantize(), (chain.last,), None, DType.FLOAT32)
    return build("model", chain.values, chain.nodes, [0], [chain.last])


def assert_equal(a: Network, b: Network) -> None:
    assert (a.name, a.inputs, a.outputs, a.nodes) == (b.name, b.inputs, b.outputs, b.nodes)
    assert [(v.name, v.type) for v in a.values] == [(v.name, v.type) for v in b.values]
    for x, y in zip(a.values, b.values, strict=True):
        assert (x.data is None) == (y.data is None)
        if x.data is not None and y.data is not None:
            assert x.data.dtype == y.data.dtype
            np.testing.assert_array_equal(x.data, y.data)


@given(networks())
def test_round_trip(network: Network) -> None:
    data = write_tflite(network)
    read = read_tflite(data)
    assert_equal(read, network)
    assert write_tflite(read) == data


def small(op: str, attrs: Any, quant: Affine) -> Network:
    x, y = (Value(name, TensorType((1, 4), DType.INT8, quant)) for name in "xy")
    return Network("model", (x, y), (Node(op, "y", (0,), (1,), attrs),), (0,), (1,))


def test_groups_have_no_spelling() -> None:
    with pytest.raises(UnsupportedError, match=r"tensor 'x': quantization must be per tensor or per channel"):
        write_tflite(small("QUANTIZE", Quantize(), Affine([1.0, 2.0], 0, axis=1, group_size=2)))


def test_constants_are_aligned_for_runtimes_that_read_in_place() -> None:
    operand = Value("shape", TensorType((2,), DType.INT32), np.array([12345, -1], np.int32))
    x, y = (Value(n, TensorType((1, 24690), DType.INT8, Affine(0.5))) for n in "xy")
    net = Network("model", (x, operand, y), (Node("RESHAPE", "y", (0, 1), (2,), Reshape()),), (0,), (2,))
    assert write_tflite(net).index(np.array([12345, -1], "<i4").tobytes()) % 16 == 0
