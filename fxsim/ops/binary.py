"""What ADD, SUB and MUL share: attributes, legality, broadcasting; parameters and runs of sums and products."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from fxsim._core.errors import QuantizationError
from fxsim.graph import DType, LayerStats
from fxsim.numerics import PROFILES, SUM_SHIFT, Requant, Scheme, activation_range, requantize
from fxsim.ops.base import ACTIVATIONS, Array, Floats, OptionField, Outcome, TfliteHook
from fxsim.ops.legality import Problems, quant_of
from fxsim.ops.real import clamp_float

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from fxsim.graph import Network, Node

    Ints = NDArray[np.int64]

_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Binary:
    """Attributes of ADD, SUB and MUL."""

    activation: str = "NONE"


@dataclass(frozen=True, slots=True, eq=False)
class SumParams:
    """Exact parameters of ADD, or with a minus sign of SUB: y = clamp(out_zero + r2(r0(x0 - zero) + r1(x1 - zero))).

    r0 and r1 shift to the left by `SUM_SHIFT` and rescale by entries 0 and 1 of `requant`, r2 rescales by entry 2.
    """

    requant: Requant
    scheme: Scheme
    zeros: tuple[int, int]
    out_zero: int
    lo: int
    hi: int


@dataclass(frozen=True, slots=True, eq=False)
class ProductParams:
    """Exact parameters of MUL: y = clamp(out_zero + rescale((x0 - zero) * (x1 - zero))); `requant` has one entry."""

    requant: Requant
    scheme: Scheme
    zeros: tuple[int, int]
    out_zero: int
    lo: int
    hi: int


def binary_hook(builtin: str, options: str) -> TfliteHook:
    """Spelling of a binary operator in a .tflite file."""
    return TfliteHook(
        builtin, options, (OptionField("activation", "FusedActivationFunction", "enum", ACTIVATIONS),), version=2
    )


def check_binary(net: Network, node: Node, derive: Callable[[Network, Node], object]) -> list[str]:
    """List what is illegal: operands, types, quantization, shapes, scales for which `derive` finds no integers."""
    found = Problems()
    found.activation(node)
    if not (found.present(net, node, 2, 2) and found.computed(net, node)):
        return found
    operands, y = [net.values[i] for i in node.inputs], net.results(node)[0]
    for i, x in enumerate(operands):
        found.tensor(f"operand {i}", x, (DType.INT8,))
    found.tensor("output", y, (DType.INT8,))
    _check_shapes(found, *(x.type.shape for x in operands))
    if not found:
        found.derivable(lambda: derive(net, node))
    return found


def _check_shapes(found: Problems, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    pairs = zip_longest(reversed(a), reversed(b), fillvalue=1)
    alike = all(m == n or 1 in (m, n) for m, n in pairs)
    found.expect(alike, f"operands must have shapes that broadcast, not {a} and {b}")


def binary_shape(net: Network, node: Node) -> tuple[int, ...]:
    """Shape of the result: the operands' shapes aligned at their last dimensions, 1 stretched."""
    return np.broadcast_shapes(*(net.values[i].type.shape for i in node.inputs))


def sum_params(net: Network, node: Node) -> SumParams:
    """Derive the parameters of ADD or SUB node `node` by the network's profile.

    All factors are below 1, so all shifts are to the right: quotients of binary32 numbers are not so near to 1 that
    their significand would round up to it.

    Raises
    ------
    QuantizationError
        A tensor has no scale, or a factor is not below 1: the runtimes stop there, or LiteRT's SUB shifts by a
        negative amount.
    """
    scheme, reals = _factors(net, node)
    for what, real in zip(("operand 0", "operand 1", "the result"), reals, strict=True):
        if not 0 < real < 1:
            raise QuantizationError(f"factor of {what} in {node.op} must be above 0 and below 1", got=float(real))
    return SumParams(scheme.derive(reals), scheme, _zeros(net, node), _out_zero(net, node), *output_range(net, node))


