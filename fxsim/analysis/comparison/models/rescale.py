"""QUANTIZE, RELU, RELU6, RELU_N1_TO_1: one difference from the zero point, rescaled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim.analysis.comparison.mechanisms import Mechanism
from fxsim.analysis.comparison.models.base import Bound, Model, fake_clamp, model, places
from fxsim.analysis.comparison.models.scaling import Scaling
from fxsim.ops import clamp_params, quant_of, rescale_params

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.analysis.comparison.models.base import Array, Index, On
    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics

_REACH = 512
"""Differences of 8-bit codes are smaller."""


@model("QUANTIZE", "RELU", "RELU6", "RELU_N1_TO_1")
class RescaleModel(Model):
    """codes = requantize(x - x_zero) in the vector engine's 32 bits."""

    def __init__(self, net: Network, node: Node, numerics: Numerics, bias: str) -> None:
        super().__init__(net, node, numerics, bias)
        plain = node.op == "QUANTIZE"
        p = rescale_params(net, node) if plain else clamp_params(net, node)
        before, after = quant_of(net.values[node.inputs[0]]), quant_of(net.results(node)[0])
        real = before.scale.astype(np.float64) / after.scale.astype(np.float64)
        ends = fake_clamp(net, node, "NONE" if plain else node.op), (p.lo, p.hi)
        self.in_zero = p.in_zero
        self.scaling = Scaling(p.scheme, p.requant, real, int(after.zero_point[0]), p.out_zero, *ends)
        wraps = (Mechanism.OVERFLOW,) if self.scaling.wraps(_REACH) else ()
        clamps = (Mechanism.CLAMP,) if ends[0] != ends[1] else ()
        self.mechanisms = (*self.scaling.stages, *wraps, *clamps)

    def bind(self, operands: Sequence[Array | None]) -> Bound:
        """Subtract the zero point."""
        return _BoundRescale(self, np.asarray(operands[0]))


class _BoundRescale(Bound):
    def __init__(self, owner: RescaleModel, x: Array) -> None:
        self.owner, self.x = owner, x

    def codes(self, on: On, index: Index = None) -> Array:
        """Rescale."""
        acc = places(self.x, index).astype(np.int64) - self.owner.in_zero
        return self.owner.scaling.codes(acc[:, None], on).reshape(-1)
