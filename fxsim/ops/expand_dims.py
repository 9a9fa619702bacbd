"""EXPAND_DIMS: the same codes with one more dimension of size 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim.graph import DType
from fxsim.ops.base import Array, Floats, Operator, Outcome, TfliteHook, operator
from fxsim.ops.legality import Problems
from fxsim.ops.views import check_view, run_view, run_view_float

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics


@dataclass(frozen=True, slots=True)
class ExpandDims:
    """EXPAND_DIMS has no attributes; the place of the new dimension is its constant second operand."""


@operator
class ExpandDimsOperator(Operator):
    """y = x, elements in C order."""

    name = "EXPAND_DIMS"
    attrs = ExpandDims
    tflite = TfliteHook("EXPAND_DIMS", "ExpandDimsOptions")

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: types, quantization, the axis."""
        found = Problems()
        if not found.operands(net, node, 2, 2):
            return found
        check_view(found, net, node)
        axis = net.values[node.inputs[1]]
        typed = found.dtype("axis", axis, (DType.INT32,))
        single = found.expect(axis.type.shape in ((), (1,)), f"axis must be one number, not shape {axis.type.shape}")
        if found.expect(axis.is_constant, "axis must be a constant") and typed and single:
            rank = len(net.values[node.inputs[0]].type.shape)
            place = _axis(net, node)
            found.expect(-rank - 1 <= place <= rank, f"axis must be in {-rank - 1}..{rank}, not {place}")
        return found

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return the shape with the new dimension."""
        shape = net.values[node.inputs[0]].type.shape
        place = _axis(net, node) % (len(shape) + 1)
        return ((*shape[:place], 1, *shape[place:]),)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - moves data
        """Rearrange the shape."""
        return run_view(net, node, inputs)

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
        """Rearrange the shape."""
        return run_view_float(net, node, inputs)


def _axis(net: Network, node: Node) -> int:
    data = net.values[node.inputs[1]].data
    assert data is not None
    return int(data.reshape(-1)[0])
