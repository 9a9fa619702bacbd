"""Layer-to-layer reuse: which tensors live in the activation scratchpad as a whole, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim.lowering.allocate import DRAM_ALIGNMENT, Request, align, allocate
from fxsim.lowering.base import Homes
from fxsim.lowering.memory import is_alias, lifetimes, owners
from fxsim.lowering.tiling import Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fxsim.graph import Network, Node
    from fxsim.hw import Timing

TILE_SHARE = 8
"""A layer with operands or results in DRAM keeps at least one part in so many of the scratchpad for their tiles."""


@dataclass(frozen=True, slots=True)
class Residency:
    """The plan of one network.

    Attributes
    ----------
    addresses
        Activation scratchpad address by value id; values that are not in it live in DRAM.
    rooms
        Per node, the activation scratchpad bytes above all resident tensors.
    """

    addresses: dict[int, int]
    rooms: tuple[Span, ...]

    def homes(self, net: Network, number: int) -> Homes:
        """Homes of the operands and the result of node `number`."""
        node = net.nodes[number]
        operands = tuple(self.addresses.get(value) for value in node.inputs)
        return Homes(operands, self.addresses.get(node.outputs[0]), self.rooms[number])

    def dram_saved(self, net: Network, node: Node) -> int:
        """DRAM bytes in whole bursts that resident operands and results spare a node, each tensor once."""
        touched = () if is_alias(node) else {*node.inputs, *node.outputs}
        sizes = (net.values[value].type.nbytes for value in touched if value in self.addresses)
        return sum(align(size, DRAM_ALIGNMENT) for size in sizes)

    def users(self, net: Network, number: int) -> set[int]:
        """Roots of the resident tensors that node `number` reads, writes, or leaves less room for."""
        owner, spans = owners(net), lifetimes(net, owners(net))
        roots = {owner[value] for value in self.addresses}
        return {root for root in roots if spans[root][0] <= number + 1 <= spans[root][1]}


def plan_residency(net: Network, timing: Timing, banned: Iterable[int] = ()) -> Residency:
    """Choose the tensors that stay in the scratchpad from their producer to their last consumer.

    Tensors between layers only: the network's inputs and outputs are in DRAM. Short lives come first, then large
    tensors; one is taken if it fits beside those already taken and every layer keeps room for its tiles.

    Parameters
    ----------
    net, timing
        The network; the hardware's timing, whose `layer_reuse` may be off.
    banned
        Value ids of tensors that must not be taken.
    """
    owner = owners(net)
    spans = lifetimes(net, owner)
    planner = _Planner(net, timing.act_spad_bytes, owner, spans)
    if timing.layer_reuse == "on":
        for root in sorted(planner.eligible(set(banned)), key=lambda r: _rank(net, spans, r)):
            planner.offer(root)
    return planner.result()


def _rank(net: Network, spans: dict[int, tuple[int, int]], root: int) -> tuple[int, int, int]:
    first, last = spans[root]
    return last - first, -net.values[root].type.nbytes, first


class _Planner:
    """The tensors taken so far, and where they stand."""

    def __init__(self, net: Network, capacity: int, owner: dict[int, int], spans: dict[int, tuple[int, int]]) -> None:
        self.net, self.capacity, self.owner, self.spans = net, capacity, owner, spans
        self.taken: list[int] = []
        self.addresses: dict[int, int] = {}
        self.tops = [0] * len(net.nodes)

    def eligible(self, banned: set[int]) -> list[int]:
        """Roots that a node computes and that no output of the network shares."""
        outside = {self.owner[value] for value in (*self.net.inputs, *self.net.outputs)} | banned
        return [root for root in set(self.owner.values()) if root not in outside]

    def offer(self, root: int) -> None:
        """Take `root` if everything still fits."""
        taken = [*self.taken, root]
        requests = [Request(self.net.values[r].type.nbytes, *self.spans[r]) for r in taken]
        addresses = dict(zip(taken, allocate(requests).addresses, strict=True))
        tops = [self._top(addresses, step) for step in range(1, len(self.net.nodes) + 1)]
        if all(
            top + self._needed(node, addresses) <= self.capacity for node, top in zip(self.net.nodes, tops, strict=True)
        ):
            self.taken, self.addresses, self.tops = taken, addresses, tops

    def result(self) -> Residency:
        """The plan, aliases included."""
        addresses = {value: self.addresses[root] for value, root in self.owner.items() if root in self.addresses}
        return Residency(addresses, tuple(Span(top, self.capacity) for top in self.tops))

    def _top(self, addresses: dict[int, int], step: int) -> int:
        """First address above the tensors that live in `step`."""
        live = (r for r in addresses if self.spans[r][0] <= step <= self.spans[r][1])
        return max((addresses[r] + self.net.values[r].type.nbytes for r in live), default=0)

    def _needed(self, node: Node, addresses: dict[int, int]) -> int:
        """Room for the tiles of operands and results in DRAM."""
        moved = {self.owner[v] for v in (*node.inputs, *node.outputs) if v in self.owner} - set(addresses)
        size = 0 if is_alias(node) else sum(self.net.values[r].type.nbytes for r in moved)
        return min(size, self.capacity // TILE_SHARE)
