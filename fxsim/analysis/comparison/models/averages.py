"""AVERAGE_POOL_2D, MAX_POOL_2D, MEAN: one result of many codes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from fxsim.analysis.comparison.mechanisms import Mechanism
from fxsim.analysis.comparison.models.base import Bound, Computed, Model, fake_clamp, model, places
from fxsim.analysis.comparison.models.scaling import Scaling
from fxsim.numerics import IntFormat, wrap_array
from fxsim.ops import image_rows, mean_axes, mean_params, pool_params, pool_taps, quant_of, rescale_params

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.analysis.comparison.models.base import Array, Index, Ints, On
    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics

_INT32 = IntFormat(32)


class _PoolModel(Model):
    """Geometry and the two output ranges."""

    def __init__(self, net: Network, node: Node, numerics: Numerics, bias: str) -> None:
        super().__init__(net, node, numerics, bias)
        self.params = pool_params(net, node)
        self.zero = int(quant_of(net.results(node)[0]).zero_point[0])
        self.fake = fake_clamp(net, node, node.attrs.activation)
        self.exact = self.params.clamp_lo, self.params.clamp_hi
        self.clamps = (Mechanism.CLAMP,) if self.fake != self.exact else ()

    def clamped(self, values: Ints, on: On) -> Ints:
        """Within the range that the switches say."""
        return values.clip(*(self.exact if Mechanism.CLAMP in on else self.fake))


@model("MAX_POOL_2D")
class MaxPoolModel(_PoolModel):
    """Greatest in-image code."""

    def __init__(self, net: Network, node: Node, numerics: Numerics, bias: str) -> None:
        super().__init__(net, node, numerics, bias)
        self.mechanisms = self.clamps

    def bind(self, operands: Sequence[Array | None]) -> Bound:
        """Compare."""
        g, images = self.params.window, image_rows(operands[0]).astype(np.int64)
        best = np.full((len(images), g.out_h, g.out_w, g.channels), np.iinfo(np.int64).min)
        for codes, inside in pool_taps(g, images):
            best = np.where(inside, np.maximum(best, codes), best)
        return Computed(lambda on: self.clamped(best, on))


@model("AVERAGE_POOL_2D")
class AveragePoolModel(_PoolModel):
    """Mean of in-image codes: about the zero point with ties to even, or about code 0 with ties away from it."""

    def __init__(self, net: Network, node: Node, numerics: Numerics, bias: str) -> None:
        super().__init__(net, node, numerics, bias)
        self.mechanisms = (*self.clamps, Mechanism.AVERAGE)

    def bind(self, operands: Sequence[Array | None]) -> Bound:
        """Sum."""
        g, images = self.params.window, image_rows(operands[0]).astype(np.int64)
        total = np.zeros((len(images), g.out_h, g.out_w, g.channels), np.int64)
        count = np.zeros((g.out_h, g.out_w, 1), np.int64)
        for codes, inside in pool_taps(g, images):
            total += np.where(inside, codes, 0)
            count += inside
        return Computed(lambda on: self.clamped(self._mean(total, count, on), on))

    def _mean(self, total: Ints, count: Ints, on: On) -> Ints:
        if Mechanism.AVERAGE in on:
            return np.asarray(np.sign(total) * ((np.abs(total) + count // 2) // count))
        return np.asarray(np.rint((total - self.zero * count) / count).astype(np.int64) + self.zero)


@model("MEAN")
class MeanModel(Model):
    """codes = requantize(sum of x - x_zero), the number of elements in the scale."""

    def __init__(self, net: Network, node: Node, numerics: Numerics, bias: str) -> None:
        super().__init__(net, node, numerics, bias)
        plain, adapted = rescale_params(net, node), mean_params(net, node)
        x, y = net.values[node.inputs[0]], net.results(node)[0]
        self.axes = tuple(axis + 1 for axis in mean_axes(net, node))
        self.in_zero, self.count = adapted.in_zero, math.prod(x.type.shape[axis - 1] for axis in self.axes)
        self.real = quant_of(x).scale.astype(np.float64) / quant_of(y).scale.astype(np.float64)
        self.factor = plain.requant.real
        ends = adapted.out_zero, adapted.out_zero, fake_clamp(net, node, "NONE"), (adapted.lo, adapted.hi)
        self.scaling = Scaling(adapted.scheme, adapted.requant, self.real / self.count, *ends)
        wraps = (Mechanism.OVERFLOW,) if self.scaling.wraps(256 * self.count) else ()
        self.mechanisms = (*self.scaling.stages, *wraps, Mechanism.AVERAGE)

    def bind(self, operands: Sequence[Array | None]) -> Bound:
        """Sum."""
        x = np.asarray(operands[0])
        return _BoundMean(self, (x.astype(np.int64) - self.in_zero).sum(axis=self.axes))


class _BoundMean(Bound):
    def __init__(self, owner: MeanModel, sums: Ints) -> None:
        self.owner, self.sums = owner, sums

    def codes(self, on: On, index: Index = None) -> Array:
        """Rescale by the factor that the switches say."""
        owner, acc = self.owner, places(self.sums, index)[:, None]
        if Mechanism.OVERFLOW in on:
            acc = wrap_array(acc, _INT32)
        if on.issuperset((Mechanism.MULTIPLIER, Mechanism.AVERAGE)):
            return owner.scaling.codes(acc, on).reshape(-1)
        factor = (owner.factor if Mechanism.MULTIPLIER in on else owner.real) / owner.count
        if Mechanism.AVERAGE in on:
            factor = factor * (owner.scaling.requant.real * owner.count / owner.factor)
        return owner.scaling.by(factor).codes(acc.astype(np.float64), on - {Mechanism.MULTIPLIER}).reshape(-1)
