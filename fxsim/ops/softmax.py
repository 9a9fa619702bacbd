"""SOFTMAX over the last dimension in gemmlowp's fixed-point arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.graph import DType, LayerStats
from fxsim.numerics import softmax_params
from fxsim.ops.base import Array, Floats, Operator, OptionField, Outcome, TfliteHook, operator
from fxsim.ops.fixed_point import divide_by_pot, exp_on_negative, high_mul, one_over_one_plus
from fxsim.ops.legality import Problems, quant_of
from fxsim.ops.real import sum_in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics

Ints = NDArray[np.int64]

ROW_LIMIT = 4095
"""Longest row: the Q12.19 sum of 4096 ones leaves 32 bits."""
_OUT_ZERO = -128
_MIN32 = -(1 << 31)


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

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:  # noqa: ARG002 - all is in the node
        """Exponentials of beta * (x - the row's greatest), their sum in order, one quotient each."""
        x = np.asarray(inputs[0], np.float32)
        powers = (x - x.max(axis=-1, keepdims=True)) * np.float32(node.attrs.beta)
        exps = np.exp(powers.astype(np.float64)).astype(np.float32)
        result: Floats = exps / sum_in_order(exps)[..., None]
        return result


def softmax_rows(rows: Ints, multiplier: int, left_shift: int, diff_min: int) -> Ints:
    """Softmax codes of int64 rows [R, L] of int8 codes; parameters as of `fxsim.numerics.softmax_params`."""
    below = rows.max(axis=1, keepdims=True) - rows
    reaches = -below >= diff_min
    scaled = ((-np.arange(256) << left_shift) - _MIN32 & 0xFFFFFFFF) + _MIN32
    exps = np.where(reaches, exp_on_negative(high_mul(scaled, multiplier), 5)[below], 0)
    total = np.where(reaches, divide_by_pot(exps, 12), 0).sum(axis=1, keepdims=True)
    headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
    reciprocal = one_over_one_plus((total << headroom) + _MIN32)
    codes = divide_by_pot(high_mul(reciprocal, exps), 12 - headroom + 31 - 8) + _OUT_ZERO
    return np.where(reaches, codes.clip(-128, 127), _OUT_ZERO)
