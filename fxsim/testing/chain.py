"""`Chain`: networks built node by node, without a model file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim.graph import ABSENT, DType, Network, Node, TensorType, Value, build
from fxsim.numerics import Affine
from fxsim.ops import OPERATORS

if TYPE_CHECKING:
    from numpy.typing import NDArray

Shape = tuple[int, ...]


@dataclass
class Chain:
    """A network that grows node by node; every node reads the one before it.

    Methods append one node each and return the chain, but for those that say otherwise; names of values are x for the
    input, t0, t1, ... for results, and w, b, c, p, a with a number for constants.

    Attributes
    ----------
    shape, dtype, scale, zero_point
        The input ``x``.
    seed
        Of weights, biases and constants, which are random but reproducible.
    values, nodes, inputs
        What there is so far; `inputs` are ids of values.
    last
        Id of the value that the next node reads.
    """

    shape: Shape
    seed: int = 0
    scale: float = 0.05
    zero_point: int = 3
    dtype: DType = DType.INT8
    values: list[Value] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    last: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.input("x", self.shape, self.dtype, Affine(np.float32(self.scale), self.zero_point))

    def input(self, name: str, shape: Shape, dtype: DType, quant: Affine) -> int:
        """Another input of the network; its value id."""
        self.values.append(Value(name, TensorType(shape, dtype, quant)))
        self.inputs.append(len(self.values) - 1)
        return self.inputs[-1]

    def conv(self, channels: int, kernel: tuple[int, int] = (3, 3), *, bias: bool = True, **attrs: Any) -> Chain:
        """CONV_2D, int8 weights per channel."""
        return self._mac("CONV_2D", (channels, *kernel, self._channels), 0, channels, bias, attrs)

    def depthwise(self, mult: int = 1, kernel: tuple[int, int] = (3, 3), *, bias: bool = True, **attrs: Any) -> Chain:
        """DEPTHWISE_CONV_2D, int8 weights per channel."""
        channels = self._channels * mult
        attrs["depth_multiplier"] = mult
        return self._mac("DEPTHWISE_CONV_2D", (1, *kernel, channels), 3, channels, bias, attrs)

    def dense(self, channels: int, *, bias: bool = True, weight_zero: int = 0, **attrs: Any) -> Chain:
        """FULLY_CONNECTED; int8 weights per channel, or per tensor with a zero point that is not 0."""
        depth = self.values[self.last].type.shape[-1]
        return self._mac("FULLY_CONNECTED", (channels, depth), 0, channels, bias, attrs, weight_zero)

    def pool(self, kind: str, size: tuple[int, int] = (2, 2), **attrs: Any) -> Chain:
        """AVERAGE_POOL_2D or MAX_POOL_2D."""
        return self._unary(f"{kind}_POOL_2D", filter_h=size[0], filter_w=size[1], **attrs)

    def mean(self, *axes: int, keep_dims: int = 0, quant: tuple[float, int] = (0.04, 11)) -> Chain:
        """MEAN over `axes`."""
        operand = Value(f"a{len(self.nodes)}", TensorType((len(axes),), DType.INT32), np.array(axes, np.int32))
        self.values.append(operand)
        inputs = (self.last, len(self.values) - 1)
        return self._append("MEAN", {"keep_dims": keep_dims}, inputs, DType.INT8, quant)

    def reshape(self, *shape: int) -> Chain:
        """RESHAPE; one dimension may be -1."""
        return self._unary("RESHAPE", new_shape=shape)

    def softmax(self) -> Chain:
        """SOFTMAX over the last axis."""
        return self._unary("SOFTMAX", quant=(1 / 256, -128))

    def activation(self, op: str, quant: tuple[float, int] | None = None) -> Chain:
        """RELU, RELU6, RELU_N1_TO_1, LOGISTIC or TANH; the last two have an output scale of their own."""
        return self._unary(op, quant={"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}.get(op, quant))

    def quantize(self, dtype: DType, scale: float, zero_point: int) -> Chain:
        """QUANTIZE to other parameters."""
        return self._unary("QUANTIZE", dtype=dtype, quant=(scale, zero_point))

    def dequantize(self) -> Chain:
        """DEQUANTIZE to float32."""
        return self._unary("DEQUANTIZE", dtype=DType.FLOAT32)

    def constant(self, *shape: int) -> int:
        """A constant operand; its value id."""
        scale, zero = self._quant((0.07, -11))
        return self._value(f"c{len(self.values)}", shape, DType.INT8, scale, zero, self._codes(shape, -128))

    def binary(self, op: str, other: int, *, swap: bool = False, activation: str = "NONE") -> Chain:
        """Combine the last value with value `other`, which comes first if `swap`."""
        inputs = (other, self.last) if swap else (self.last, other)
        return self._append(op, {"activation": activation}, inputs, DType.INT8, self._quant((0.11, -5)))

    def pad(self, *pads: tuple[int, int], code: int | None = None) -> Chain:
        """Surround the last value, by PADV2 where a code is given."""
        sizes = self._value(f"p{len(self.values)}", (len(pads), 2), DType.INT32, 1.0, 0, np.array(pads, np.int32))
        quant = self.own_quant
        inputs = [self.last, sizes]
        if code is not None:
            inputs.append(self._value(f"p{len(self.values)}", (), DType.INT8, *quant, np.array(code, np.int8)))
        return self._append("PAD" if code is None else "PADV2", {}, tuple(inputs), DType.INT8, quant)

    def join(self, *others: int, axis: int = -1) -> Chain:
        """CONCATENATION: values `others` of equal scale behind the last one."""
        return self._append("CONCATENATION", {"axis": axis}, (self.last, *others), DType.INT8, self.own_quant)

    def squeeze(self, *dims: int) -> Chain:
        """SQUEEZE; all dimensions of 1 if none is named."""
        return self._unary("SQUEEZE", squeeze_dims=dims)

    def expand(self, axis: int) -> Chain:
        """EXPAND_DIMS."""
        place = self._value(f"a{len(self.values)}", (), DType.INT32, 1.0, 0, np.array(axis, np.int32))
        return self._append("EXPAND_DIMS", {}, (self.last, place), DType.INT8, self.own_quant)

    def build(self, *outputs: int, profile: str = "tflite") -> Network:
        """Return the network; its output is the last value unless ids are given."""
        return build("net", self.values, self.nodes, self.inputs, outputs or [self.last], profile)

    @property
    def kind(self) -> TensorType:
        """Shape, element type and quantization of the last value."""
        return self.values[self.last].type

    @property
    def own_quant(self) -> tuple[float, int]:
        """Scale and zero point of the last value; (1, 0) where it has none."""
        quant = self.kind.quant
        return (1.0, 0) if quant is None else (float(quant.scale[0]), int(quant.zero_point[0]))

    @property
    def _channels(self) -> int:
        return self.kind.shape[-1]

    def _codes(self, shape: Shape, least: int) -> NDArray[np.int8]:
        """Weights and constants."""
        return self.rng.integers(least, 128, shape).astype(np.int8)

    def _steps(self, channels: int, zero: int) -> NDArray[np.float32]:
        """Steps of weights, one per channel or one for all, which alone may have a zero point."""
        scales = np.full(channels if zero == 0 else 1, 0.01, np.float32)
        return scales * self.rng.uniform(0.5, 2, scales.shape).astype(np.float32)

    def _biases(self, channels: int) -> NDArray[np.int32]:
        return self.rng.integers(-2000, 2000, channels).astype(np.int32)

    def _quant(self, usual: tuple[float, int]) -> tuple[float, int]:
        """Scale and zero point of a result or a constant, where they are free."""
        return usual

    def _value(self, name: str, shape: Shape, dtype: DType, scale: float, zero: int, data: Any = None) -> int:
        quant = Affine(np.float32(scale), zero) if dtype.is_integer else None
        self.values.append(Value(name, TensorType(shape, dtype, quant), data))
        return len(self.values) - 1

    def _mac(
        self, op: str, shape: Shape, axis: int, channels: int, bias: bool, attrs: dict[str, Any], weight_zero: int = 0
    ) -> Chain:
        index = len(self.nodes)
        codes, steps = self._codes(shape, -127), self._steps(channels, weight_zero)
        quant = Affine(steps, weight_zero, axis=axis if steps.size > 1 else None)
        self.values.append(Value(f"w{index}", TensorType(shape, DType.INT8, quant), codes))
        inputs = [self.last, len(self.values) - 1, ABSENT]
        if bias:
            inputs[2] = self._value(f"b{index}", (channels,), DType.INT32, 0.0005, 0, self._biases(channels))
        return self._append(op, attrs, tuple(inputs), DType.INT8, self._quant((0.2, -7)))

    def _unary(
        self, op: str, *, dtype: DType | None = None, quant: tuple[float, int] | None = None, **attrs: Any
    ) -> Chain:
        return self._append(op, attrs, (self.last,), dtype or self.kind.dtype, quant or self.own_quant)

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
