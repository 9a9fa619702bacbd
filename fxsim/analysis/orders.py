"""One layer under other orders of accumulation, side by side: order is architecture wherever a rule saturates.

Every order keeps the operands, the width and the overflow rule. Those that the instruction set expresses carry the
numerics that lower to them (MICROARCHITECTURE A.6); the per-channel permutations are analysis only: rows of a tile
share their operands, hence their order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import InputError
from fxsim._core.tables import Table
from fxsim.analysis.exact import exact_run, mac_nodes
from fxsim.numerics import bits_needed, requantize
from fxsim.ops import accumulate_outputs, accumulate_permuted, gather, mac_params, position_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.graph import Network
    from fxsim.hw import Numerics
    from fxsim.ops import Accumulated, MacParams

Ints = NDArray[np.int64]
Permutation = Callable[[Ints], Ints]
"""Weights [K, N] to, per channel, the k in the order of accumulation [K, N]."""

_PERMUTED_SHARE = 8
"""A permutation gathers K * N operands per output position: chunks hold this many times fewer positions' worth."""
_SPLITS = (2, 4, 8)
_GROUPS = (4, 16, 64)


@dataclass(frozen=True, slots=True)
class Order:
    """One order of accumulation.

    Attributes
    ----------
    name
        As printed.
    numerics
        What the sums run under.
    permutation
        None where the order follows from `numerics` alone, hence is executable.
    """

    name: str
    numerics: Numerics
    permutation: Permutation | None = None

    @property
    def executable(self) -> bool:
        """Whether instructions express the order."""
        return self.permutation is None

    def run(self, params: MacParams, x: Ints) -> Accumulated:
        """Accumulate operands `x`, as `fxsim.ops.gather` gives them."""
        if self.permutation is None:
            return accumulate_outputs(params, x, self.numerics)
        return accumulate_permuted(params, x, self.numerics, self.permutation(params.stream))


@dataclass(frozen=True, slots=True)
class OrderResult:
    """What one order does to one layer; counts are outputs over all samples.

    Attributes
    ----------
    overflowed
        Outputs with at least one overflow event, a bias load outside the range or an internal wrap.
    events
        Rule applications that left the range, those of inner accumulators included.
    acc_changed, changed
        Outputs whose accumulator, and whose OFM code, differs from the layer's own order (the first of the list).
    wrong_acc, wrong
        Outputs whose accumulator, and whose OFM code, differs from the exact one.
    bits
        Least width without overflow on these samples: every prefix of this order, the bias included.
    """

    name: str
    executable: bool
    outputs: int
    overflowed: int
    events: int
    acc_changed: int
    changed: int
    wrong_acc: int
    wrong: int
    bits: int


