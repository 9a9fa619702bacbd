"""Attributes of the operators: frozen dataclasses of plain integers, strings and floats."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conv2D:
    """Attributes of CONV_2D; `padding` is SAME or VALID, `activation` a fused activation."""

    stride_h: int = 1
    stride_w: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    padding: str = "SAME"
    activation: str = "NONE"


@dataclass(frozen=True, slots=True)
class DepthwiseConv2D:
    """Attributes of DEPTHWISE_CONV_2D; output channel = input channel * depth_multiplier + j."""

    stride_h: int = 1
    stride_w: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    padding: str = "SAME"
    activation: str = "NONE"
    depth_multiplier: int = 1


@dataclass(frozen=True, slots=True)
class FullyConnected:
    """Attributes of FULLY_CONNECTED; `keep_num_dims` (0 or 1): the output keeps the input's leading dimensions."""

    activation: str = "NONE"
    keep_num_dims: int = 0
    weights_format: str = "DEFAULT"


@dataclass(frozen=True, slots=True)
class Pool:
    """Attributes of AVERAGE_POOL_2D and MAX_POOL_2D."""

    padding: str = "SAME"
    stride_h: int = 1
    stride_w: int = 1
    filter_h: int = 1
    filter_w: int = 1
    activation: str = "NONE"


@dataclass(frozen=True, slots=True)
class Reshape:
    """Attributes of RESHAPE; one dimension may be -1. A constant second operand takes precedence."""

    new_shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Softmax:
    """Attributes of SOFTMAX (over the last dimension)."""

    beta: float = 1.0


@dataclass(frozen=True, slots=True)
class Quantize:
    """QUANTIZE has no attributes."""


@dataclass(frozen=True, slots=True)
class Dequantize:
    """DEQUANTIZE has no attributes."""
