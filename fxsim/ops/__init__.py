"""Operators of the graph: attributes, legality, shapes, exact integer runs; one file each."""

from fxsim.ops.attrs import (
    Conv2D,
    DepthwiseConv2D,
    Dequantize,
    FullyConnected,
    Pool,
    Quantize,
    Reshape,
    Softmax,
)
from fxsim.ops.base import ACTIVATIONS, OPERATORS, PADDINGS, Operator, OptionField, Outcome, TfliteHook
from fxsim.ops.mac import MAC_OPERATORS, MacParams, mac_params
from fxsim.ops.windows import Window

__all__ = [
    "ACTIVATIONS",
    "MAC_OPERATORS",
    "OPERATORS",
    "PADDINGS",
    "Conv2D",
    "DepthwiseConv2D",
    "Dequantize",
    "FullyConnected",
    "MacParams",
    "Operator",
    "OptionField",
    "Outcome",
    "Pool",
    "Quantize",
    "Reshape",
    "Softmax",
    "TfliteHook",
    "Window",
    "mac_params",
]
