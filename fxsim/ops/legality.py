"""Collecting everything that is illegal or unsupported in one node, as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import QuantizationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fxsim.graph import DType, Network, Node, Value
    from fxsim.numerics import Affine

GEOMETRY_LIMIT = 1 << 16
"""Strides, dilations and filter sizes must be smaller."""
_ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")


class Problems(list[str]):
    """Messages about one node; the checks return whether they passed, so that later ones can build on them."""

    __slots__ = ()

    def expect(self, holds: bool, message: str) -> bool:
        """Note `message` unless the claim `holds`."""
        if not holds:
            self.append(message)
        return holds

    def operands(self, net: Network, node: Node, least: int, most: int) -> bool:
        """Expect what `present` does, and a computed first operand."""
        if not self.present(net, node, least, most):
            return False
        first = net.operands(node)[0]
        return self.expect(first is None or not first.is_constant, "operand 0 must not be a constant")

    def present(self, net: Network, node: Node, least: int, most: int) -> bool:
        """Expect `least`..`most` operands, the required ones given, and one output."""
        span = str(least) if least == most else f"{least}..{most}"
        fits = self.expect(least <= len(node.inputs) <= most, f"must have {span} operands, not {len(node.inputs)}")
        fits &= self.expect(len(node.outputs) == 1, f"must have 1 output, not {len(node.outputs)}")
        if not fits:
            return False
        for i, value in enumerate(net.operands(node)[:least]):
            fits &= self.expect(value is not None, f"operand {i} must be given")
        return fits

    def computed(self, net: Network, node: Node) -> bool:
        """Expect an operand that is no constant."""
        some = any(value is not None and not value.is_constant for value in net.operands(node))
        return self.expect(some, "operands must not all be constants")

    def unary(self, net: Network, node: Node) -> Value | None:
        """Expect exactly one operand and return it."""
        return net.operands(node)[0] if self.operands(net, node, 1, 1) else None

    def dtype(self, role: str, value: Value, allowed: Sequence[DType]) -> bool:
        """Expect one of the element types `allowed`."""
        names = " or ".join(d.value for d in allowed)
        return self.expect(value.type.dtype in allowed, f"{role} must be {names}, not {value.type.dtype.value}")

    def rank(self, role: str, value: Value, rank: int) -> bool:
        """Expect `rank` dimensions."""
        shape = value.type.shape
        return self.expect(len(shape) == rank, f"{role} must have {rank} dimensions, not shape {shape}")

    def per_tensor(self, role: str, value: Value) -> bool:
        """Expect one scale and one zero point inside the code range."""
        quant = value.type.quant
        if quant is None:
            return self.expect(False, f"{role} must be quantized")
        single = quant.group_size is None and quant.scale.size == 1
        if not self.expect(single, f"{role} must be quantized per tensor, not with {quant.scale.size} scales"):
            return False
        zero, dtype = int(quant.zero_point[0]), value.type.dtype
        held = not dtype.is_integer or dtype.lo <= zero <= dtype.hi
        return self.expect(held, f"{role} zero point must lie in the range of {dtype.value}, not {zero}")

    def tensor(self, role: str, value: Value, allowed: Sequence[DType]) -> bool:
        """Expect an allowed element type and per-tensor quantization."""
        typed = self.dtype(role, value, allowed)
        return self.per_tensor(role, value) and typed

    def derivable(self, derive: Callable[[], object]) -> bool:
        """Expect that `derive` finds integers for the scales."""
        try:
            derive()
        except QuantizationError as error:
            self.append(str(error))
            return False
        return True

    def same_quant(self, x: Value, y: Value, role: str = "input") -> bool:
        """Expect equal scale and zero point of an operand and the output (both per tensor)."""
        a, b = x.type.quant, y.type.quant
        if a is None or b is None:
            return False
        same = np.array_equal(a.scale, b.scale) and np.array_equal(a.zero_point, b.zero_point)
        return self.expect(same, f"{role} and output must share scale and zero point, not {_text(x)} and {_text(y)}")

    def positive(self, node: Node, *names: str) -> bool:
        """Expect attributes in 1..65535."""
        passed = True
        for name in names:
            value = getattr(node.attrs, name)
            legal = 1 <= value < GEOMETRY_LIMIT
            passed &= self.expect(legal, f"{name} must be in 1..{GEOMETRY_LIMIT - 1}, not {value}")
        return passed

    def padding(self, node: Node) -> bool:
        """Expect SAME or VALID."""
        return self.expect(
            node.attrs.padding in ("SAME", "VALID"), f"padding must be SAME or VALID, not {node.attrs.padding}"
        )

    def activation(self, node: Node) -> bool:
        """Expect a fused activation that is a clamp."""
        return self.expect(
            node.attrs.activation in _ACTIVATIONS,
            f"fused activation must be {', '.join(_ACTIVATIONS)}, not {node.attrs.activation}",
        )


def quant_of(value: Value) -> Affine:
    """Quantization of a tensor that must have one; `QuantizationError` if not."""
    if value.type.quant is None:
        raise QuantizationError("tensor must be quantized", where=f"tensor {value.name!r}")
    return value.type.quant


def _text(value: Value) -> str:
    quant = value.type.quant
    return "none" if quant is None else f"({quant.scale[0]:.9g}, {int(quant.zero_point[0])})"
