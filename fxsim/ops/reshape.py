"""RESHAPE: the same codes under another shape."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim.graph import DType
from fxsim.ops.base import Array, Floats, Operator, OptionField, Outcome, TfliteHook, operator
from fxsim.ops.legality import Problems
from fxsim.ops.views import check_view, run_view, run_view_float

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics


@dataclass(frozen=True, slots=True)
class Reshape:
    """Attributes; one dimension may be -1. A constant second operand (int32, one dimension) takes precedence."""

    new_shape: tuple[int, ...] = ()


@operator
class ReshapeOperator(Operator):
    """y = x, elements in C order."""

    name = "RESHAPE"
    attrs = Reshape
    tflite = TfliteHook("RESHAPE", "ReshapeOptions", (OptionField("new_shape", "NewShape", "ints"),))

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: types, quantization, the shape operand, element counts."""
        found = Problems()
        if not found.operands(net, node, 1, 2):
            return found
        x = net.values[node.inputs[0]]
        check_view(found, net, node)
        if _check_shape_operand(found, net, node):
            asked = _asked(net, node)
            found.expect(
                _resolve(asked, x.type.size) is not None, f"new shape must hold {x.type.size} elements, not {asked}"
            )
        return found

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return the asked shape, -1 resolved."""
        size = net.values[node.inputs[0]].type.size
        return (_resolve(_asked(net, node), size) or (),)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - moves data
        """Rearrange the shape."""
        return run_view(net, node, inputs)

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
        """Rearrange the shape."""
        return run_view_float(net, node, inputs)


def _check_shape_operand(found: Problems, net: Network, node: Node) -> bool:
    shape = net.operands(node)[1] if len(node.inputs) > 1 else None
    if shape is None:
        return True
    constant = found.expect(shape.is_constant, "shape operand must be a constant")
    return found.dtype("shape operand", shape, (DType.INT32,)) and found.rank("shape operand", shape, 1) and constant


def _asked(net: Network, node: Node) -> tuple[int, ...]:
    shape = net.operands(node)[1] if len(node.inputs) > 1 else None
    if shape is None or shape.data is None:
        return tuple(node.attrs.new_shape)
    return tuple(int(d) for d in shape.data)


def _resolve(asked: tuple[int, ...], size: int) -> tuple[int, ...] | None:
    """`asked` with its one -1 replaced, None where it cannot hold `size` elements."""
    known = math.prod(d for d in asked if d != -1)
    if any(d < 1 for d in asked if d != -1) or asked.count(-1) > 1 or size % known:
        return None
    if -1 not in asked and known != size:
        return None
    return tuple(size // known if d == -1 else d for d in asked)
