"""PADV2: a constant code around a tensor."""

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
class PadV2:
    """PADV2 has no attributes; its second and third operands are the pads' sizes and code."""


@operator
class PadV2Operator(Operator):
    """y = x, surrounded by the code of the third operand."""

    name = "PADV2"
    attrs = PadV2
    tflite = TfliteHook("PADV2", "PadV2Options", version=2)

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: operands, types, quantization, pads."""
        return check_pad(net, node, operands=3)

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return the operand's shape, the pads added."""
        return (padded_shape(net, node),)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - moves data
        """Surround the operand."""
        return run_pad(net, node, inputs)

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
        """Surround the operand with the third one."""
        return run_pad_float(net, node, inputs, np.asarray(inputs[2], np.float32).reshape(-1)[0])
