"""PAD: zeros around a tensor, which are codes of the zero point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.ops.base import Array, Floats, Operator, Outcome, TfliteHook, operator
from fxsim.ops.padding import check_pad, padded_shape, run_pad, run_pad_float

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics


@dataclass(frozen=True, slots=True)
class Pad:
    """PAD has no attributes; its constant second operand counts the elements before and after each dimension."""


@operator
class PadOperator(Operator):
    """y = x, surrounded by the output's zero point."""

    name = "PAD"
    attrs = Pad
    tflite = TfliteHook("PAD", "PadOptions", version=2)

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: operands, types, quantization, pads."""
        return check_pad(net, node, operands=2)

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return the operand's shape, the pads added."""
        return (padded_shape(net, node),)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - moves data
        """Surround the operand."""
        return run_pad(net, node, inputs)

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
        """Surround the operand with zeros."""
        return run_pad_float(net, node, inputs, np.float32(0))
