"""SQUEEZE: the same codes without dimensions of size 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim.ops.base import Array, Floats, Operator, OptionField, Outcome, TfliteHook, operator
from fxsim.ops.legality import Problems
from fxsim.ops.views import check_view, run_view, run_view_float

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics


@dataclass(frozen=True, slots=True)
class Squeeze:
    """Attributes; none means every dimension of size 1, negative ones count from the end."""

    squeeze_dims: tuple[int, ...] = ()


@operator
class SqueezeOperator(Operator):
    """y = x, elements in C order."""

    name = "SQUEEZE"
    attrs = Squeeze
    tflite = TfliteHook("SQUEEZE", "SqueezeOptions", (OptionField("squeeze_dims", "SqueezeDims", "ints"),))

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: types, quantization, dimensions."""
        found = Problems()
        x = found.unary(net, node)
        if x is None:
            return found
        check_view(found, net, node)
        shape, dims = x.type.shape, node.attrs.squeeze_dims
        ones = all(-len(shape) <= d < len(shape) and shape[d] == 1 for d in dims)
        found.expect(ones, f"squeeze_dims must be dimensions of size 1 of shape {shape}, not {dims}")
        return found

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return the shape without the dimensions that go."""
        shape = net.values[node.inputs[0]].type.shape
        gone = {d % len(shape) for d in node.attrs.squeeze_dims} or {i for i, n in enumerate(shape) if n == 1}
        return (tuple(n for i, n in enumerate(shape) if i not in gone),)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - moves data
        """Rearrange the shape."""
        return run_view(net, node, inputs)

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
        """Rearrange the shape."""
        return run_view_float(net, node, inputs)
