from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fxsim._core.errors import FxsimError, GraphError, UnsupportedError
from fxsim.graph import DType, Network, Node, TensorType, Value, build
from fxsim.numerics import Affine
from fxsim.ops import (
    OPERATORS,
    Activation,
    Binary,
    Concatenation,
    Conv2D,
    Curve,
    DepthwiseConv2D,
    Dequantize,
    ExpandDims,
    FullyConnected,
    Mean,
    Pad,
    PadV2,
    Pool,
    Quantize,
    Reshape,
    Softmax,
    Squeeze,
    validate,
)
from tests.ops.networks import bias, double, single, tensor, weights

FLOAT = TensorType((1, 4, 4, 2), DType.FLOAT32)
X = tensor((1, 4, 4, 2))
Y = tensor((1, 4, 4, 3))
W = weights(np.ones((3, 1, 1, 2)))


def problems(net: Network) -> list[str]:
    return OPERATORS[net.nodes[0].op].check(net, net.nodes[0])


def conv(
    attrs: Conv2D | None = None, x: TensorType = X, y: TensorType = Y, w: Value = W, b: Value | None = None
) -> Network:
    return single("CONV_2D", attrs or Conv2D(), x, y, w, b)


def wide_weights(scales: list[float], axis: int, zeros: Any = 0) -> Value:
    return weights(np.ones((3, 1, 1, 2)), scales, axis, zeros)


def unquantized(value: Value) -> Value:
    return Value(value.name, TensorType(value.type.shape, value.type.dtype), value.data)


def axes(*numbers: Any) -> Value:
    data = np.array(numbers, np.int32)
    return Value("axes", TensorType(data.shape, DType.INT32), data)


def ints(values: Any) -> Value:
    data = np.array(values, np.int32)
    return Value("ints", TensorType(data.shape, DType.INT32), data)


def pad(pads: Any, x: TensorType = X, y: TensorType = X, code: Value | None = None) -> Network:
    if code is None:
        return single("PAD", Pad(), x, y, ints(pads))
    return single("PADV2", PadV2(), x, y, ints(pads), code)


def join(a: TensorType, b: TensorType, axis: int = 3, activation: str = "NONE") -> Network:
    values = [Value("a", a), Value("b", b), Value("y", tensor((1, 4, 4, 4)))]
    node = Node("CONCATENATION", "y", (0, 1), (2,), Concatenation(axis, activation))
    return build("join", values, [node], [0, 1], [2])


def expand(axis: Any) -> Network:
    return single("EXPAND_DIMS", ExpandDims(), X, X, ints(axis))


LEGAL = [
    pad([(0, 0)] * 4),
    pad([(0, 0)] * 4, code=weights([1], 0.5)),
    join(X, X),
    double("ADD", Binary(), (X, tensor((4, 1))), X),
    conv(),
    conv(b=bias([1, 2, 3])),
    conv(w=wide_weights([1.0, 2.0, 3.0], 0)),
    conv(Conv2D(padding="VALID", activation="RELU_N1_TO_1")),
    single("FULLY_CONNECTED", FullyConnected(), X, tensor((1, 3)), weights(np.ones((3, 32)), 0.5, zero=7)),
    single("FULLY_CONNECTED", FullyConnected(keep_num_dims=1), X, Y, weights(np.ones((3, 2)))),
    single(
        "DEPTHWISE_CONV_2D",
        DepthwiseConv2D(depth_multiplier=2),
        X,
        tensor((1, 4, 4, 4)),
        weights(np.ones((1, 2, 2, 4)), [1.0] * 4, 3),
    ),
    single("MEAN", Mean(), X, tensor((1, 2)), axes(1, -2, 2)),
    single("MEAN", Mean(1), X, tensor((1, 4, 1, 2)), Value("axis", TensorType((), DType.INT32), np.array(2, np.int32))),
]


@pytest.mark.parametrize("net", LEGAL)
def test_legal_nodes_have_no_problems(net: Network) -> None:
    assert problems(net) == []
    validate(net)


