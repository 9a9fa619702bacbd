"""MobileNetV1 with random weights: a network of the size that people time, without a model file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim._core.errors import GraphError
from fxsim.graph import DType, Network, Node, TensorType, Value, build
from fxsim.numerics import Affine
from fxsim.ops import Conv2D, DepthwiseConv2D, FullyConnected, Pool, Reshape, Softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
)
"""Channels and stride of the depthwise separable blocks behind the first convolution (32 channels, stride 2)."""
_CLASSES = 1000
_REDUCTION = 32
"""Image side over the side of the last feature map."""
_LEAST_CHANNELS = 8
_ACTIVATION = Affine(np.float32(6 / 255), -128)
"""The whole range of RELU6."""
_SPREAD, _LEVEL = 3.0, 2.0
"""Standard deviation aimed at before RELU6, and the root mean square that this leaves behind it."""


def mobilenet_v1(width: float = 1.0, size: int = 224) -> Network:
    """MobileNetV1 for `size` x `size` RGB images and 1000 classes, int8, per-channel weights, random but reproducible.

    27 convolutions (the first, then 13 depthwise ones each followed by a pointwise one), AVERAGE_POOL_2D, RESHAPE,
    FULLY_CONNECTED and SOFTMAX; RELU6 behind every convolution. Scales are such that random images use the range of
    every tensor. Source of the architecture: A. G. Howard et al., MobileNets, arXiv:1704.04861, table 1.

    Parameters
    ----------
    width
        Multiplier of the channel counts (rounded down, at least 8): 1.0, 0.75, 0.5, 0.25.
    size
        Side of the image in pixels, a multiple of 32: 224, 192, 160, 128, 96.

    Raises
    ------
    GraphError
        `width` is not positive and finite, or `size` is not a positive multiple of 32.
    """
    if not 0 < width < math.inf:
        raise GraphError("width must be positive and finite", got=width)
    if size < 1 or size % _REDUCTION:
        raise GraphError(f"size must be a positive multiple of {_REDUCTION}", got=size)
    chain = _Chain(size)
    chain.conv("conv0", _channels(32, width), kernel=3, stride=2)
    for number, (channels, stride) in enumerate(_BLOCKS, 1):
        chain.depthwise(f"depthwise{number}", stride)
        chain.conv(f"pointwise{number}", _channels(channels, width), kernel=1, stride=1)
    chain.classify()
    return build(f"mobilenet_v1_{width:g}_{size}", chain.values, chain.nodes, [0], [chain.last])


def _channels(full: int, width: float) -> int:
    return max(_LEAST_CHANNELS, int(full * width))


@dataclass
class _Chain:
    """Values and nodes of a network in which every node reads the one before it."""

    size: int
    values: list[Value] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    last: int = 0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __post_init__(self) -> None:
        self._activation("image", (1, self.size, self.size, 3), Affine(np.float32(2 / 255), -1))

    def conv(self, name: str, channels: int, *, kernel: int, stride: int) -> None:
        """CONV_2D, SAME, RELU6."""
        weights = self._weights(name, (channels, kernel, kernel, self._shape[3]), axis=0)
        attrs = Conv2D(stride_h=stride, stride_w=stride, activation="RELU6")
        self._convolve("CONV_2D", name, weights, channels, stride, attrs)

    def depthwise(self, name: str, stride: int) -> None:
        """DEPTHWISE_CONV_2D, 3 x 3, SAME, RELU6."""
        channels = self._shape[3]
        weights = self._weights(name, (1, 3, 3, channels), axis=3)
        attrs = DepthwiseConv2D(stride_h=stride, stride_w=stride, activation="RELU6")
        self._convolve("DEPTHWISE_CONV_2D", name, weights, channels, stride, attrs)

    def classify(self) -> None:
        """Append pooling over the whole feature map, the classifier and its probabilities."""
        _, height, width, channels = self._shape
        pool = Pool(padding="VALID", filter_h=height, filter_w=width)
        self._node("AVERAGE_POOL_2D", "pool", (), (1, 1, 1, channels), _ACTIVATION, pool)
        self._node("RESHAPE", "flat", (), (1, channels), _ACTIVATION, Reshape(new_shape=(1, channels)))
        weights = self._weights("logits", (_CLASSES, channels), axis=0)
        logits = Affine(np.float32(6 * _SPREAD / 255), 0)
        self._node("FULLY_CONNECTED", "logits", weights, (1, _CLASSES), logits, FullyConnected())
        self._node("SOFTMAX", "probabilities", (), (1, _CLASSES), Affine(np.float32(1 / 256), -128), Softmax())

    @property
    def _shape(self) -> tuple[int, ...]:
        return self.values[self.last].type.shape

    def _convolve(
        self, op: str, name: str, weights: tuple[int, int], channels: int, stride: int, attrs: object
    ) -> None:
        _, height, width, _ = self._shape
        shape = (1, -(-height // stride), -(-width // stride), channels)
        self._node(op, name, weights, shape, _ACTIVATION, attrs)

    def _weights(self, name: str, shape: tuple[int, ...], axis: int) -> tuple[int, int]:
        """Add weights and bias of a layer; channels differ in scale, and sums reach `_SPREAD`."""
        channels, depth = shape[axis], int(np.prod(shape)) // shape[axis]
        codes = self.rng.integers(-127, 128, shape).astype(np.int8)
        even = _SPREAD / (_LEVEL * np.sqrt(depth) * np.sqrt((127 * 128) / 3))
        scale = (even * self.rng.uniform(0.5, 1.5, channels)).astype(np.float32)
        x_quant = self.values[self.last].type.quant
        step = np.float64(1.0 if x_quant is None else x_quant.scale[0]) * scale
        bias = np.rint(self.rng.normal(0, 1, channels) / step).astype(np.int32)
        return (
            self._value(f"{name}/weights", shape, DType.INT8, Affine(scale, 0, axis), codes),
            self._value(f"{name}/bias", (channels,), DType.INT32, Affine(step.astype(np.float32), 0, 0), bias),
        )

    def _node(
        self, op: str, name: str, constants: tuple[int, ...], shape: tuple[int, ...], quant: Affine, attrs: Any
    ) -> None:
        source = self.last
        self._activation(name, shape, quant)
        self.nodes.append(Node(op, name, (source, *constants), (self.last,), attrs))

    def _activation(self, name: str, shape: tuple[int, ...], quant: Affine) -> None:
        self.last = self._value(name, shape, DType.INT8, quant)

    def _value(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: DType,
        quant: Affine,
        data: NDArray[np.generic] | None = None,
    ) -> int:
        self.values.append(Value(name, TensorType(shape, dtype, quant), data))
        return len(self.values) - 1
