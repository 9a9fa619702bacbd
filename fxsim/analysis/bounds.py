"""Widths of accumulators that are theorems, channel by channel: by types, by weight norms, by exact signed sums.

All widths are signed, computed on integers, and hold for every input of the layer. Those of A2Q (Colbert et al., ICCV
2023) are the published formulas: they know neither bias nor zero points, and stand beside the theorems only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxsim._core.errors import InputError
from fxsim.analysis.ranges import CodeRange, mac_range, result_range
from fxsim.analysis.reach import Reach, applications, inner_reach, layer_reach
from fxsim.numerics import signed_widths
from fxsim.ops import MAC_OPERATORS, layer_numerics, mac_params

if TYPE_CHECKING:
    from fxsim.graph import DType, Network, Value
    from fxsim.hw import Numerics
    from fxsim.ops import Layers, MacParams

Ints = NDArray[np.int64]
Ranges = Mapping[str, tuple[ArrayLike, ArrayLike]]
"""Least and greatest codes by tensor name."""


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
    operand, propagated
        Range of the input codes for any input of the network, by channel, and what is reached with it. Upstream layers
        that could overflow count with their whole clamp range: nothing is assumed.
    calibrated
        What is reached with the ranges given by hand: observed, no proof. None where the input has none.
    inner
        Width at which the inner accumulator spills exact sums, for inputs in `operand`; None without such a stage.
    inner_fits
        Whether the stage has that width in every channel, or there is none: else no outer width makes outputs exact.
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
    operand: CodeRange
    propagated: Reach
    calibrated: Reach | None
    inner: Ints | None
    inner_fits: bool

    @property
    def exact_wrap(self) -> Ints:
        """Width for the final sum: wrap, readout."""
        return self.exact.final_bits

    @property
    def exact_saturate(self) -> Ints:
        """Width for every prefix: saturate, trap, and the internal register of readout if it must never wrap."""
        return self.exact.every_bits

    @property
    def propagated_wrap(self) -> Ints:
        """As `exact_wrap`, for inputs that the network can produce by `operand`."""
        return self.propagated.final_bits

    @property
    def propagated_saturate(self) -> Ints:
        """As `exact_saturate`, for inputs that the network can produce by `operand`."""
        return self.propagated.every_bits

    @property
    def group_bits(self) -> Ints:
        """Width for the prefix after each rule application, int64 [A, N]; rows of `fxsim.analysis.applications`."""
        return self.exact.bits

    @property
    def proved(self) -> int:
        """Width at which the layer computes every output exactly, whatever the network's input, if `inner_fits`."""
        return int(self.propagated.bits_for(self.overflow).max())


def layer_bounds(
    net: Network, numerics: Numerics, *, layers: Layers | None = None, ranges: Ranges | None = None
) -> list[LayerBounds]:
    """Bounds of every layer with accumulators, in execution order.

    Parameters
    ----------
    net
        A network that `fxsim.ops.validate` accepts.
    numerics
        Groups, order, parts, zero-point mode and overflow rule. The accumulator width matters to `propagated` only: a
        layer that can overflow passes its whole clamp range on.
    layers
        Numerics that differ in single layers, as for `fxsim.lower`.
    ranges
        Least and greatest code of tensors by name, as observed on data; integers, or one per index of the last axis.

    Raises
    ------
    LoweringError
        `layers` names no layer, operands exceed the hardware's widths, a sum could leave 63 bits.
    InputError
        `ranges` names no tensor, or is no interval of its codes.
    """
    rules = layer_numerics(net, numerics, layers or {})
    observed = _observed(net, ranges or {})
    known = {i: CodeRange.of_type(net.values[i]) for i in net.inputs}
    found = []
    for number, node in enumerate(net.nodes):
        if node.op in MAC_OPERATORS:
            rule = dataclasses.replace(rules[number], bias_policy="apply")
            params = mac_params(net, node, rule)
            layer = _bounds(net, number, params, rule, known[node.inputs[0]], observed.get(node.inputs[0]))
            known[node.outputs[0]] = mac_range(params, rule, layer.propagated, layer.inner)
            found.append(layer)
        elif net.results(node)[0].type.dtype.is_integer:
            known[node.outputs[0]] = result_range(net, node, known)
    return found


def _observed(net: Network, ranges: Ranges) -> dict[int, CodeRange]:
    ids = {value.name: i for i, value in enumerate(net.values)}
    unknown = sorted(set(ranges) - set(ids))
    if unknown:
        raise InputError("ranges must be of tensors of the network", got=unknown)
    return {ids[name]: _range_of(net.values[ids[name]], *ends) for name, ends in ranges.items()}


def _range_of(value: Value, lo: ArrayLike, hi: ArrayLike) -> CodeRange:
    whole = CodeRange.of_type(value)
    low, high = (np.asarray(end) for end in (lo, hi))
    fits = all(end.dtype.kind in "iu" and end.shape in ((), whole.lo.shape) for end in (low, high))
    if not fits or (low < whole.lo).any() or (low > high).any() or (high > whole.hi).any():
        expected = f"range must be an interval of {value.type.dtype.value} codes, or one per index of the last axis"
        raise InputError(expected, got=(lo, hi), where=f"tensor {value.name!r}")
    return CodeRange(low + 0 * whole.lo, high + 0 * whole.hi)


def _bounds(
    net: Network, number: int, params: MacParams, rule: Numerics, operand: CodeRange, observed: CodeRange | None
) -> LayerBounds:
    node = net.nodes[number]
    x, w = (net.values[i].type.dtype for i in node.inputs[:2])
    norms = np.abs(params.stream).sum(axis=0)
    depth = len(params.stream)
    inner = reach_of(params, rule, operand, inner_reach).every_bits if rule.inner_bits else None
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
        exact=reach_of(params, rule, CodeRange.of_type(net.values[node.inputs[0]])),
        operand=operand,
        propagated=reach_of(params, rule, operand),
        calibrated=None if observed is None else reach_of(params, rule, observed),
        inner=inner,
        inner_fits=inner is None or int(inner.max()) <= rule.inner_bits,
    )


def reach_of(
    params: MacParams,
    rule: Numerics,
    codes: CodeRange,
    reach: Callable[[MacParams, Numerics, Ints, Ints], Reach] = layer_reach,
) -> Reach:
    """What the (inner) accumulators of a layer reach with input codes in `codes`, by channel of the input tensor."""
    own = codes.refold(params.window.channels)
    return reach(params, rule, own.lo, own.hi)


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