ILLEGAL = [
    (conv(x=FLOAT), ["input must be int8, not float32", "input must be quantized"]),
    (conv(x=tensor((1, 4, 4, 2), None)), ["input must be quantized"]),
    (conv(x=tensor((1, 4, 4, 2), 0.5, 200)), ["input zero point must lie in the range of int8, not 200"]),
    (conv(y=tensor((1, 4, 4, 3), 0.5, 0, DType.UINT8)), ["output must be int8, not uint8"]),
    (conv(x=tensor((4, 4, 2))), ["input must have 4 dimensions"]),
    (conv(x=tensor((1, 4, 4, 5))), ["weights must have 5 input channels, not 2"]),
    (conv(w=weights(np.ones((3, 2)))), ["weights must have 4 dimensions, not shape (3, 2)"]),
    (conv(w=unquantized(W)), ["weights must be quantized"]),
    (conv(w=weights(np.ones((3, 1, 1, 2)), 1.0, zero=3)), ["weights zero points must be 0, not [3]"]),
    (conv(w=wide_weights([1.0, 2.0], 0)), ["weights must have 1 or 3 scales (output channels), not 2"]),
    (conv(w=wide_weights([1.0, 2.0], 3)), ["weights must be quantized along dimension 0, not 3", "1 or 3 scales"]),
    (conv(b=bias([1, 2])), ["bias must have shape (3,), not (2,)"]),
    (conv(b=Value("bias", TensorType((3,), DType.INT64), np.zeros(3, np.int64))), ["bias must be int32, not int64"]),
    (conv(Conv2D(stride_h=0, dilation_w=-1)), ["stride_h must be in 1..65535, not 0", "dilation_w must be"]),
    (conv(Conv2D(padding="FULL")), ["padding must be SAME or VALID, not FULL"]),
    (conv(Conv2D(activation="TANH")), ["fused activation must be NONE, RELU, RELU6, RELU_N1_TO_1, not TANH"]),
    (conv(Conv2D(padding="VALID"), w=weights(np.ones((3, 5, 1, 2)))), ["window must fit the input"]),
    (conv(x=tensor((1, 4, 4, 2), 1e30), y=tensor((1, 4, 4, 3), 1e-30)), ["real multiplier of TFL_DOUBLE must be"]),
    (
        conv(Conv2D(activation="RELU6"), y=tensor((1, 4, 4, 3), 1e-30), x=tensor((1, 4, 4, 2), 1e-30)),
        ["activation bound must be an int32 code"],
    ),
    (
        conv(x=FLOAT, b=bias([1]), attrs=Conv2D(stride_w=0, activation="TANH")),
        [
            "input must be int8",
            "input must be quantized",
            "bias must have shape",
            "stride_w must be",
            "fused activation",
        ],
    ),
    (
        single("FULLY_CONNECTED", FullyConnected(weights_format="SHUFFLED4x16INT8"), X, Y, weights(np.ones((3, 5)))),
        ["weights_format must be DEFAULT", "input must have a multiple of 5 elements, not shape (1, 4, 4, 2)"],
    ),
    (
        single("FULLY_CONNECTED", FullyConnected(keep_num_dims=1), X, Y, weights(np.ones((3, 32)))),
        ["input must have last dimension 32"],
    ),
    (
        single("FULLY_CONNECTED", FullyConnected(), X, Y, weights(np.ones((2, 2)), [1.0, 1.0], 0, [0, 9])),
        ["weights zero points must be 0, not [9]"],
    ),
    (
        single("DEPTHWISE_CONV_2D", DepthwiseConv2D(), X, Y, weights(np.ones((2, 1, 1, 3)))),
        ["weights must have first dimension 1, not 2", "weights must have 2 * depth_multiplier = 2 channels, not 3"],
    ),
    (
        single("AVERAGE_POOL_2D", Pool(filter_h=0), X, tensor((1, 4, 4, 2), 0.25)),
        ["filter_h must be in 1..65535, not 0", "input and output must share scale and zero point"],
    ),
    (single("MAX_POOL_2D", Pool("VALID", filter_w=9), X, X), ["window must fit the input"]),
    (single("MAX_POOL_2D", Pool(), tensor((1, 4, 4, 2), dtype=DType.UINT8), X), ["input must be int8, not uint8"]),
    (single("RELU", Activation(), FLOAT, X), ["input must be int8, not float32", "input must be quantized"]),
    (single("RELU6", Activation(), X, tensor((1, 4, 4, 2), dtype=DType.UINT8)), ["output must be int8, not uint8"]),
    (single("RELU6", Activation(), tensor((1,), 1e-30), X), ["activation bound must be an int32 code"]),
    (
        single("RELU_N1_TO_1", Activation(), X, tensor((1, 4, 4, 2), 2.0**-40)),
        ["real multiplier of TFL_DOUBLE must be"],
    ),
    (single("LOGISTIC", Curve(), X, X), ["output scale and zero point must be 1/256 and -128, not 0.5 and 0"]),
    (single("TANH", Curve(), X, tensor((1, 4, 4, 2), 1 / 256)), ["must be 1/128 and 0, not 0.00390625 and 0"]),
    (
        single("TANH", Curve(), tensor((1,), 2.0**-29), tensor((1,), 1 / 128)),
        ["input scale of TANH must be at least 2**-28"],
    ),
    (single("MEAN", Mean(), X, Y), ["must have 2 operands, not 1"]),
    (single("MEAN", Mean(), X, Y, axes(4, -5, 1)), ["axes must be in -4..3, not [4, -5]"]),
    (single("MEAN", Mean(), X, Y, weights([1])), ["axis operand must be int32, not int8"]),
    (single("MEAN", Mean(), X, Y, axes([1, 2])), ["axis operand must be a list, not of shape (1, 2)"]),
    (single("MEAN", Mean(), FLOAT, Y, axes(1)), ["input must be int8, not float32", "input must be quantized"]),
    (
        single("MEAN", Mean(), X, tensor((1, 4, 2), 1e-30), axes(1)),
        ["real multiplier of TFL_DOUBLE must be in 0..2**31"],
    ),
    (single("RESHAPE", Reshape((5, -1)), X, tensor((5, 6))), ["new shape must hold 32 elements, not (5, -1)"]),
    (single("RESHAPE", Reshape((-1, -1)), X, X), ["new shape must hold 32 elements"]),
    (single("RESHAPE", Reshape((0, 32)), X, X), ["new shape must hold 32 elements"]),
    (single("RESHAPE", Reshape((32,)), X, tensor((32,), 0.25)), ["input and output must share scale and zero point"]),
    (single("RESHAPE", Reshape(), X, X, weights([1, 32])), ["shape operand must be int32, not int8"]),
    (single("SOFTMAX", Softmax(), X, X), ["output scale and zero point must be 1/256 and -128, not 0.5 and 0"]),
    (single("SOFTMAX", Softmax(0.0), X, tensor((1, 4, 4, 2), 1 / 256, -128)), ["beta * scale of SOFTMAX must be"]),
    (single("SOFTMAX", Softmax(float("nan")), X, tensor((1, 4, 4, 2), 1 / 256, -128)), ["beta * scale of SOFTMAX"]),
    (
        single("SOFTMAX", Softmax(), tensor((1, 4096)), tensor((1, 4096), 1 / 256, -128)),
        ["rows must have at most 4095 elements, not 4096"],
    ),
    (single("QUANTIZE", Quantize(), FLOAT, X), ["input must be int8 or uint8, not float32", "input must be quantized"]),
    (single("QUANTIZE", Quantize(), tensor((1, 2), 1e30), tensor((1, 2), 1e-8)), ["real multiplier of TFL_DOUBLE"]),
    (single("DEQUANTIZE", Dequantize(), X, X), ["output must be float32, not int8"]),
    (single("SOFTMAX", Softmax(), X, X, weights([1])), ["must have 1 operands, not 2"]),
    (double("ADD", Binary("TANH"), (X, FLOAT), X), ["fused activation", "operand 1 must be int8", "must be quantized"]),
    (
        double("ADD", Binary(), (X, tensor((3,))), X),
        ["operands must have shapes that broadcast, not (1, 4, 4, 2) and (3,)"],
    ),
    (
        double("ADD", Binary(), (X, X), tensor((1, 4, 4, 2), 2.0**-20)),
        ["factor of the result in ADD must be above 0 and below 1"],
    ),
    (double("ADD", Binary(), (X, X), tensor((1, 4, 4, 2), 1.0, 0, DType.UINT8)), ["output must be int8, not uint8"]),
    (double("SUB", Binary(), (X, X), tensor((1, 4, 4, 2), 2.0**-20)), ["factor of the result in SUB must be above 0"]),
    (double("MUL", Binary(), (tensor((1, 2), 1e20), X), tensor((1, 4, 4, 2), 1e-8)), ["real multiplier of TFL_DOUBLE"]),
    (double("MUL", Binary("SIGN_BIT"), (X, X), X), ["fused activation must be NONE"]),
    (pad([(1, 1)]), ["paddings must have shape (4, 2), not (1, 2)"]),
    (pad([(0, 0), (-1, 1), (0, 0), (0, 0)]), ["paddings must be at least 0, not [[0, 0], [-1, 1], [0, 0], [0, 0]]"]),
    (pad([(0, 0)] * 4, y=tensor((1, 4, 4, 2), 0.25)), ["input and output must share scale and zero point"]),
    (pad([(0, 0)] * 6, x=tensor((1,) * 6), y=tensor((1,) * 6)), ["input must have 1..5 dimensions, not 6"]),
    (single("PAD", Pad(), X, X, weights(np.zeros((4, 2)))), ["paddings must be int32, not int8"]),
    (single("PAD", Pad(), X, X), ["must have 2 operands, not 1"]),
    (pad([(0, 0)] * 4, code=weights([1], 0.25)), ["pad value and output must share scale and zero point"]),
    (pad([(0, 0)] * 4, code=weights([1, 2], 0.5)), ["pad value must be one code, not shape (2,)"]),
    (join(X, tensor((1, 4, 5, 2))), ["operands must have the same shape but along axis 3"]),
    (join(X, tensor((4, 2))), ["operands must have the same shape but along axis 3"]),
    (join(X, X, axis=4), ["axis must be in -4..3, not 4"]),
    (join(X, X, axis=-5), ["axis must be in -4..3, not -5"]),
    (join(X, tensor((1, 4, 4, 2), 0.25)), ["operand 1 and output must share scale and zero point"]),
    (join(X, X, activation="RELU"), ["fused activation must be NONE, not RELU"]),
    (join(X, FLOAT), ["operand 1 must be int8, not float32", "operand 1 must be quantized"]),
    (single("CONCATENATION", Concatenation(3), X, X, None, weights([[[[1]]]])), ["all operands must be given"]),
    (
        single("SQUEEZE", Squeeze((1,)), X, X),
        ["squeeze_dims must be dimensions of size 1 of shape (1, 4, 4, 2), not (1,)"],
    ),
    (single("SQUEEZE", Squeeze((4,)), X, X), ["squeeze_dims must be dimensions of size 1"]),
    (single("SQUEEZE", Squeeze(), FLOAT, X), ["input must be int8 or uint8, not float32", "input must be quantized"]),
    (expand(5), ["axis must be in -5..4, not 5"]),
    (expand(-6), ["axis must be in -5..4, not -6"]),
    (expand([1, 2]), ["axis must be one number, not shape (2,)"]),
    (single("EXPAND_DIMS", ExpandDims(), X, X, weights([1])), ["axis must be int32, not int8"]),
    (single("ADD", Binary(), X, X), ["must have 2 operands, not 1"]),
    (single("CONV_2D", Conv2D(), X, Y), ["must have 2..3 operands, not 1"]),
    (single("CONV_2D", Conv2D(), X, Y, None, bias([1, 2, 3])), ["operand 1 must be given"]),
]