def product_params(net: Network, node: Node) -> ProductParams:
    """Derive the parameters of MUL node `node` by the network's profile.

    Raises
    ------
    QuantizationError
        A tensor has no scale, or the scheme cannot express their ratio.
    """
    scheme, reals = _factors(net, node)
    requant = scheme.derive(reals)
    return ProductParams(requant, scheme, _zeros(net, node), _out_zero(net, node), *output_range(net, node))


def sum_reals(net: Network, node: Node) -> NDArray[np.float64]:
    """Factors of both operands and of the result of ADD or SUB, in binary64, before they become integers."""
    return _factors(net, node)[1]


def _factors(net: Network, node: Node) -> tuple[Scheme, NDArray[np.float64]]:
    profile = PROFILES[net.profile]
    first, second, out = (quant_of(net.values[i]).scale[0] for i in (*node.inputs, *node.outputs))
    return profile.scheme(node.op), profile.multiplier(node.op, False, first, second, out)


def _zeros(net: Network, node: Node) -> tuple[int, int]:
    first, second = (int(quant_of(net.values[i]).zero_point[0]) for i in node.inputs)
    return first, second


def _out_zero(net: Network, node: Node) -> int:
    return int(quant_of(net.values[node.outputs[0]]).zero_point[0])


def output_range(net: Network, node: Node) -> tuple[int, int]:
    """Least and greatest output code after the fused activation."""
    y = net.values[node.outputs[0]]
    quant, dtype = quant_of(y), y.type.dtype
    return activation_range(node.attrs.activation, quant.scale[0], int(quant.zero_point[0]), dtype.lo, dtype.hi)


def run_sum(net: Network, node: Node, inputs: Sequence[Array | None], sign: int) -> Outcome:
    """Rescale both operands to a common step, add them (`sign` 1) or subtract (-1), rescale the result; in int8."""
    p = sum_params(net, node)
    x, y = (_rescaled(p, i, centred) for i, centred in enumerate(centred_operands(inputs, p.zeros)))
    return _codes(x + sign * y, _entry(p.requant, 2), p)


def run_product(net: Network, node: Node, inputs: Sequence[Array | None]) -> Outcome:
    """Multiply, rescale the product; in int8."""
    p = product_params(net, node)
    x, y = centred_operands(inputs, p.zeros)
    return _codes(x * y, p.requant, p)


def run_binary_float(net: Network, node: Node, inputs: Sequence[Array | None], combine: np.ufunc) -> Floats:
    """`combine` of two real operands, the ranks made equal, then the fused activation."""
    x, y = aligned(np.asarray(operand, np.float32) for operand in inputs)
    real = np.asarray(combine(x, y), np.float32)
    return clamp_float(real, node.attrs.activation).reshape(len(x), *net.results(node)[0].type.shape)


def _codes(values: Ints, requant: Requant, p: SumParams | ProductParams) -> Outcome:
    codes = requantize(values[..., None], requant, p.scheme, zero=p.out_zero, lo=p.lo, hi=p.hi, acc_bits=32)
    return Outcome((codes[..., 0].astype(np.int8),), LayerStats.empty())


def centred_operands(inputs: Sequence[Array | None], zeros: Sequence[int]) -> list[Ints]:
    """Codes minus zero points, sample axis first, the ranks made equal behind it: ready to broadcast."""
    return aligned(np.asarray(x).astype(np.int64) - zero for x, zero in zip(inputs, zeros, strict=True))


def aligned(operands: Iterable[NDArray[_T]]) -> list[NDArray[_T]]:
    """Operands (N, *shape) of one rank: those of fewer dimensions get leading ones behind the sample axis."""
    arrays = list(operands)
    rank = max(x.ndim for x in arrays)
    return [x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:]) for x in arrays]


def _rescaled(p: SumParams, operand: int, centred: Ints) -> Ints:
    shifted = centred[..., None] << SUM_SHIFT
    return requantize(
        shifted, _entry(p.requant, operand), p.scheme, zero=0, lo=-(1 << 31), hi=(1 << 31) - 1, acc_bits=32
    )[..., 0]


def _entry(requant: Requant, i: int) -> Requant:
    return Requant(requant.multiplier[i : i + 1], requant.shift[i : i + 1], requant.real[i : i + 1])
