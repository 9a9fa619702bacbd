"""Where tensors live in DRAM, and how long each stays intact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim.isa import Symbol
from fxsim.lowering.allocate import DRAM_ALIGNMENT, Request, allocate
from fxsim.lowering.base import LOWERINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node, Value


@dataclass(frozen=True, slots=True)
class TensorMap:
    """DRAM addresses of all values that are no constants, by value id, and the end of DRAM."""

    addresses: dict[int, int]
    end: int


def place_tensors(net: Network, base: int) -> TensorMap:
    """Allocate every tensor from `base` on; tensors that never live together share bytes.

    An input lives from the start, an output to the end. The results of aliases are their operands' bytes.
    """
    owner = _owners(net)
    roots = sorted(set(owner.values()))
    spans = _lifetimes(net, owner)
    requests = [Request(net.values[root].type.nbytes, *spans[root]) for root in roots]
    placed = allocate(requests, base=base, alignment=DRAM_ALIGNMENT)
    at = dict(zip(roots, placed.addresses, strict=True))
    return TensorMap({value: at[root] for value, root in owner.items()}, placed.end)


def make_symbols(net: Network, tensors: TensorMap, first_of_layer: Sequence[int]) -> tuple[Symbol, ...]:
    """Make a symbol per tensor, inputs first, then in the order of their nodes.

    Parameters
    ----------
    net, tensors
        The network and its memory map.
    first_of_layer
        Number of instructions before each node, and after the last one: [nodes + 1].
    """
    written = [(value, layer) for layer, node in enumerate(net.nodes) for value in node.outputs]
    entries = [(value, -1) for value in net.inputs] + written
    writers = [(layer, *_extent(net, tensors, value)) for value, layer in written if not _is_alias(net.nodes[layer])]
    symbols = []
    for value, layer in entries:
        start, end = _extent(net, tensors, value)
        later = (w for w, low, high in writers if w > layer and low < end and start < high)
        until = first_of_layer[next(later, len(net.nodes))]
        symbols.append(_symbol(net.values[value], start, _kind(net, value), first_of_layer[layer + 1], until))
    return tuple(symbols)


def _owners(net: Network) -> dict[int, int]:
    """Value id → value id whose bytes it shares (itself, but for results of aliases)."""
    owner = {value: value for value in net.inputs}
    for node in net.nodes:
        shared = owner[node.inputs[0]] if _is_alias(node) else None
        owner.update({value: value if shared is None else shared for value in node.outputs})
    return owner


def _lifetimes(net: Network, owner: dict[int, int]) -> dict[int, tuple[int, int]]:
    """First and last step of every owner; step 0 is before the first node, step i + 1 is node i."""
    first = dict.fromkeys(net.inputs, 0)
    last = dict.fromkeys(net.inputs, 0)
    for step, node in enumerate(net.nodes, start=1):
        for value in (*node.inputs, *node.outputs):
            if value in owner:
                first.setdefault(owner[value], step)
                last[owner[value]] = step
    for value in net.outputs:
        last[owner[value]] = len(net.nodes) + 1
    return {root: (first[root], last[root]) for root in set(owner.values())}


def _extent(net: Network, tensors: TensorMap, value: int) -> tuple[int, int]:
    start = tensors.addresses[value]
    return start, start + net.values[value].type.nbytes


def _is_alias(node: Node) -> bool:
    return LOWERINGS[node.op].alias


def _kind(net: Network, value: int) -> str:
    if value in net.inputs:
        return "input"
    return "output" if value in net.outputs else "tensor"


def _symbol(value: Value, address: int, kind: str, ready: int, until: int) -> Symbol:
    quant = value.type.quant
    scale = () if quant is None else tuple(float(s) for s in quant.scale)
    zero_point = () if quant is None else tuple(int(z) for z in quant.zero_point)
    axis = None if quant is None else quant.axis
    return Symbol(
        value.name, address, value.type.shape, value.type.dtype.value, scale, zero_point, axis, kind, ready, until
    )
