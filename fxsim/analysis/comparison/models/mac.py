"""CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED: sums, bias, the accumulator's rule, requantization."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fxsim.analysis.comparison.mechanisms import Mechanism
from fxsim.analysis.comparison.models.base import Bound, Model, fake_clamp, model, places
from fxsim.analysis.comparison.models.scaling import Scaling
from fxsim.analysis.mac_sums import MacSums
from fxsim.numerics import Affine, Overflow, overflow_array
from fxsim.ops import MAC_OPERATORS, mac_params, quant_of
from fxsim.oracle import real_bias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fxsim.analysis.comparison.models.base import Array, Index, Ints, On, Reals
    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics


@model(*MAC_OPERATORS)
class MacModel(Model):
    """acc = sum (w - w_zero) * (x - x_zero) + bias; codes = requantize(acc)."""

    def __init__(self, net: Network, node: Node, numerics: Numerics, bias: str) -> None:
        super().__init__(net, node, numerics, bias)
        self.params = p = mac_params(net, node, numerics)
        x, w, y = (net.values[i] for i in (*node.inputs[:2], node.outputs[0]))
        unit = np.float64(quant_of(x).scale[0]) * quant_of(w).scale.astype(np.float64)
        real = unit / np.float64(quant_of(y).scale[0])
        ends = fake_clamp(net, node, node.attrs.activation), (p.clamp_lo, p.clamp_hi)
        self.scaling = Scaling(p.scheme, p.requant, real, p.out_zero, p.out_zero, *ends, numerics.acc_bits)
        self.real_bias = _bias_in_units(net, node, unit, bias)
        self.load = _load_deviation(p.initial, numerics)
        self.sums = MacSums(p, numerics)
        self.mechanisms = tuple(self._mechanisms())

    def _mechanisms(self) -> Iterator[Mechanism]:
        yield from self.scaling.stages
        if not np.array_equal(self.real_bias, self.params.bias):
            yield Mechanism.BIAS
        if self.load.any():
            yield Mechanism.FOLD
        if self.sums.overflows or self.scaling.wraps(self.sums.reach):
            yield Mechanism.OVERFLOW
        if self.scaling.fake != self.scaling.exact:
            yield Mechanism.CLAMP

    def bind(self, operands: Sequence[Array | None]) -> Bound:
        """Work the exact sums out."""
        x = operands[0]
        assert x is not None  # a checked node has its operand
        return _BoundMac(self, x)


class _BoundMac(Bound):
    """Sums [positions, channels] of some samples."""

    def __init__(self, owner: MacModel, x: Array) -> None:
        self.owner = owner
        g = owner.params.window
        self.images = x.reshape(-1, g.in_h, g.in_w, g.channels)
        self.sums = owner.sums.exact(self.images)

    def codes(self, on: On, index: Index = None) -> Array:
        """Accumulators, then the scaling."""
        owner, channels = self.owner, self.sums.shape[1]
        if index is None:
            sums, channel, scaling = self.sums, np.arange(channels), owner.scaling
        else:
            sums, channel = self.sums.reshape(-1)[index], index % channels
            scaling = owner.scaling.take(channel)
        real = Mechanism.BIAS in owner.mechanisms and Mechanism.BIAS not in on
        acc = sums + (owner.real_bias if real else owner.params.bias)[channel]
        if Mechanism.FOLD in on:
            acc = acc + owner.load[channel]
        if Mechanism.OVERFLOW in on and owner.sums.overflows:
            acc = acc + places(self.deviation, index).reshape(acc.shape)
        return scaling.codes(acc, on).reshape(-1)

    @cached_property
    def deviation(self) -> Ints:
        """What the machine's accumulators have more than the exact sums, beside what the load of the bias loses."""
        owner = self.owner
        return owner.sums.accumulators(self.images) - self.sums - owner.params.bias - owner.load


def _bias_in_units(net: Network, node: Node, unit: Reals, bias: str) -> Reals:
    """The bias of fake quantization in steps of the accumulator: whole numbers on the grid."""
    if len(node.inputs) < 3 or node.inputs[2] < 0:
        return np.zeros(net.results(node)[0].type.shape[-1])
    real = real_bias(net, node, "float")
    if bias == "float":
        return real.astype(np.float64) / unit
    x, w = (net.values[i] for i in node.inputs[:2])
    steps = np.broadcast_to(quant_of(x).scale[0] * quant_of(w).scale, real.shape)
    return Affine(steps, 0, axis=0).fake_codes(real, np.int32).astype(np.float64)


def _load_deviation(initial: Ints, numerics: Numerics) -> Ints:
    """What loading the folded bias loses in a saturating accumulator; where the rule is modular, nothing by itself."""
    if numerics.zero_point != "fold" or numerics.bias_order != "first" or numerics.overflow not in ("saturate", "trap"):
        return np.zeros_like(initial)
    return overflow_array(initial, numerics.acc_bits, Overflow.SATURATE, numerics.acc_bits) - initial
