"""SOFTMAX over the last dimension in gemmlowp's fixed-point arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.graph import DType, LayerStats
from fxsim.numerics import softmax_params
from fxsim.ops.base import Array, Operator, OptionField, Outcome, TfliteHook, operator
from fxsim.ops.legality import Problems, quant_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics

Ints = NDArray[np.int64]

ROW_LIMIT = 4095
"""Longest row: the Q12.19 sum of 4096 ones leaves 32 bits."""
_OUT_ZERO = -128
_MIN32, _MAX32 = -(1 << 31), (1 << 31) - 1
_EXP_MINUS_1_8 = 1895147668
_ONE_THIRD = 715827883
_EXP_STEPS = ((-2, 1672461947), (-1, 1302514674), (0, 790015084), (1, 290630308), (2, 39332535), (3, 720401), (4, 242))
"""exp(-2^k) in Q0.31, by k."""


@dataclass(frozen=True, slots=True)
class Softmax:
    """Attributes; y = softmax(beta * x)."""

    beta: float = 1.0


@operator
class SoftmaxOperator(Operator):
    """y has x's shape, scale 1/256, zero point -128; source: semantics of gemmlowp and TFLite's reference/softmax.h.

    Where a row's exponentials add up to 512 or more, TFLite shifts by 32 and has no defined result; here the shift
    goes on, so that every code is -128.
    """

    name = "SOFTMAX"
    attrs = Softmax
    tflite = TfliteHook("SOFTMAX", "SoftmaxOptions", (OptionField("beta", "Beta", "float"),), version=2)

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: types, quantization, rank, row length, beta."""
        found = Problems()
        x = found.unary(net, node)
        if x is None:
            return found
        found.expect(1 <= len(x.type.shape) <= 4, f"input must have 1..4 dimensions, not shape {x.type.shape}")
        length = x.type.shape[-1] if x.type.shape else 0
        found.expect(length <= ROW_LIMIT, f"rows must have at most {ROW_LIMIT} elements, not {length}")
        if found.tensor("input", x, (DType.INT8,)):
            found.derivable(lambda: softmax_params(node.attrs.beta, quant_of(x).scale[0]))
        y = net.results(node)[0]
        if found.tensor("output", y, (DType.INT8,)):
            scale, zero = float(quant_of(y).scale[0]), int(quant_of(y).zero_point[0])
            found.expect(
                (scale, zero) == (1 / 256, _OUT_ZERO),
                f"output scale and zero point must be 1/256 and {_OUT_ZERO}, not {scale:.9g} and {zero}",
            )
        return found

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return the input's shape."""
        return (net.values[node.inputs[0]].type.shape,)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - no accumulator
        """Exponentials by table over the 256 possible differences, then sum, reciprocal and product per row."""
        x = np.asarray(inputs[0])
        scale = quant_of(net.values[node.inputs[0]]).scale[0]
        rows = x.astype(np.int64).reshape(-1, x.shape[-1])
        codes = softmax_rows(rows, *softmax_params(node.attrs.beta, scale))
        return Outcome((codes.astype(np.int8).reshape(x.shape),), LayerStats.empty())


def softmax_rows(rows: Ints, multiplier: int, left_shift: int, diff_min: int) -> Ints:
    """Softmax codes of int64 rows [R, L] of int8 codes; parameters as of `fxsim.numerics.softmax_params`."""
    below = rows.max(axis=1, keepdims=True) - rows
    reaches = -below >= diff_min
    scaled = ((-np.arange(256) << left_shift) - _MIN32 & 0xFFFFFFFF) + _MIN32
    exps = np.where(reaches, exp_on_negative(_high_mul(scaled, np.int64(multiplier)))[below], 0)
    total = np.where(reaches, _divide_by_pot(exps, np.int64(12)), 0).sum(axis=1, keepdims=True)
    headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
    reciprocal = one_over_one_plus((total << headroom) + _MIN32)
    codes = _divide_by_pot(_high_mul(reciprocal, exps), 12 - headroom + 31 - 8) + _OUT_ZERO
    return np.where(reaches, codes.clip(-128, 127), _OUT_ZERO)


def exp_on_negative(a: Ints) -> Ints:
    """exp(a) in Q0.31 of a <= 0 in Q5.26."""
    fraction_bits, quarter = 26, 1 << 24
    near = (a & (quarter - 1)) - quarter
    steps = near - a
    result = _exp_near_zero(near << 5)
    for k, factor in _EXP_STEPS:
        result = np.where(steps >> (fraction_bits + k) & 1, _high_mul(result, np.int64(factor)), result)
    return np.where(a == 0, _MAX32, result)


def _exp_near_zero(a: Ints) -> Ints:
    """exp(a) in Q0.31 of -1/4 <= a < 0 in Q0.31: a Taylor polynomial about -1/8."""
    x = a + (1 << 28)
    x2 = _high_mul(x, x)
    x3, x4 = _high_mul(x2, x), _high_mul(x2, x2)
    cubic = _high_mul(_divide_by_pot(x4, np.int64(2)) + x3, np.int64(_ONE_THIRD)) + x2
    return _EXP_MINUS_1_8 + _high_mul(x + _divide_by_pot(cubic, np.int64(1)), np.int64(_EXP_MINUS_1_8))


def one_over_one_plus(a: Ints) -> Ints:
    """1 / (1 + a) in Q0.31 of 0 <= a < 1 in Q0.31: three Newton steps in Q2.29."""
    half = (a + _MAX32 + 1) >> 1
    y = 1515870810 + _high_mul(half, np.int64(-1010580540))
    for _ in range(3):
        rest = (1 << 29) - _high_mul(half, y)
        y = y + (_high_mul(y, rest) << 2).clip(_MIN32, _MAX32)
    return (y << 1).clip(_MIN32, _MAX32)


def _high_mul(a: Ints, b: Ints | np.int64) -> Ints:
    """floor((a * b + 2^30) / 2^31) of 32-bit operands, never both -2^31."""
    return a * b + (1 << 30) >> 31


def _divide_by_pot(x: Ints, exponent: Ints | np.int64) -> Ints:
    """Return x / 2^exponent rounded to nearest, ties away from zero; exponent >= 1."""
    return x + (np.int64(1) << exponent - 1) - (x < 0) >> exponent
