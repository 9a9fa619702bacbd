"""Layer-to-layer reuse: which tensors live in the activation scratchpad as a whole, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim.lowering.allocate import DRAM_ALIGNMENT, Request, align, allocate
from fxsim.lowering.base import LOWERINGS, Homes
from fxsim.lowering.memory import is_alias, lifetimes, owners
from fxsim.lowering.tiling import Span
from fxsim.lowering.windows import EXTENT_LIMIT

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

    Tensors between layers only: the network's inputs and outputs are in DRAM, and so are images that are too wide or
    high for the instructions that read them. Short lives come first, then large tensors; one is taken if it fits
    beside those already taken and every layer keeps room for its tiles.

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


def _fits_fields(net: Network, node: Node) -> bool:
    """Whether the node's instructions can hold the extents of a whole image of its first operand."""
    window = LOWERINGS[node.op].window
    if window is None:
        return True
    seen = window(net, node)
    return max(seen.in_h, seen.in_w) <= EXTENT_LIMIT


class _Planner:
    """The tensors taken so far, and where they stand."""

    def __init__(self, net: Network, capacity: int, owner: dict[int, int], spans: dict[int, tuple[int, int]]) -> None:
        self.net, self.capacity, self.owner, self.spans = net, capacity, owner, spans
        self.sizes = {root: net.values[root].type.nbytes for root in spans}
        self.addresses: dict[int, int] = {}
        self.tops = [0] * len(net.nodes)
        self.touched = [self._touched(node) for node in net.nodes]

    def eligible(self, banned: set[int]) -> list[int]:
        """Roots that a node computes, that no output of the network shares and that every reader can address."""
        too_large = [node.inputs[0] for node in self.net.nodes if not _fits_fields(self.net, node)]
        outside = {self.owner[value] for value in (*self.net.inputs, *self.net.outputs, *too_large)} | banned
        return [root for root in set(self.owner.values()) if root not in outside]

    def offer(self, root: int) -> None:
        """Take `root` if everything still fits."""
        taken = [*self.addresses, root]
        requests = [Request(self.sizes[r], *self.spans[r]) for r in taken]
        addresses = dict(zip(taken, allocate(requests).addresses, strict=True))
        tops = self._tops(addresses)
        needed = (self._needed(roots, addresses) for roots in self.touched)
        if all(top + room <= self.capacity for top, room in zip(tops, needed, strict=True)):
            self.addresses, self.tops = addresses, tops

    def result(self) -> Residency:
        """The plan, aliases included."""
        addresses = {value: self.addresses[root] for value, root in self.owner.items() if root in self.addresses}
        return Residency(addresses, tuple(Span(top, self.capacity) for top in self.tops))

    def _tops(self, addresses: dict[int, int]) -> list[int]:
        """Per node, the first address above the tensors that live while it runs."""
        tops = [0] * len(self.net.nodes)
        for root, start in addresses.items():
            end, (first, last) = start + self.sizes[root], self.spans[root]
            tops[first - 1 : last] = [max(top, end) for top in tops[first - 1 : last]]
        return tops

    def _touched(self, node: Node) -> set[int]:
        """Roots that a node's instructions read or write."""
        values = () if is_alias(node) else (*node.inputs, *node.outputs)
        return {self.owner[value] for value in values if value in self.owner}

    def _needed(self, touched: set[int], addresses: dict[int, int]) -> int:
        """Room for the tiles of operands and results in DRAM."""
        size = sum(self.sizes[root] for root in touched if root not in addresses)
        return min(size, self.capacity // TILE_SHARE)
