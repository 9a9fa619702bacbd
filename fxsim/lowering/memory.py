"""Where tensors live in DRAM, and how long each stays intact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.isa import DRAM, Space, Symbol, regions
from fxsim.lowering.allocate import DRAM_ALIGNMENT, Request, allocate
from fxsim.lowering.base import LOWERINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.graph import Network, Node
    from fxsim.hw import Timing
    from fxsim.isa import Columns

    Layers = NDArray[np.int32]
    Symbols = tuple[Symbol, ...]


@dataclass(frozen=True, slots=True)
class TensorMap:
    """Addresses of all values that are no constants, by value id.

    Attributes
    ----------
    dram
        DRAM addresses.
    act
        Activation scratchpad addresses of the values that live there instead.
    end
        The end of DRAM.
    """

    dram: dict[int, int]
    act: dict[int, int]
    end: int


def place_tensors(net: Network, base: int, resident: dict[int, int]) -> TensorMap:
    """Allocate DRAM from `base` on for all but the `resident` tensors; those that never live together share bytes.

    An input lives from the start, an output to the end. The results of aliases are their operands' bytes.
    """
    owner = owners(net)
    roots = sorted({root for value, root in owner.items() if value not in resident})
    spans = lifetimes(net, owner)
    requests = [Request(net.values[root].type.nbytes, *spans[root]) for root in roots]
    placed = allocate(requests, base=base, alignment=DRAM_ALIGNMENT)
    at = dict(zip(roots, placed.addresses, strict=True))
    return TensorMap({value: at[root] for value, root in owner.items() if root in at}, resident, placed.end)


def make_symbols(net: Network, tensors: TensorMap, program: Columns, layer_of: Layers, array: Timing) -> Symbols:
    """Make a symbol per tensor, inputs first, then in the order of their nodes.

    Parameters
    ----------
    net, tensors
        The network and its memory map.
    program, layer_of
        The program in its final order, and the layer of each instruction: int32 [n].
    array
        The hardware's timing: PE rows and columns.
    """
    owner = owners(net)
    writer = {value: layer for layer, node in enumerate(net.nodes) for value in node.outputs}
    written = [value for node in net.nodes for value in node.outputs]
    touched = regions(program, array.rows, array.cols)
    symbols = []
    for value in (*net.inputs, *written):
        resident = value in tensors.act
        start = tensors.act[value] if resident else tensors.dram[value]
        low, high = touched["write", Space.ACT if resident else DRAM]
        hits = np.flatnonzero((low < start + net.values[value].type.nbytes) & (high > start))
        own = hits[layer_of[hits] == writer.get(owner[value], -1)]
        ready = int(own[-1]) + 1 if own.size else 0
        later = hits[hits >= ready]
        until = int(later[0]) if later.size else len(program)
        symbols.append(_symbol(net, value, start, resident, (ready, until)))
    return tuple(symbols)


def owners(net: Network) -> dict[int, int]:
    """Map every value that is no constant to the value whose bytes it shares (itself, but for results of aliases)."""
    owner = {value: value for value in net.inputs}
    for node in net.nodes:
        shared = owner[node.inputs[0]] if is_alias(node) else None
        owner.update({value: value if shared is None else shared for value in node.outputs})
    return owner


def lifetimes(net: Network, owner: dict[int, int]) -> dict[int, tuple[int, int]]:
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


def is_alias(node: Node) -> bool:
    """Whether a node's result is its first operand's bytes."""
    return LOWERINGS[node.op].alias


def _kind(net: Network, value: int) -> str:
    if value in net.inputs:
        return "input"
    return "output" if value in net.outputs else "tensor"


def _symbol(net: Network, value: int, address: int, resident: bool, span: tuple[int, int]) -> Symbol:
    kind, memory = net.values[value].type, "ACT" if resident else "DRAM"
    quant = kind.quant
    scale = () if quant is None else tuple(float(s) for s in quant.scale)
    zero_point = () if quant is None else tuple(int(z) for z in quant.zero_point)
    axis = None if quant is None else quant.axis
    return Symbol(
        net.values[value].name,
        address,
        kind.shape,
        kind.dtype.value,
        scale,
        zero_point,
        axis,
        _kind(net, value),
        *span,
        memory,
    )