@pytest.mark.parametrize(("net", "expected"), ILLEGAL)
def test_every_problem_of_a_node_is_listed(net: Network, expected: list[str]) -> None:
    found = problems(net)
    assert len(found) == len(expected), found
    for message in expected:
        assert any(message in problem for problem in found), (message, found)
    with pytest.raises(UnsupportedError):
        validate(net)


def test_scales_in_blocks_are_refused() -> None:
    blocks = Value(
        "weights", TensorType((2, 4), DType.INT8, Affine([1.0] * 4, 0, axis=1, group_size=2)), np.ones((2, 4), np.int8)
    )
    net = single("FULLY_CONNECTED", FullyConnected(), tensor((1, 4)), tensor((1, 2)), blocks)
    assert problems(net) == ["weights must not be quantized in blocks"]


def test_computed_weights_are_refused() -> None:
    values = [Value("x", tensor((1, 4))), Value("w", tensor((2, 4))), Value("y", tensor((1, 2)))]
    net = build("n", values, [Node("FULLY_CONNECTED", "fc", (0, 1), (2,), FullyConnected())], [0, 1], [2])
    assert problems(net) == ["weights must be a constant"]


def test_computed_axes_are_refused() -> None:
    values = [Value("x", X), Value("axes", TensorType((1,), DType.INT32)), Value("y", tensor((1, 4, 2)))]
    net = build("n", values, [Node("MEAN", "mean", (0, 1), (2,), Mean())], [0, 1], [2])
    assert problems(net) == ["axis operand must be a constant"]


