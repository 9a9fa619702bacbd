"""Widths of accumulators that are theorems, channel by channel: by types, by weight norms, by exact signed sums.

All widths are signed, computed on integers, and hold for every input of the layer. Those of A2Q (Colbert et al., ICCV
2023) are the published formulas: they know neither bias nor zero points, and stand beside the theorems only.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.analysis.exact import mac_nodes
from fxsim.analysis.reach import Reach, applications, layer_reach
from fxsim.numerics import signed_widths
from fxsim.ops import layer_numerics, mac_params

if TYPE_CHECKING:
    from fxsim.graph import DType, Network
    from fxsim.hw import Numerics
    from fxsim.ops import Layers, MacParams

Ints = NDArray[np.int64]

_FINAL_ONLY = ("wrap", "readout")
"""Overflow rules whose result is right whenever the final sum fits."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerBounds:
    """Signed widths in bits of one layer's accumulators, int64 [N] over its output channels.

    Attributes
    ----------
    node, name, op, depth
        Number, name and operator of the node; K, products per output.
    overflow
        Overflow rule of the layer: it says which of the two widths of a bound is needed.
    type
        K products of extremes of the operand types, and the bias as loaded.
    a2q_type
        A2Q's data-type bound: no bias, operands up to 2**bits in magnitude.
    l1
        Norm of the actual weights times the greatest operand magnitude, and the bias's magnitude.
    a2q_l1
        A2Q's norm bound: no bias, no zero points.
    exact
        What the actual weights, zero points, bias, padding, groups and order reach with free input codes.
    """

    node: int
    name: str
    op: str
    depth: int
    overflow: str
    type: Ints
    a2q_type: Ints
    l1: Ints
    a2q_l1: Ints
    exact: Reach

    @property
    def exact_wrap(self) -> Ints:
        """Width for the final sum: wrap, readout."""
        return self.exact.final_bits

    @property
    def exact_saturate(self) -> Ints:
        """Width for every prefix: saturate, trap, and the internal register of readout if it must never wrap."""
        return self.exact.every_bits

    @property
    def group_bits(self) -> Ints:
        """Width for the prefix after each rule application, int64 [A, N]; rows of `fxsim.analysis.applications`."""
        return self.exact.bits


def layer_bounds(net: Network, numerics: Numerics, *, layers: Layers | None = None) -> list[LayerBounds]:
    """Bounds of every layer with accumulators, in execution order.

    Parameters
    ----------
    net
        A network that `fxsim.ops.validate` accepts.
    numerics
        Groups, order, parts, zero-point mode and overflow rule; the accumulator width itself bounds nothing.
    layers
        Numerics that differ in single layers, as for `fxsim.lower`.

    Raises
    ------
    LoweringError
        `layers` names no layer, operands exceed the hardware's widths, a sum could leave 63 bits.
    """
    rules = layer_numerics(net, numerics, layers or {})
    return [_bounds(net, number, rules[number]) for number in mac_nodes(net)]


def _bounds(net: Network, number: int, rule: Numerics) -> LayerBounds:
    node = net.nodes[number]
    params = mac_params(net, node, dataclasses.replace(rule, bias_policy="apply"))
    x, w = (net.values[i].type.dtype for i in node.inputs[:2])
    norms = np.abs(params.stream).sum(axis=0)
    depth = len(params.stream)
    free = np.ones(params.window.channels, np.int64)
    return LayerBounds(
        number,
        node.name,
        node.op,
        depth,
        rule.overflow,
        type=_type_widths(params, rule, w),
        a2q_type=a2q_widths([depth << (_bits(w) - 1)] * params.channels, x),
        l1=_l1_widths(params, norms),
        a2q_l1=a2q_widths(norms.tolist(), x),
        exact=layer_reach(params, rule, free * params.x_lo, free * params.x_hi),
    )


def _bits(dtype: DType) -> int:
    return 8 * dtype.numpy.itemsize


def _operand_range(params: MacParams) -> tuple[int, int]:
    offset = 0 if params.fold else params.x_zero
    return params.x_lo - offset, params.x_hi - offset


def _type_widths(params: MacParams, rule: Numerics, weight: DType) -> Ints:
    """Width for every prefix of K products of extremes; a weight may be 0, so that longer sums reach further."""
    ends = [np.array([weight.lo, weight.hi])[:, None] - params.w_zero]
    products = np.concatenate([end * x for end in ends for x in _operand_range(params)])
    first, last, bias = applications(len(params.stream), rule).T
    low, high = (
        (last - first)[:, None] * end + bias[:, None] * params.initial
        for end in (products.min(axis=0), products.max(axis=0))
    )
    return Reach(low, high).every_bits


def _l1_widths(params: MacParams, norms: Ints) -> Ints:
    reach = norms * max(map(abs, _operand_range(params))) + np.abs(params.initial)
    return signed_widths(-reach, reach)


def a2q_widths(norms: list[int], input_type: DType) -> Ints:
    """A2Q's widths: smallest P with norm * 2**(N - s) <= 2**(P - 1) - 1, for N-bit inputs, s = 1 if they are signed.

    A norm is sum(abs(w)), or by types alone K * 2**(M - 1) of M-bit weights. Source: Colbert et al., "A2Q", ICCV 2023,
    arXiv 2308.13504, equations of the data-type bound and of the norm bound, in integers.
    """
    bits = _bits(input_type) - (input_type.lo < 0)
    return np.array([max(2, (norm << bits).bit_length() + 1) for norm in norms], np.int64)
