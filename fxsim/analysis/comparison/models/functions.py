"""LOGISTIC, TANH, SOFTMAX: the real function in binary64, or the node's own table or fixed point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim.analysis.comparison.mechanisms import Mechanism
from fxsim.analysis.comparison.models.base import Bound, Computed, Model, model
from fxsim.ops import OPERATORS, quant_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fxsim.analysis.comparison.models.base import Array, Ints, Reals


def _logistic(x: Reals) -> Reals:
    power = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1, power) / (1 + power))


_CURVES: dict[str, Callable[[Reals], Reals]] = {"LOGISTIC": _logistic, "TANH": np.tanh}


class _FunctionModel(Model):
    """Codes of a real function of the whole operand."""

    mechanisms = (Mechanism.LOOKUP,)

    def real(self, x: Reals) -> Reals:
        """The function."""
        return _CURVES[self.node.op](x)

    def bind(self, operands: Sequence[Array | None]) -> Bound:
        """Both ways are worked out at once where they are asked for."""
        return Computed(lambda on: self._exact(operands) if Mechanism.LOOKUP in on else self._real(operands))

    def _exact(self, operands: Sequence[Array | None]) -> Array:
        """What the operator computes: the table is the mechanism."""
        return OPERATORS[self.node.op].run(self.net, self.node, operands, self.numerics).outputs[0]

    def _real(self, operands: Sequence[Array | None]) -> Ints:
        x, y = (self.net.values[i] for i in (self.node.inputs[0], self.node.outputs[0]))
        before, after = quant_of(x), quant_of(y)
        centred = np.asarray(operands[0]).astype(np.float64) - before.zero_point[0]
        steps = self.real(centred * np.float64(before.scale[0])) / np.float64(after.scale[0])
        codes = np.rint(steps) + after.zero_point[0]
        return np.asarray(np.clip(codes, y.type.dtype.lo, y.type.dtype.hi).astype(np.int64))


@model("LOGISTIC", "TANH")
class CurveModel(_FunctionModel):
    """One code in, one code out."""


@model("SOFTMAX")
class SoftmaxModel(_FunctionModel):
    """Rows along the last axis."""

    def real(self, x: Reals) -> Reals:
        """Exponentials of what is left of the row's greatest, over their sum."""
        scaled = x * np.float64(self.node.attrs.beta)
        exps = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        return np.asarray(exps / exps.sum(axis=-1, keepdims=True))
