"""A small network for a machine without a program: every kind of MAC layer, ragged, padded, strided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim._core.errors import HardwareError
from fxsim.graph import DType, Network, Node, TensorType, Value, build
from fxsim.lowering import lower
from fxsim.numerics import Affine
from fxsim.ops import OPERATORS

if TYPE_CHECKING:
    from fxsim.hw import Hardware, Numerics
    from fxsim.isa import Program

_ZEROS = (3, -7, 5, -2, 4)
"""Zero points of the input and of every layer's output."""
_DEVIATIONS = 2
"""Of a layer's sums, at least, at the ends of int8."""
_UNIFORM_DEVIATION = 256 / 12**0.5
"""Standard deviation of codes that are uniform over int8."""
_LAYERS: tuple[tuple[str, dict[str, Any], tuple[int, ...], tuple[int, ...], int], ...] = (
    ("CONV_2D", {"stride_h": 2, "stride_w": 2}, (6, 3, 3, 3), (1, 5, 5, 6), 0),
    ("DEPTHWISE_CONV_2D", {}, (1, 3, 3, 6), (1, 5, 5, 6), 3),
    ("CONV_2D", {}, (10, 1, 1, 6), (1, 5, 5, 10), 0),
    ("FULLY_CONNECTED", {}, (7, 250), (1, 7), 0),
)
"""Operator, attributes, shapes of weights and output, axis of the output channels."""


def example_program(hw: Hardware) -> Program:
    """Lower a convolution (padded, strided), a depthwise, a pointwise and a dense layer to `hw`; the same every time.

    Weights fill ``weight_bits`` and biases the accumulator, up to int8 and 11 bits; scales are powers of two, which
    every requantization scheme holds.

    Raises
    ------
    HardwareError
        Activations of int8 do not fit ``act_bits``, or `hw` cannot hold one tile of a layer.
    LoweringError, QuantizationError
        No layer can be lowered to `hw`.
    """
    if hw.numerics.act_bits < 8:
        raise HardwareError("act_bits must be at least 8 for the example, an int8 network", got=hw.numerics.act_bits)
    return lower(_network(hw.numerics), hw)


def _network(numerics: Numerics) -> Network:
    rng = np.random.default_rng(0)
    values = [Value("x", TensorType((1, 9, 9, 3), DType.INT8, Affine(2.0**-6, _ZEROS[0])))]
    nodes, deviation = [], _UNIFORM_DEVIATION
    for index, (op, attrs, *_) in enumerate(_LAYERS):
        source = len(values) - 1
        made, deviation = _layer(rng, numerics, values[source], index, deviation)
        values += made
        inputs = (source, source + 1, source + 2)
        nodes.append(Node(op, f"layer{index}", inputs, (source + 3,), OPERATORS[op].attrs(**attrs)))
    return build("example", values, nodes, [0], [len(values) - 1])


def _layer(
    rng: np.random.Generator, numerics: Numerics, x: Value, index: int, spread: float
) -> tuple[list[Value], float]:
    """Weights, bias and output of a layer that reads `x`, and the deviation of its codes from that of `x`, `spread`."""
    _, _, shape, out, axis = _LAYERS[index]
    assert x.type.quant is not None
    most, channels = 2 ** (min(numerics.weight_bits, 8) - 1) - 1, shape[axis]
    weights = rng.integers(-most, most, shape, np.int8, endpoint=True)
    steps = np.exp2(rng.integers(-9, -6, channels)).astype(np.float32)
    scales = x.type.quant.scale[0] * steps
    loaded = _loaded(rng, numerics, channels)
    if numerics.zero_point == "fold":
        loaded += int(x.type.quant.zero_point[0]) * np.moveaxis(weights, axis, 0).reshape(channels, -1).sum(axis=1)
    deviation = np.sqrt(weights.size / channels / 3) * most * spread * float(np.sqrt((scales**2).mean()))
    scale = 2.0 ** np.ceil(np.log2(deviation * _DEVIATIONS / 128))
    made = [
        Value(f"w{index}", TensorType(shape, DType.INT8, Affine(steps, axis=axis)), weights),
        Value(f"b{index}", TensorType((channels,), DType.INT32, Affine(scales, axis=0)), loaded.astype(np.int32)),
        Value(f"t{index}", TensorType(out, DType.INT8, Affine(scale, _ZEROS[index + 1]))),
    ]
    return made, deviation / scale


def _loaded(rng: np.random.Generator, numerics: Numerics, channels: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Biases as the accumulator starts from them."""
    most = 2 ** (min(numerics.acc_bits, 11) - 1) - 1
    return rng.integers(-most, most, channels, np.int64, endpoint=True)
