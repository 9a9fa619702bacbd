"""Operators that move codes, or say what they stand for: nothing but the operands can make a difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.analysis.comparison.models.base import Bound, Computed, Model, model
from fxsim.ops import OPERATORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.analysis.comparison.models.base import Array


@model("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "PAD", "PADV2", "CONCATENATION", "DEQUANTIZE")
class MoveModel(Model):
    """The operator itself."""

    def bind(self, operands: Sequence[Array | None]) -> Bound:
        """Move them."""
        moved = OPERATORS[self.node.op].run(self.net, self.node, operands, self.numerics).outputs[0]
        return Computed(lambda _: moved)