@dataclass(frozen=True, slots=True)
class LayerOrders:
    """The orders of one layer; the first one is the layer's own."""

    layer: int
    name: str
    op: str
    depth: int
    orders: tuple[OrderResult, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def table(self) -> Table:
        """One line per order."""
        columns = ("overflowed", "events", "acc_changed", "changed", "wrong_acc", "wrong", "bits")
        heads = ["order", "executable", "overflow outputs", "events", "acc changed", "OFM changed", "acc wrong",
                 "OFM wrong", "bits needed"]  # fmt: skip
        rows = [
            [o.name, "yes" if o.executable else "analysis only", *(getattr(o, c) for c in columns)] for o in self.orders
        ]
        outputs = self.orders[0].outputs
        title = f"Orders of layer {self.layer} {self.name!r} ({self.op}), K = {self.depth}, {outputs:,} outputs"
        return Table(title, heads, rows)


def order_plans(numerics: Numerics) -> list[Order]:
    """The layer's own order first, then what is compared with it.

    Canonical tree orders take the group size of `numerics`, or 16 where it is a chain; orders equal to an earlier one
    are left out. Only the layer's own order keeps an inner accumulator. The per-channel permutations are run in groups
    of one product.
    """
    width = numerics.group_size if numerics.reduction == "tree" else 16
    plain = dataclasses.replace(
        numerics, reduction="tree", group_size=width, order="canonical", split_k=1, bias_order="first", inner_bits=0
    )
    chain = dataclasses.replace(plain, reduction="chain", group_size=1)
    found = {
        f"as the hardware, {numerics.reduction} of {numerics.group_size}": numerics,
        f"tree of {width}": plain,
        "chain": chain,
    }
    found[f"tree of {width}, reversed"] = dataclasses.replace(plain, order="reversed")
    found["chain, reversed"] = dataclasses.replace(chain, order="reversed")
    found |= {f"tree of {size}": dataclasses.replace(plain, group_size=size) for size in _GROUPS}
    found |= {f"tree of {width}, split-K {s}": dataclasses.replace(plain, split_k=s) for s in _SPLITS}
    found[f"tree of {width}, bias last"] = dataclasses.replace(plain, bias_order="last")
    found["chain, bias last"] = dataclasses.replace(chain, bias_order="last")
    names = list(found)
    new = [name for place, name in enumerate(names) if found[name] not in [found[before] for before in names[:place]]]
    return [
        *(Order(name, found[name]) for name in new),
        Order("chain, negative weights first", chain, _negative_first),
        Order("chain, signs in turn", chain, _signs_in_turn),
    ]


def _negative_first(weights: Ints) -> Ints:
    """Sorted by sign: negative, zero, positive weights, each in canonical order."""
    return np.argsort(np.sign(weights), axis=0, kind="stable")


def _signs_in_turn(weights: Ints) -> Ints:
    """A negative and a positive weight in turn, the largest magnitudes first; the surplus of one sign last."""
    by_size = np.argsort(-np.abs(weights), axis=0, kind="stable")
    sizes = np.take_along_axis(weights, by_size, axis=0)
    negative = sizes < 0
    rank = np.where(negative, 2 * np.cumsum(negative, axis=0), 2 * np.cumsum(~negative, axis=0) + 1)
    return np.take_along_axis(by_size, np.argsort(rank, axis=0, kind="stable"), axis=0)


def compare_orders(
    net: Network, x: object, numerics: Numerics, *, layers: list[int] | None = None
) -> list[LayerOrders]:
    """Run every MAC layer, on the exact IFM, under each of `order_plans`.

    Parameters
    ----------
    net, x
        As for `fxsim.golden`.
    numerics
        Width, overflow rule and own order; a bias outside the accumulator is loaded through the rule.
    layers
        Numbers of the nodes to compare; None: every one with accumulators.

    Raises
    ------
    InputError
        `x` does not fit, or `layers` has a node without accumulators.
    LoweringError
        A sum fits no accumulator.
    """
    wanted = mac_nodes(net) if layers is None else layers
    foreign = sorted(set(wanted) - set(mac_nodes(net)))
    if foreign:
        raise InputError("layers must be numbers of nodes with accumulators", got=foreign)
    tensors, bits = exact_run(net, x, numerics)
    own = dataclasses.replace(numerics, bias_policy="apply")
    plans = order_plans(own)
    return [_compare(net, number, tensors[net.values[net.nodes[number].inputs[0]].name], plans, bits)
            for number in wanted]  # fmt: skip


def _compare(net: Network, number: int, ifm: NDArray[np.generic], plans: list[Order], wide: int) -> LayerOrders:
    node = net.nodes[number]
    params = mac_params(net, node, plans[0].numerics)
    tallies = [_Tally(params, plan) for plan in plans]
    for x in _operands(params, ifm):
        own = plans[0].run(params, x)
        right = _codes(params, own.exact, wide)
        for tally in tallies:
            tally.add(x, own, right)
    return LayerOrders(number, node.name, node.op, len(params.stream), tuple(tally.result() for tally in tallies))


def _operands(params: MacParams, ifm: NDArray[np.generic]) -> Iterator[Ints]:
    window = params.window
    images = ifm.reshape(-1, window.in_h, window.in_w, window.channels)
    width = -(-params.stream.size // _PERMUTED_SHARE)
    for rows in position_chunks(len(images) * window.positions, width):
        yield gather(params, images, rows)


class _Tally:
    """Counts of one order over the chunks of one layer."""

    def __init__(self, params: MacParams, plan: Order) -> None:
        self.params, self.plan = params, plan
        self.counts = dict.fromkeys(
            ("outputs", "overflowed", "events", "acc_changed", "changed", "wrong_acc", "wrong"), 0
        )
        self.low = self.high = 0

    def add(self, x: Ints, own: Accumulated, right: Ints) -> None:
        """Count operands `x`, beside the layer's own order and the exact codes."""
        bits = self.plan.numerics.acc_bits
        found = self.plan.run(self.params, x)
        codes, own_codes = _codes(self.params, found.value, bits), _codes(self.params, own.value, bits)
        self.low, self.high = min(self.low, int(found.low.min())), max(self.high, int(found.high.max()))
        seen = {
            "outputs": np.ones_like(codes),
            "overflowed": found.events + found.inner_events + found.wraps + found.bias_left,
            "events": found.events + found.inner_events,
            "acc_changed": found.value != own.value,
            "changed": codes != own_codes,
            "wrong_acc": found.value != found.exact,
            "wrong": codes != right,
        }
        for name, marks in seen.items():
            self.counts[name] += int(marks.sum() if name == "events" else np.count_nonzero(marks))

    def result(self) -> OrderResult:
        return OrderResult(self.plan.name, self.plan.executable, **self.counts, bits=bits_needed(self.low, self.high))


def _codes(params: MacParams, acc: Ints, bits: int) -> Ints:
    return requantize(
        acc, params.requant, params.scheme, zero=params.out_zero, lo=params.clamp_lo, hi=params.clamp_hi, acc_bits=bits
    )
