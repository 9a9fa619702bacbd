"""CONCATENATION: tensors one behind the other along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.graph import DType, LayerStats
from fxsim.ops.base import ACTIVATIONS, Array, Floats, Operator, OptionField, Outcome, TfliteHook, operator
from fxsim.ops.legality import Problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node, Value
    from fxsim.hw import Numerics

OPERAND_LIMIT = 4096
"""Most operands: what a .tflite file may list."""


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Attributes; a negative axis counts from the end. The runtimes know no fused activation."""

    axis: int = 0
    activation: str = "NONE"


@operator
class ConcatenationOperator(Operator):
    """y = the operands in order along `axis`; all have the output's scale and zero point."""

    name = "CONCATENATION"
    attrs = Concatenation
    tflite = TfliteHook(
        "CONCATENATION",
        "ConcatenationOptions",
        (OptionField("axis", "Axis"), OptionField("activation", "FusedActivationFunction", "enum", ACTIVATIONS)),
        version=2,
    )

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: operands, types, quantization, shapes."""
        found = Problems()
        found.expect(node.attrs.activation == "NONE", f"fused activation must be NONE, not {node.attrs.activation}")
        if not found.present(net, node, 1, OPERAND_LIMIT):
            return found
        operands = [value for value in net.operands(node) if value is not None]
        if not found.expect(len(operands) == len(node.inputs), "all operands must be given"):
            return found
        found.computed(net, node)
        _check_types(found, operands, net.results(node)[0])
        _check_shapes(found, [x.type.shape for x in operands], node.attrs.axis)
        return found

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return the operands' shape, their sizes along the axis added up."""
        shapes = [net.values[i].type.shape for i in node.inputs]
        axis = concatenation_axis(net, node)
        return ((*shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :]),)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - moves data
        """Join the arrays."""
        arrays = [np.asarray(x) for x in inputs]
        return Outcome((np.concatenate(arrays, axis=1 + concatenation_axis(net, node)),), LayerStats.empty())

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
        """Join the arrays."""
        arrays = [np.asarray(x, np.float32) for x in inputs]
        return np.concatenate(arrays, axis=1 + concatenation_axis(net, node))


def concatenation_axis(net: Network, node: Node) -> int:
    """Axis of a checked CONCATENATION node, from the front."""
    return int(node.attrs.axis) % len(net.values[node.inputs[0]].type.shape)


def _check_types(found: Problems, operands: list[Value], y: Value) -> None:
    typed = found.tensor("output", y, (DType.INT8,))
    for i, x in enumerate(operands):
        if found.tensor(f"operand {i}", x, (DType.INT8,)) and typed:
            found.same_quant(x, y, f"operand {i}")


def _check_shapes(found: Problems, shapes: list[tuple[int, ...]], axis: int) -> None:
    rank = len(shapes[0])
    if not found.expect(-rank <= axis < rank, f"axis must be in {-rank}..{rank - 1}, not {axis}"):
        return
    others = {(*s[: axis % rank], *s[axis % rank + 1 :]) for s in shapes}
    alike = len({len(s) for s in shapes}) == 1 and len(others) == 1
    found.expect(alike, f"operands must have the same shape but along axis {axis}, not {sorted(set(shapes))}")
