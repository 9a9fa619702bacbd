"""Certification models of the MAC operators."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim.graph import ABSENT, DType, Node, Value
from fxsim.ops import Conv2D, DepthwiseConv2D, FullyConnected
from fxsim.runtimes.case import Case, generator, infer_shape, make_case, tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

Array = NDArray[Any]

_ZERO_POINTS = (-128, 127, 0, -1, 3, -77)
_LOW_ZERO_POINTS = (-128, -77, 3)
"""Of outputs with a fused activation, which would clamp everything away behind a high one."""
_OPERAND_SPREAD = 100.0
"""Typical |x - zx| of the inputs."""
_OUTPUT_SPREAD = 50.0
"""Typical |y - zy| that output scales aim at."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One model: input shape, weight shape, attributes, and how it is quantized.

    `gain` magnifies the output (1 aims at typical codes); `bias` is "given", "absent" (operand -1) or "omitted" (two
    operands; LiteRT refuses both in CONV_2D); `weight_zero` is the weights' zero point.
    """

    name: str
    x: tuple[int, ...]
    weights: tuple[int, ...]
    attrs: Any
    per_channel: bool = True
    bias: str = "given"
    gain: float = 1.0
    weight_zero: int = 0


CONVOLUTIONS = (
    Variant("3x3 same", (1, 7, 9, 3), (5, 3, 3, 3), Conv2D()),
    Variant("3x3 valid relu", (1, 8, 6, 4), (6, 3, 3, 4), Conv2D(padding="VALID", activation="RELU")),
    Variant("stride 2 same relu6", (1, 9, 10, 3), (7, 3, 3, 3), Conv2D(stride_h=2, stride_w=2, activation="RELU6")),
    Variant("stride 2x3 valid", (1, 11, 13, 2), (4, 5, 2, 2), Conv2D(stride_h=2, stride_w=3, padding="VALID")),
    Variant("dilation 2 same", (1, 10, 9, 3), (4, 3, 3, 3), Conv2D(dilation_h=2, dilation_w=2)),
    Variant("dilation 3x2 valid", (1, 12, 11, 2), (3, 3, 3, 2), Conv2D(dilation_h=3, dilation_w=2, padding="VALID")),
    Variant("1x1", (1, 5, 7, 1), (16, 1, 1, 1), Conv2D()),
    Variant("no bias", (1, 5, 6, 2), (7, 1, 1, 2), Conv2D(), bias="absent"),
    Variant("1x1 per tensor", (1, 6, 5, 17), (9, 1, 1, 17), Conv2D(activation="RELU_N1_TO_1"), per_channel=False),
    Variant("kernel larger than input", (1, 3, 2, 3), (4, 5, 7, 3), Conv2D()),
    Variant("per tensor no bias", (1, 6, 6, 2), (3, 2, 4, 2), Conv2D(), per_channel=False, bias="omitted"),
    Variant("whole image", (1, 4, 5, 6), (8, 4, 5, 6), Conv2D(padding="VALID")),
    Variant("left shifts", (1, 5, 5, 1), (6, 1, 1, 1), Conv2D(), gain=16.0),
    Variant("vanishing", (1, 5, 5, 4), (6, 3, 3, 4), Conv2D(), gain=1e-5),
    Variant("batch of 2", (2, 5, 4, 3), (4, 3, 3, 3), Conv2D()),
)

DEPTHWISE = (
    Variant("3x3 same", (1, 7, 9, 5), (1, 3, 3, 5), DepthwiseConv2D()),
    Variant("3x3 valid relu6", (1, 8, 6, 4), (1, 3, 3, 4), DepthwiseConv2D(padding="VALID", activation="RELU6")),
    Variant("multiplier 3", (1, 6, 7, 2), (1, 3, 3, 6), DepthwiseConv2D(depth_multiplier=3)),
    Variant(
        "one channel, multiplier 8",
        (1, 9, 8, 1),
        (1, 3, 3, 8),
        DepthwiseConv2D(stride_h=2, stride_w=2, depth_multiplier=8, activation="RELU"),
    ),
    Variant("stride 3x2", (1, 11, 9, 3), (1, 2, 5, 3), DepthwiseConv2D(stride_h=3, stride_w=2, padding="VALID")),
    Variant("dilation 2", (1, 9, 9, 4), (1, 3, 3, 4), DepthwiseConv2D(dilation_h=2, dilation_w=2)),
    Variant("1x1", (1, 5, 5, 16), (1, 1, 1, 16), DepthwiseConv2D(), bias="omitted"),
    Variant("per tensor", (1, 6, 5, 7), (1, 3, 3, 7), DepthwiseConv2D(activation="RELU_N1_TO_1"), per_channel=False),
    Variant("kernel larger than input", (1, 2, 3, 3), (1, 6, 5, 6), DepthwiseConv2D(depth_multiplier=2)),
    Variant("left shifts", (1, 5, 5, 4), (1, 1, 1, 4), DepthwiseConv2D(), gain=16.0),
)

FULLY = (
    Variant("per tensor", (1, 16), (10, 16), FullyConnected(), per_channel=False),
    Variant("per channel", (1, 33), (12, 33), FullyConnected()),
    Variant("batch of 5 relu", (5, 20), (7, 20), FullyConnected(activation="RELU"), per_channel=False),
    Variant("batch of 3 per channel relu6", (3, 9), (8, 9), FullyConnected(activation="RELU6")),
    Variant("no bias", (1, 24), (16, 24), FullyConnected(), per_channel=False, bias="absent"),
    Variant("one weight per output", (1, 1), (32, 1), FullyConnected(activation="RELU_N1_TO_1")),
    Variant("weight zero point", (2, 18), (9, 18), FullyConnected(), per_channel=False, weight_zero=17),
    Variant("kept dimensions", (2, 3, 12), (5, 12), FullyConnected(keep_num_dims=1), per_channel=False),
    Variant("image as input", (1, 4, 4, 3), (6, 48), FullyConnected(), per_channel=False),
    Variant("wide", (1, 1000), (4, 1000), FullyConnected(), per_channel=False),
    Variant("left shifts", (1, 2), (8, 2), FullyConnected(), per_channel=False, gain=16.0),
    Variant("vanishing", (1, 8), (8, 8), FullyConnected(), gain=1e-5),
)


def mac_cases() -> Iterator[Case]:
    """Every variant twice: with power-of-two scale ratios, where ties abound, and with arbitrary scales."""
    tables = (("CONV_2D", 0, CONVOLUTIONS), ("DEPTHWISE_CONV_2D", 3, DEPTHWISE), ("FULLY_CONNECTED", 0, FULLY))
    for operator, axis, variants in tables:
        for variant in variants:
            yield _case(operator, axis, variant, ties=True)
            yield _case(operator, axis, variant, ties=False)


def _case(operator: str, axis: int, variant: Variant, *, ties: bool) -> Case:
    name = f"{operator} {variant.name}, {'ties' if ties else 'any scales'}"
    rng = generator(name)
    channels = variant.weights[axis]
    weights = _weight_codes(rng, variant.weights, small=ties or variant.gain > 1)
    x_scale = np.float32(2.0**-5 if ties else rng.uniform(0.003, 0.1))
    w_scale = _weight_scales(rng, channels if variant.per_channel else 1, ties=ties)
    w_axis = axis if w_scale.size > 1 else None
    spread = _OPERAND_SPREAD * float(weights.std() + 0.5) * math.sqrt(weights.size // channels)
    values = [
        tensor("x", variant.x, x_scale, rng.choice(_ZERO_POINTS)),
        tensor("w", variant.weights, w_scale, variant.weight_zero, axis=w_axis, data=weights),
    ]
    if variant.bias == "given":
        values.append(_bias(rng, x_scale * w_scale, channels, spread / max(variant.gain, 1.0)))
    inputs = (0, 1, ABSENT) if variant.bias == "absent" else tuple(range(len(values)))
    node = Node(operator, "y", inputs, (len(values),), variant.attrs)
    real = spread * float(x_scale) * float(np.median(w_scale))
    scale = _output_scale(real / (_OUTPUT_SPREAD * variant.gain), ties=ties)
    zero = rng.choice(_ZERO_POINTS if variant.attrs.activation == "NONE" else _LOW_ZERO_POINTS)
    shape = infer_shape(node, [*values, tensor("y", (), scale, zero)])
    refused = operator == "CONV_2D" and variant.bias != "given"
    return make_case(name, node, [*values, tensor("y", shape, scale, zero)], litert=not refused)


def _weight_codes(rng: np.random.Generator, shape: tuple[int, ...], *, small: bool) -> Array:
    """Small codes keep the multiplier large, so that exact halves are frequent; else the whole range, -128 included."""
    return rng.integers(-3, 4, shape) if small else rng.integers(-128, 128, shape)


def _weight_scales(rng: np.random.Generator, count: int, *, ties: bool) -> Array:
    if ties:
        return np.exp2(-rng.integers(6, 9, count)).astype(np.float32)
    return np.exp(rng.uniform(math.log(0.001), math.log(0.02), count)).astype(np.float32)


def _bias(rng: np.random.Generator, scale: Array, channels: int, spread: float) -> Value:
    data = rng.integers(-int(spread), int(spread) + 1, channels)
    axis = 0 if scale.size > 1 else None
    return tensor("b", (channels,), scale.astype(np.float32), axis=axis, dtype=DType.INT32, data=data)


def _output_scale(real: float, *, ties: bool) -> float:
    return 2.0 ** round(math.log2(real)) if ties else real
