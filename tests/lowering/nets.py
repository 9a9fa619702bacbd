"""Small networks for lowering tests, built without any model file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fxsim.graph import ABSENT, DType, Network, Node, TensorType, Value, build
from fxsim.numerics import Affine
from fxsim.ops import OPERATORS

Shape = tuple[int, ...]


@dataclass
class Chain:
    """A network that grows node by node; every node reads the one before it."""

    shape: Shape
    seed: int = 0
    scale: float = 0.05
    zero_point: int = 3
    dtype: DType = DType.INT8
    values: list[Value] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self._value("x", self.shape, self.dtype, self.scale, self.zero_point)
        self.last = 0

    def conv(self, channels: int, kernel: tuple[int, int] = (3, 3), *, bias: bool = True, **attrs: Any) -> Chain:
        return self._mac("CONV_2D", (channels, *kernel, self._channels), 0, channels, bias, attrs)

    def depthwise(self, mult: int = 1, kernel: tuple[int, int] = (3, 3), *, bias: bool = True, **attrs: Any) -> Chain:
        channels = self._channels * mult
        attrs["depth_multiplier"] = mult
        return self._mac("DEPTHWISE_CONV_2D", (1, *kernel, channels), 3, channels, bias, attrs)

    def dense(self, channels: int, *, bias: bool = True, weight_zero: int = 0, **attrs: Any) -> Chain:
        depth = self.values[self.last].type.shape[-1]
        return self._mac("FULLY_CONNECTED", (channels, depth), 0, channels, bias, attrs, weight_zero)

    def pool(self, kind: str, size: tuple[int, int] = (2, 2), **attrs: Any) -> Chain:
        return self._unary(f"{kind}_POOL_2D", filter_h=size[0], filter_w=size[1], **attrs)

    def mean(self, *axes: int, keep_dims: int = 0, quant: tuple[float, int] = (0.04, 11)) -> Chain:
        operand = Value(f"a{len(self.nodes)}", TensorType((len(axes),), DType.INT32), np.array(axes, np.int32))
        self.values.append(operand)
        inputs = (self.last, len(self.values) - 1)
        return self._append("MEAN", {"keep_dims": keep_dims}, inputs, DType.INT8, quant)

    def reshape(self, *shape: int) -> Chain:
        return self._unary("RESHAPE", new_shape=shape)

    def softmax(self) -> Chain:
        return self._unary("SOFTMAX", quant=(1 / 256, -128))

    def activation(self, op: str, quant: tuple[float, int] | None = None) -> Chain:
        """RELU, RELU6, RELU_N1_TO_1, LOGISTIC or TANH; the last two have an output scale of their own."""
        return self._unary(op, quant={"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}.get(op, quant))

    def quantize(self, dtype: DType, scale: float, zero_point: int) -> Chain:
        return self._unary("QUANTIZE", dtype=dtype, quant=(scale, zero_point))

    def dequantize(self) -> Chain:
        return self._unary("DEQUANTIZE", dtype=DType.FLOAT32)

    def constant(self, *shape: int) -> int:
        """A constant operand; its value id."""
        codes = self.rng.integers(-128, 128, shape).astype(np.int8)
        return self._value(f"c{len(self.values)}", shape, DType.INT8, 0.07, -11, codes)

    def binary(self, op: str, other: int, *, swap: bool = False, activation: str = "NONE") -> Chain:
        """Combine the last value with value `other`, which comes first if `swap`."""
        inputs = (other, self.last) if swap else (self.last, other)
        return self._append(op, {"activation": activation}, inputs, DType.INT8, (0.11, -5))

    def pad(self, *pads: tuple[int, int], code: int | None = None) -> Chain:
        """Surround the last value, by PADV2 where a code is given."""
        sizes = self._value(f"p{len(self.values)}", (len(pads), 2), DType.INT32, 1.0, 0, np.array(pads, np.int32))
        kind = self.values[self.last].type
        quant = (float(kind.quant.scale[0]), int(kind.quant.zero_point[0])) if kind.quant is not None else (1.0, 0)
        inputs = [self.last, sizes]
        if code is not None:
            inputs.append(self._value(f"p{len(self.values)}", (), DType.INT8, *quant, np.array(code, np.int8)))
        return self._append("PAD" if code is None else "PADV2", {}, tuple(inputs), DType.INT8, quant)

    def join(self, *others: int, axis: int = -1) -> Chain:
        """Put values `others` of equal scale behind the last one."""
        quant = self.values[self.last].type.quant
        assert quant is not None
        same = (float(quant.scale[0]), int(quant.zero_point[0]))
        return self._append("CONCATENATION", {"axis": axis}, (self.last, *others), DType.INT8, same)

    def squeeze(self, *dims: int) -> Chain:
        return self._unary("SQUEEZE", squeeze_dims=dims)

    def expand(self, axis: int) -> Chain:
        place = self._value(f"a{len(self.values)}", (), DType.INT32, 1.0, 0, np.array(axis, np.int32))
        quant = self.values[self.last].type.quant
        assert quant is not None
        same = (float(quant.scale[0]), int(quant.zero_point[0]))
        return self._append("EXPAND_DIMS", {}, (self.last, place), DType.INT8, same)

    def build(self, *outputs: int, profile: str = "tflite") -> Network:
        return build("net", self.values, self.nodes, [0], outputs or [self.last], profile)

    @property
    def _channels(self) -> int:
        return self.values[self.last].type.shape[-1]

    def _value(self, name: str, shape: Shape, dtype: DType, scale: float, zero: int, data: Any = None) -> int:
        quant = Affine(np.float32(scale), zero) if dtype.is_integer else None
        self.values.append(Value(name, TensorType(shape, dtype, quant), data))
        return len(self.values) - 1

    def _mac(
        self, op: str, shape: Shape, axis: int, channels: int, bias: bool, attrs: dict[str, Any], weight_zero: int = 0
    ) -> Chain:
        index = len(self.nodes)
        codes = self.rng.integers(-127, 128, shape).astype(np.int8)
        scales = np.full(channels, 0.01, np.float32) if weight_zero == 0 else np.float32(0.01)
        quant = Affine(
            scales * self.rng.uniform(0.5, 2, scales.shape).astype(np.float32),
            weight_zero,
            axis=axis if scales.size > 1 else None,
        )
        self.values.append(Value(f"w{index}", TensorType(shape, DType.INT8, quant), codes))
        inputs = [self.last, len(self.values) - 1, ABSENT]
        if bias:
            data = self.rng.integers(-2000, 2000, channels).astype(np.int32)
            inputs[2] = self._value(f"b{index}", (channels,), DType.INT32, 0.0005, 0, data)
        return self._append(op, attrs, tuple(inputs), DType.INT8, (0.2, -7))

    def _unary(
        self, op: str, *, dtype: DType | None = None, quant: tuple[float, int] | None = None, **attrs: Any
    ) -> Chain:
        kind = self.values[self.last].type
        same = (float(kind.quant.scale[0]), int(kind.quant.zero_point[0])) if kind.quant is not None else (1.0, 0)
        return self._append(op, attrs, (self.last,), dtype or kind.dtype, quant or same)

    def _append(
        self, op: str, attrs: dict[str, Any], inputs: tuple[int, ...], dtype: DType, quant: tuple[float, int]
    ) -> Chain:
        index = len(self.nodes)
        output = self._value(f"t{index}", (1,), dtype, *quant)
        node = Node(op, f"n{index}", inputs, (output,), OPERATORS[op].attrs(**attrs))
        draft = Network("draft", tuple(self.values), (node,), (0,), (output,))
        (shape,) = OPERATORS[op].infer(draft, node)
        kind = self.values[output].type
        self.values[output] = Value(f"t{index}", TensorType(shape, kind.dtype, kind.quant))
        self.nodes.append(node)
        self.last = output
        return self
