"""One step per operator: appends a random node to a chain whose data is drawn too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from hypothesis import strategies as st

from fxsim._core.errors import GraphError
from fxsim.graph import DType
from fxsim.numerics import Affine, IntFormat
from fxsim.testing.chain import Chain, Shape
from fxsim.testing.integers import tensors
from fxsim.testing.quantization import affines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from fxsim.graph import Value

_T = TypeVar("_T")
_INT8 = IntFormat(8)
_BIAS = IntFormat(13)
_ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")
_WEIGHT_EXPONENTS = (-10, 0)


@dataclass
class DrawnChain(Chain):
    """A chain whose weights, biases, constants and free quantization parameters hypothesis draws."""

    draw: st.DrawFn = field(kw_only=True)

    def number(self, lo: int, hi: int) -> int:
        """Draw an integer; shrinks towards the end nearer to 0."""
        return self.draw(st.integers(lo, hi))

    def choice(self, options: Sequence[_T]) -> _T:
        """Draw one of `options`; shrinks towards the first."""
        return self.draw(st.sampled_from(options))

    def quant(self) -> tuple[float, int]:
        """Draw parameters of an int8 tensor."""
        return _pair(self.draw(affines(_INT8)))

    def _codes(self, shape: Shape, least: int) -> NDArray[np.int8]:
        drawn: NDArray[np.int64] = self.draw(tensors(shape, _INT8))
        return np.maximum(drawn, least).astype(np.int8)

    def _steps(self, channels: int, zero: int) -> NDArray[np.float32]:
        count = channels if zero == 0 and self.choice((False, True)) else 1
        quant = self.draw(affines(_INT8, count, symmetric=True, exponents=_WEIGHT_EXPONENTS))
        return quant.scale

    def _biases(self, channels: int) -> NDArray[np.int32]:
        drawn: NDArray[np.int64] = self.draw(tensors((channels,), _BIAS))
        return drawn.astype(np.int32)

    def _quant(self, usual: tuple[float, int]) -> tuple[float, int]:
        del usual
        return self.quant()


def _pair(quant: Affine) -> tuple[float, int]:
    return float(quant.scale[0]), int(quant.zero_point[0])


def _window(chain: DrawnChain) -> tuple[tuple[int, int], dict[str, Any]]:
    """Filter size and attributes of a window that fits."""
    _, height, width, _ = chain.kind.shape
    padding = chain.choice(("VALID", "SAME"))
    most = (min(3, height), min(3, width)) if padding == "VALID" else (3, 3)
    attrs = {
        "padding": padding,
        "stride_h": chain.number(1, 3),
        "stride_w": chain.number(1, 3),
        "activation": chain.choice(_ACTIVATIONS),
    }
    return (chain.number(1, most[0]), chain.number(1, most[1])), attrs


def _dilated(chain: DrawnChain) -> tuple[tuple[int, int], dict[str, Any]]:
    kernel, attrs = _window(chain)
    if attrs["padding"] == "SAME":
        attrs |= {"dilation_h": chain.number(1, 2), "dilation_w": chain.number(1, 2)}
    return kernel, attrs


def conv_2d(chain: DrawnChain) -> None:
    """CONV_2D with or without bias, any window, dilated ones under SAME."""
    kernel, attrs = _dilated(chain)
    chain.conv(chain.number(1, 7), kernel, bias=chain.choice((True, False)), **attrs)


def depthwise_conv_2d(chain: DrawnChain) -> None:
    """DEPTHWISE_CONV_2D, as CONV_2D."""
    kernel, attrs = _dilated(chain)
    chain.depthwise(chain.number(1, 3), kernel, bias=chain.choice((True, False)), **attrs)


def fully_connected(chain: DrawnChain) -> None:
    """FULLY_CONNECTED, weights per channel or per tensor, with a zero point too."""
    zero = chain.choice((0, 0, 5, -128, 127))
    activation = chain.choice(_ACTIVATIONS)
    chain.dense(chain.number(1, 7), bias=chain.choice((True, False)), weight_zero=zero, activation=activation)


def _pool(kind: str) -> Callable[[DrawnChain], None]:
    def step(chain: DrawnChain) -> None:
        kernel, attrs = _window(chain)
        chain.pool(kind, kernel, **attrs)

    return step


def _binary(op: str) -> Callable[[DrawnChain], None]:
    def step(chain: DrawnChain) -> None:
        shape = tuple(chain.choice((n, 1)) for n in chain.kind.shape)[chain.number(0, len(chain.kind.shape)) :]
        if chain.choice((False, True)):
            other = chain.constant(*shape)
        else:
            other = chain.input("z", shape, DType.INT8, Affine(*chain.quant()))
        chain.binary(op, other, swap=chain.choice((False, True)), activation=chain.choice(_ACTIVATIONS))

    return step


def _activation(op: str) -> Callable[[DrawnChain], None]:
    def step(chain: DrawnChain) -> None:
        free = op in ("RELU", "RELU6", "RELU_N1_TO_1") and chain.choice((False, True))
        chain.activation(op, chain.quant() if free else None)

    return step


def softmax(chain: DrawnChain) -> None:
    """SOFTMAX over the last axis."""
    chain.softmax()


def mean(chain: DrawnChain) -> None:
    """MEAN over any axes, some of them twice or counted from the end."""
    rank = len(chain.kind.shape)
    axes = chain.draw(st.lists(st.integers(-rank, rank - 1), min_size=1, max_size=rank))
    chain.mean(*axes, keep_dims=chain.choice((1, 0)), quant=chain.quant())


def reshape(chain: DrawnChain) -> None:
    """RESHAPE to the dimensions in another order, one of them open."""
    shape = chain.draw(st.permutations(chain.kind.shape))
    free = chain.number(0, len(shape))
    chain.reshape(*(-1 if i == free else n for i, n in enumerate(shape)))


def squeeze(chain: DrawnChain) -> None:
    """SQUEEZE of some dimensions of size 1, or of all."""
    ones = [i for i, n in enumerate(chain.kind.shape) if n == 1]
    chain.squeeze(*[i for i in ones if chain.choice((True, False))])


def expand_dims(chain: DrawnChain) -> None:
    """EXPAND_DIMS at any place, counted from either end."""
    rank = len(chain.kind.shape)
    chain.expand(chain.number(-rank - 1, rank))


def _pads(chain: DrawnChain) -> list[tuple[int, int]]:
    return [(chain.number(0, 2), chain.number(0, 2)) for _ in chain.kind.shape]


def pad(chain: DrawnChain) -> None:
    """PAD of any sides by up to 2."""
    chain.pad(*_pads(chain))


def padv2(chain: DrawnChain) -> None:
    """PADV2 of any sides by up to 2, by any code."""
    chain.pad(*_pads(chain), code=int(chain.draw(tensors((), _INT8))))


def concatenation(chain: DrawnChain) -> None:
    """CONCATENATION along any axis with another input of other length there, or with the operand itself."""
    shape, axis = chain.kind.shape, chain.number(0, len(chain.kind.shape) - 1)
    others = []
    for name in chain.choice(((), ("z",), ("z", "v"))):
        whole = (*shape[:axis], chain.number(1, 3), *shape[axis + 1 :])
        others.append(chain.input(name, whole, DType.INT8, Affine(*chain.own_quant)))
    chain.join(*(others or [chain.last]), axis=axis - chain.choice((0, len(shape))))


def quantize(chain: DrawnChain) -> None:
    """QUANTIZE between int8 and uint8 in all ways."""
    dtype = chain.choice((DType.INT8, DType.UINT8))
    chain.quantize(dtype, *_pair(chain.draw(affines(IntFormat(8, dtype is DType.INT8)))))


def dequantize(chain: DrawnChain) -> None:
    """DEQUANTIZE of int8 or uint8."""
    chain.dequantize()


def older_operand(chain: DrawnChain) -> None:
    """ADD, SUB or MUL with an older tensor of the same shape, or with a constant that is stretched."""
    shape = chain.kind.shape
    older = [i for i, v in enumerate(chain.values) if v.type.shape == shape and v.type.dtype is DType.INT8]
    other = chain.choice([i for i in older if not chain.values[i].is_constant])
    if chain.choice((False, True)):
        other = chain.constant(*(chain.choice((n, 1)) for n in shape[chain.number(0, len(shape) - 1) :]))
    op, swap = chain.choice(("ADD", "SUB", "MUL")), chain.choice((False, True))
    chain.binary(op, other, swap=swap, activation=chain.choice(_ACTIVATIONS))


def older_part(chain: DrawnChain) -> None:
    """CONCATENATION with an older tensor that fits, or with the operand itself."""
    axis = chain.number(1, len(chain.kind.shape) - 1)

    def alike(value: Value) -> bool:
        a, b = value.type, chain.kind
        beside = [n.shape[:axis] + n.shape[axis + 1 :] for n in (a, b)]
        return not value.is_constant and len(a.shape) == len(b.shape) and beside[0] == beside[1]

    kind = chain.kind.dtype, chain.kind.quant
    fits = [i for i, v in enumerate(chain.values) if alike(v) and (v.type.dtype, v.type.quant) == kind]
    chain.join(chain.choice(fits), axis=axis)


def tail(chain: DrawnChain) -> None:
    """MEAN perhaps, then FULLY_CONNECTED, then SOFTMAX or a way to real numbers."""
    if chain.choice((False, True)):
        axes = chain.draw(st.lists(st.integers(-4, 3), min_size=1, max_size=4))
        chain.mean(*axes, keep_dims=1, quant=chain.quant())
    batch, height, width, channels = chain.kind.shape
    chain.reshape(batch * height, width * channels)
    fully_connected(chain)
    if chain.choice((True, False)):
        chain.softmax()
    else:
        chain.quantize(DType.UINT8, *_pair(chain.draw(affines(IntFormat(8, signed=False)))))
        chain.dequantize()


STEPS: dict[str, Callable[[DrawnChain], None]] = {
    "ADD": _binary("ADD"),
    "AVERAGE_POOL_2D": _pool("AVERAGE"),
    "CONCATENATION": concatenation,
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "DEQUANTIZE": dequantize,
    "EXPAND_DIMS": expand_dims,
    "FULLY_CONNECTED": fully_connected,
    "LOGISTIC": _activation("LOGISTIC"),
    "MAX_POOL_2D": _pool("MAX"),
    "MEAN": mean,
    "MUL": _binary("MUL"),
    "PAD": pad,
    "PADV2": padv2,
    "QUANTIZE": quantize,
    "RELU": _activation("RELU"),
    "RELU6": _activation("RELU6"),
    "RELU_N1_TO_1": _activation("RELU_N1_TO_1"),
    "RESHAPE": reshape,
    "SOFTMAX": softmax,
    "SQUEEZE": squeeze,
    "SUB": _binary("SUB"),
    "TANH": _activation("TANH"),
}
"""How every operator of the registry is drawn."""
RANKS = {
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D"), (4, 4)),
    "FULLY_CONNECTED": (2, 2),
}
"""Least and greatest rank of the operand; 1..4 for the rest."""


def step_of(op: str) -> Callable[[DrawnChain], None]:
    """How `op` is drawn.

    Raises
    ------
    GraphError
        No strategy draws it.
    """
    if op not in STEPS:
        raise GraphError(f"op must be one of {', '.join(STEPS)}", got=op)
    return STEPS[op]
