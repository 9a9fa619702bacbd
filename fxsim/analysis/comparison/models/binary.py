"""ADD, SUB, MUL: two operands, one rescaled result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim.analysis.comparison.mechanisms import Mechanism
from fxsim.analysis.comparison.models.base import Bound, Model, fake_clamp, model, places
from fxsim.analysis.comparison.models.scaling import Scaling
from fxsim.numerics import SUM_SHIFT
from fxsim.ops import centred_operands, product_params, quant_of, sum_params, sum_reals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.analysis.comparison.models.base import Array, Index, Ints, On, Reals
    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics

_REACH = 1 << 17
"""Products of differences of 8-bit codes are smaller."""
_INT32 = (-(1 << 31), (1 << 31) - 1)
_ROUNDINGS = frozenset((Mechanism.FIRST_ROUNDING, Mechanism.MULTIPLIER))


class _BinaryModel(Model):
    """Zero points of both operands, steps, output range."""

    def __init__(self, net: Network, node: Node, numerics: Numerics, bias: str) -> None:
        super().__init__(net, node, numerics, bias)
        quants = [quant_of(net.values[i]) for i in (*node.inputs, *node.outputs)]
        self.steps = [np.float64(quant.scale[0]) for quant in quants]
        self.zeros = [int(quant.zero_point[0]) for quant in quants]
        self.fake = fake_clamp(net, node, node.attrs.activation)

    def pair(self, operands: Sequence[Array | None]) -> tuple[Ints, Ints]:
        """Differences from the zero points, broadcast to the result's shape, flat."""
        x, y = np.broadcast_arrays(*centred_operands(operands, self.zeros[:2]))
        return x.reshape(-1), y.reshape(-1)


@model("MUL")
class ProductModel(_BinaryModel):
    """codes = requantize((x - x_zero) * (y - y_zero))."""

    def __init__(self, net: Network, node: Node, numerics: Numerics, bias: str) -> None:
        super().__init__(net, node, numerics, bias)
        p = product_params(net, node)
        first, second, out = self.steps
        ends = p.out_zero, p.out_zero, self.fake, (p.lo, p.hi)
        self.scaling = Scaling(p.scheme, p.requant, np.array([first * second / out]), *ends)
        wraps = (Mechanism.OVERFLOW,) if self.scaling.wraps(_REACH) else ()
        clamps = (Mechanism.CLAMP,) if self.fake != (p.lo, p.hi) else ()
        self.mechanisms = (*self.scaling.stages, *wraps, *clamps)

    def bind(self, operands: Sequence[Array | None]) -> Bound:
        """Multiply."""
        x, y = self.pair(operands)
        return _BoundProduct(self, x * y)


class _BoundProduct(Bound):
    def __init__(self, owner: ProductModel, products: Ints) -> None:
        self.owner, self.products = owner, products

    def codes(self, on: On, index: Index = None) -> Array:
        """Rescale."""
        return self.owner.scaling.codes(places(self.products, index)[:, None], on).reshape(-1)


@model("ADD", "SUB")
class SumModel(_BinaryModel):
    """codes = r2(r0((x - x_zero) << 20) +- r1((y - y_zero) << 20)); every factor is below 1, so nothing wraps."""

    def __init__(self, net: Network, node: Node, numerics: Numerics, bias: str) -> None:
        super().__init__(net, node, numerics, bias)
        p, reals = sum_params(net, node), sum_reals(net, node)
        self.sign = 1 if node.op == "ADD" else -1
        self.operands = [
            Scaling(p.scheme, p.requant.take(slice(i, i + 1)), reals[i : i + 1], 0, 0, _INT32, _INT32) for i in range(2)
        ]
        ends = p.out_zero, p.out_zero, self.fake, (p.lo, p.hi)
        self.result = Scaling(p.scheme, p.requant.take(slice(2, 3)), reals[2:], *ends)
        clamps = (Mechanism.CLAMP,) if self.fake != (p.lo, p.hi) else ()
        self.mechanisms = (Mechanism.MULTIPLIER, Mechanism.FIRST_ROUNDING, Mechanism.TIE, *clamps)

    def bind(self, operands: Sequence[Array | None]) -> Bound:
        """Nothing is worked out before the switches are known."""
        return _BoundSum(self, *self.pair(operands))


class _BoundSum(Bound):
    def __init__(self, owner: SumModel, x: Ints, y: Ints) -> None:
        self.owner, self.x, self.y = owner, x, y

    def codes(self, on: On, index: Index = None) -> Array:
        """Rescale both, add, rescale the sum."""
        owner = self.owner
        x, y = places(self.x, index), places(self.y, index)
        if not on & _ROUNDINGS:
            return self._directly(x, y, on)
        first, second = (self._operand(i, values, on) for i, values in enumerate((x, y)))
        return owner.result.codes((first + owner.sign * second)[:, None], on).reshape(-1)

    def _operand(self, place: int, values: Ints, on: On) -> Ints | Reals:
        """A rescaled operand: an integer once it is rounded, by the exact rule when everything about it is on."""
        scaling, shifted = self.owner.operands[place], values << SUM_SHIFT
        if Mechanism.FIRST_ROUNDING not in on:
            return shifted * (scaling.requant.real if Mechanism.MULTIPLIER in on else scaling.real)
        return scaling.codes(shifted[:, None], on).reshape(-1)

    def _directly(self, x: Ints, y: Ints, on: On) -> Ints:
        """By the real steps alone."""
        first, second, out = self.owner.steps
        value = (x * first + self.owner.sign * (y * second)) / out
        return self.owner.result.rounded(value, on)