def test_constant_input_is_refused() -> None:
    values = [Value("x", tensor((1, 2))), weights([[1, 2]]), Value("y", tensor((1, 2)))]
    net = build("n", values, [Node("RESHAPE", "r", (1,), (2,), Reshape((1, 2)))], [0], [2])
    assert problems(net) == ["operand 0 must not be a constant"]


def test_two_constants_are_refused() -> None:
    values = [weights([[1, 2]]), Value("y", tensor((1, 2))), Value("x", tensor((1, 2))), Value("z", tensor((1, 2)))]
    nodes = [Node("ADD", "a", (0, 0), (1,), Binary()), Node("ADD", "b", (2, 1), (3,), Binary())]
    net = build("n", values, nodes, [2], [3])
    assert problems(net) == ["operands must not all be constants"]


def test_all_nodes_are_reported_together() -> None:
    values = [Value("x", X), Value("a", FLOAT), Value("b", tensor((7,))), Value("c", X)]
    nodes = [
        Node("GELU", "first", (0,), (1,), None),
        Node("SOFTMAX", "second", (0,), (2,), Softmax()),
        Node("RESHAPE", "third", (0,), (3,), Reshape((32,))),
    ]
    net = build("net", values, nodes, [0], [1, 2, 3])
    with pytest.raises(UnsupportedError) as caught:
        validate(net)
    text = str(caught.value)
    assert "net: network must only hold supported nodes (3 problems):" in text
    assert "node 0 'first' (GELU): operator must be one of: " in text
    assert "node 1 'second' (SOFTMAX): output scale and zero point must be 1/256" in text
    assert "node 2 'third' (RESHAPE): output 'c' must have shape (32,), not (1, 4, 4, 2)" in text


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (conv(y=tensor((1, 4, 4, 9))), "(1, 4, 4, 3)"),
        (conv(Conv2D(stride_h=3, padding="VALID")), "(1, 2, 4, 3)"),
        (single("MAX_POOL_2D", Pool(stride_w=2), X, X), "(1, 4, 2, 2)"),
        (single("MEAN", Mean(), X, X, axes(0, 2)), "(4, 2)"),
        (single("MEAN", Mean(1), X, X, axes(0, -2)), "(1, 4, 1, 2)"),
        (single("QUANTIZE", Quantize(), X, tensor((32,))), "(1, 4, 4, 2)"),
        (single("FULLY_CONNECTED", FullyConnected(), X, Y, weights(np.ones((3, 8)))), "(4, 3)"),
    ],
)
def test_declared_shapes_must_follow(net: Network, shape: str) -> None:
    with pytest.raises(GraphError, match="declared shapes must follow") as caught:
        validate(net)
    assert f"must have shape {shape}" in str(caught.value)


def test_checks_survive_nodes_without_sense() -> None:
    """Whatever the shapes and operand counts are, `check` lists problems instead of failing."""
    shapes = [(), (1,), (2, 3), (1, 2, 3, 4), (1, 1, 1, 1, 1)]
    for op, operator in OPERATORS.items():
        for x in shapes:
            for w in shapes:
                for extra in ([], [weights(np.ones(w), 1.0)], [None, weights(np.ones(w), 1.0)]):
                    try:
                        validate(single(op, operator.attrs(), tensor(x), tensor(x), *extra))
                    except FxsimError:
                        continue
