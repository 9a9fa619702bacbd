"""What ADD, SUB and MUL share: attributes, legality, broadcasting; and the parameters of sums."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import QuantizationError
from fxsim.graph import DType, LayerStats
from fxsim.numerics import PROFILES, SUM_SHIFT, Requant, Scheme, activation_range, requantize
from fxsim.ops.base import ACTIVATIONS, Array, OptionField, Outcome, TfliteHook
from fxsim.ops.legality import Problems, quant_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from fxsim.graph import Network, Node

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Binary:
    """Attributes of ADD, SUB and MUL."""

    activation: str = "NONE"


@dataclass(frozen=True, slots=True, eq=False)
class SumParams:
    """Exact parameters of a sum: y = clamp(out_zero + r2(r0(x0 - zeros[0]) + r1(x1 - zeros[1]))).

    r0 and r1 shift to the left by `SUM_SHIFT` and rescale by entries 0 and 1 of `requant`, r2 rescales by entry 2.
    """

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
    """Derive the parameters of ADD node `node` by the network's profile.

    All factors are below 1, so all shifts are to the right: quotients of binary32 numbers are not so near to 1 that
    their significand would round up to it.

    Raises
    ------
    QuantizationError
        A tensor has no scale, or a factor is not below 1: the runtimes stop there.
    """
    quants = [quant_of(net.values[i]) for i in node.inputs]
    y = net.results(node)[0]
    after, profile = quant_of(y), PROFILES[net.profile]
    scheme = profile.scheme(node.op)
    reals = profile.multiplier(node.op, False, quants[0].scale[0], quants[1].scale[0], after.scale[0])
    for what, real in zip(("operand 0", "operand 1", "the sum"), reals, strict=True):
        if not 0 < real < 1:
            raise QuantizationError(f"factor of {what} in {node.op} must be above 0 and below 1", got=float(real))
    zeros = (int(quants[0].zero_point[0]), int(quants[1].zero_point[0]))
    return SumParams(scheme.derive(reals), scheme, zeros, int(after.zero_point[0]), *output_range(net, node))


def output_range(net: Network, node: Node) -> tuple[int, int]:
    """Least and greatest output code after the fused activation."""
    y = net.values[node.outputs[0]]
    quant, dtype = quant_of(y), y.type.dtype
    return activation_range(node.attrs.activation, quant.scale[0], int(quant.zero_point[0]), dtype.lo, dtype.hi)


def run_sum(net: Network, node: Node, inputs: Sequence[Array | None]) -> Outcome:
    """Rescale both operands to a common step, add, rescale the sum; in int8."""
    p = sum_params(net, node)
    x, y = (_rescaled(p, i, centred) for i, centred in enumerate(centred_operands(inputs, p.zeros)))
    total = x + y
    codes = requantize(total[..., None], _entry(p.requant, 2), p.scheme, zero=p.out_zero, lo=p.lo, hi=p.hi, acc_bits=32)
    return Outcome((codes[..., 0].astype(np.int8),), LayerStats.empty())


def centred_operands(inputs: Sequence[Array | None], zeros: Sequence[int]) -> list[Ints]:
    """Codes minus zero points, sample axis first, the ranks made equal behind it: ready to broadcast."""
    arrays = [np.asarray(x).astype(np.int64) - zero for x, zero in zip(inputs, zeros, strict=True)]
    rank = max(x.ndim for x in arrays)
    return [x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:]) for x in arrays]


def _rescaled(p: SumParams, operand: int, centred: Ints) -> Ints:
    shifted = centred[..., None] << SUM_SHIFT
    return requantize(
        shifted, _entry(p.requant, operand), p.scheme, zero=0, lo=-(1 << 31), hi=(1 << 31) - 1, acc_bits=32
    )[..., 0]


def _entry(requant: Requant, i: int) -> Requant:
    return Requant(requant.multiplier[i : i + 1], requant.shift[i : i + 1], requant.real[i : i + 1])
