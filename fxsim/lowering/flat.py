"""Element-wise vector instructions: a dense tensor in chunks of whole items through the activation scratchpad."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from fxsim._core.errors import HardwareError
from fxsim.isa import Instruction, Space
from fxsim.lowering.tiling import Span, ceil_div, cut, load, store

if TYPE_CHECKING:
    from fxsim.lowering.base import Emit, Site

ITEM_LIMIT = (1 << 20) - 1
"""Items of one instruction; the row count of SOFTMAX is the narrowest field."""

Compute = Callable[[int, int, int], Instruction]
"""(items, activation address of the input, of the output) → instruction."""


def prepare_flat(site: Site, item: tuple[int, int], compute: Compute) -> Emit:
    """LOAD, compute, STORE for as many items at a time as the activation scratchpad holds.

    Parameters
    ----------
    site
        The node.
    item
        Bytes of one item (a code, or a row of codes that belong together) before and after.
    compute
        Makes the instruction for a chunk; it works in place where both sizes are equal.

    Raises
    ------
    HardwareError
        The scratchpad cannot hold one item.
    """
    before, after = item
    held = before if before == after else before + after
    room = site.hardware.timing.act_spad_bytes
    if held > room:
        raise HardwareError(f"activation scratchpad must hold the {held} bytes of one item", got=room, where=site.where)
    items = site.source.nbytes // before
    size = min(room // held, ITEM_LIMIT)
    site.check_length(3 * ceil_div(items, size))
    chunks = cut(Span(0, items), size)

    def emit(source: int, target: int) -> Iterator[Instruction]:
        for chunk in chunks:
            out_addr = 0 if before == after else chunk.size * before
            yield from load(Space.ACT, source + chunk.start * before, 0, chunk.size * before)
            yield compute(chunk.size, 0, out_addr)
            yield from store(target + chunk.start * after, out_addr, chunk.size * after)

    return emit
