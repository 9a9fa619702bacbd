"""Ranges of codes, carried from the network's inputs through every operator: sound for all inputs of the network.

A range belongs to one index of a tensor's last axis. Operators of codes alone are evaluated on every code (pair of
codes) of the range, with the operator's own run; sums are bounded exactly, and rescaled where that is monotone.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.numerics import bits_needed, monotone_limit, requantize
from fxsim.ops import (
    OPERATORS,
    concatenation_axis,
    mean_axes,
    mean_params,
    pad_params,
    pool_params,
)

if TYPE_CHECKING:
    from fxsim.analysis.reach import Reach
    from fxsim.graph import Network, Node, Value
    from fxsim.hw import Numerics
    from fxsim.numerics import Requant, Scheme
    from fxsim.ops import MacParams

Ints = NDArray[np.int64]

_RUNTIME_BITS = 32
"""Accumulator width of the runtimes' own sums."""


@dataclass(frozen=True, slots=True, eq=False)
class CodeRange:
    """Least and greatest code at every index of a tensor's last axis: int64 [C] each, C = 1 for a scalar."""

    lo: Ints
    hi: Ints

    @staticmethod
    def of_type(value: Value) -> CodeRange:
        """Every code that the tensor's type has."""
        ones = np.ones(_last(value), np.int64)
        return CodeRange(ones * value.type.dtype.lo, ones * value.type.dtype.hi)

    @staticmethod
    def of_codes(codes: NDArray[np.generic]) -> CodeRange:
        """What stored codes span."""
        rows = codes.astype(np.int64).reshape(-1, *(codes.shape[-1:] or (1,)))
        return CodeRange(rows.min(axis=0), rows.max(axis=0))

    def refold(self, channels: int) -> CodeRange:
        """The range after a change of shape that makes the last axis `channels` long, elements in C order."""
        shared = math.gcd(len(self.lo), channels)
        low, high = self.lo.reshape(-1, shared).min(axis=0), self.hi.reshape(-1, shared).max(axis=0)
        return CodeRange(np.tile(low, channels // shared), np.tile(high, channels // shared))

    def clip(self, lo: int, hi: int) -> CodeRange:
        """The range behind a clamp."""
        return CodeRange(self.lo.clip(lo, hi), self.hi.clip(lo, hi))

    def hull(self, other: CodeRange) -> CodeRange:
        """What either of the two holds."""
        return CodeRange(np.minimum(self.lo, other.lo), np.maximum(self.hi, other.hi))


Known = dict[int, CodeRange]
"""Ranges by value id."""
Rule = Callable[["Network", "Node", Known], CodeRange]


def result_range(net: Network, node: Node, known: Known) -> CodeRange:
    """Range of the result of a node without accumulators; the type's range where no rule says more."""
    rule = _RULES.get(node.op)
    return CodeRange.of_type(net.results(node)[0]) if rule is None else rule(net, node, known)


def mac_range(params: MacParams, numerics: Numerics, reach: Reach, inner: Ints | None = None) -> CodeRange:
    """Output codes of a MAC layer by channel: of its final sums where no input overflows, else the clamp range.

    `inner` is the width that the inner accumulator needs, by channel, where there is one.
    """
    free = reach.bits_for(numerics.overflow) <= numerics.acc_bits
    if inner is not None:
        free &= inner <= numerics.inner_bits
    low, high = np.where(free, reach.low[-1], 0), np.where(free, reach.high[-1], 0)
    clamp = (params.clamp_lo, params.clamp_hi)
    proved = _rescaled(low, high, params.requant, params.scheme, params.out_zero, clamp, numerics.acc_bits)
    return CodeRange(np.where(free, proved.lo, clamp[0]), np.where(free, proved.hi, clamp[1]))


def _rescaled(
    low: Ints, high: Ints, requant: Requant, scheme: Scheme, zero: int, clamp: tuple[int, int], bits: int
) -> CodeRange:
    """Codes of sums low..high; the whole clamp range where the scheme could wrap, hence not be monotone."""
    lo, hi = clamp
    ends = requantize(np.stack([low, high]), requant, scheme, zero=zero, lo=lo, hi=hi, acc_bits=bits)
    safe = np.maximum(np.abs(low), np.abs(high)) <= monotone_limit(requant, scheme, bits)
    return CodeRange(np.where(safe, ends[0], lo), np.where(safe, ends[1], hi))


def _operand(net: Network, node: Node, number: int, known: Known) -> CodeRange:
    index = node.inputs[number]
    data = net.values[index].data
    return known[index] if data is None else CodeRange.of_codes(data)


def _view(net: Network, node: Node, known: Known) -> CodeRange:
    return _operand(net, node, 0, known).refold(_last(net.results(node)[0]))


def _last(value: Value) -> int:
    return value.type.shape[-1] if value.type.shape else 1


def _by_code(net: Network, node: Node, known: Known) -> CodeRange:
    """Every code of the range through the operator."""
    x, dtype = _operand(net, node, 0, known), net.values[node.inputs[0]].type.dtype
    codes = np.arange(dtype.lo, dtype.hi + 1).astype(dtype.numpy)
    table = OPERATORS[node.op].run(net, node, [codes], None).outputs[0].astype(np.int64)
    spans = [table[lo - dtype.lo : hi - dtype.lo + 1] for lo, hi in zip(x.lo, x.hi, strict=True)]
    return CodeRange(np.array([span.min() for span in spans]), np.array([span.max() for span in spans]))


def _by_pair(net: Network, node: Node, known: Known) -> CodeRange:
    """Every pair of codes of the two ranges through the operator."""
    codes = np.arange(-128, 128).astype(np.int8)
    inputs = [codes.reshape(1, -1, 1), codes.reshape(1, 1, -1)]
    table = OPERATORS[node.op].run(net, node, inputs, None).outputs[0][0].astype(np.int64)
    operands = [_operand(net, node, number, known) for number in (0, 1)]
    ends = np.broadcast_arrays(*(end for x in operands for end in (x.lo + 128, x.hi + 129)))
    boxes, channel = np.unique(np.stack(ends, axis=1), axis=0, return_inverse=True)
    spans = [table[a:b, c:d] for a, b, c, d in boxes]
    low, high = np.array([span.min() for span in spans]), np.array([span.max() for span in spans])
    return CodeRange(low[channel.reshape(-1)], high[channel.reshape(-1)])


def _pool(net: Network, node: Node, known: Known) -> CodeRange:
    """Neither a maximum nor a rounded mean leaves the range of its taps."""
    params = pool_params(net, node)
    return _operand(net, node, 0, known).clip(params.clamp_lo, params.clamp_hi)


def _mean(net: Network, node: Node, known: Known) -> CodeRange:
    x, shape, p = _operand(net, node, 0, known), net.values[node.inputs[0]].type.shape, mean_params(net, node)
    axes, y = mean_axes(net, node), net.results(node)[0]
    rows = 1 if len(shape) - 1 in axes else len(x.lo)
    terms = math.prod(shape[axis] for axis in axes) * rows // len(x.lo)
    low, high = (terms * (end - p.in_zero).reshape(rows, -1).sum(axis=1) for end in (x.lo, x.hi))
    if bits_needed(int(low.min()), int(high.max())) > _RUNTIME_BITS:
        return CodeRange.of_type(y)
    return _rescaled(low, high, p.requant, p.scheme, p.out_zero, (p.lo, p.hi), _RUNTIME_BITS).refold(_last(y))


def _concatenation(net: Network, node: Node, known: Known) -> CodeRange:
    parts = [_operand(net, node, number, known) for number in range(len(node.inputs))]
    rank = len(net.results(node)[0].type.shape)
    if concatenation_axis(net, node) == rank - 1:
        return CodeRange(np.concatenate([x.lo for x in parts]), np.concatenate([x.hi for x in parts]))
    return functools.reduce(CodeRange.hull, parts)


def _pad(net: Network, node: Node, known: Known) -> CodeRange:
    x, p = _operand(net, node, 0, known), pad_params(net, node)
    *others, last = p.pads
    if any(map(any, others)):
        x = x.hull(CodeRange.of_codes(np.array(p.code)))
    return CodeRange(np.pad(x.lo, last, constant_values=p.code), np.pad(x.hi, last, constant_values=p.code))


_RULES: dict[str, Rule] = {
    "ADD": _by_pair,
    "AVERAGE_POOL_2D": _pool,
    "CONCATENATION": _concatenation,
    "EXPAND_DIMS": _view,
    "LOGISTIC": _by_code,
    "MAX_POOL_2D": _pool,
    "MEAN": _mean,
    "MUL": _by_pair,
    "PAD": _pad,
    "PADV2": _pad,
    "QUANTIZE": _by_code,
    "RELU": _by_code,
    "RELU6": _by_code,
    "RELU_N1_TO_1": _by_code,
    "RESHAPE": _view,
    "SQUEEZE": _view,
    "SUB": _by_pair,
    "TANH": _by_code,
}
