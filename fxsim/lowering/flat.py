"""Element-wise vector instructions: a dense tensor in chunks of whole items through the activation scratchpad."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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

    An operand that lives in the scratchpad is read there, a result that lives there is written there.

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
    items = site.source.nbytes // item[0]
    layout = _layout(site, item, items)
    site.check_length(3 * ceil_div(items, layout.size))
    chunks = cut(Span(0, items), layout.size)

    def emit(operands: tuple[int, ...], target: int) -> Iterator[Instruction]:
        before, after = item
        for number, chunk in enumerate(chunks):
            x_addr, out_addr = layout.addresses(number, chunk)
            if layout.source is None:
                yield from load(Space.ACT, operands[0] + chunk.start * before, x_addr, chunk.size * before)
            yield compute(chunk.size, x_addr, out_addr)
            if layout.result is None:
                yield from store(target + chunk.start * after, out_addr, chunk.size * after)

    return emit


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where chunks of at most `size` items stand: in `buffers` buffers from `base` on, or in the tensors themselves."""

    item: tuple[int, int]
    source: int | None
    result: int | None
    base: int
    size: int
    held: int
    buffers: int

    def addresses(self, number: int, chunk: Span) -> tuple[int, int]:
        """Activation scratchpad addresses of a chunk's operand and result."""
        before, after = self.item
        buffer = self.base + number % self.buffers * self.size * self.held
        source = buffer if self.source is None else self.source + chunk.start * before
        behind = 0 if self.source is not None or before == after else chunk.size * before
        return source, buffer + behind if self.result is None else self.result + chunk.start * after


def _layout(site: Site, item: tuple[int, int], items: int) -> _Layout:
    source, result, room = site.homes.operands[0], site.homes.result, site.homes.room
    before, after = item
    parts = [size for size, home in ((before, source), (after, result)) if home is None]
    held = before if len(parts) == 2 and before == after else sum(parts)
    if held > room.size:
        expected = f"activation scratchpad must hold the {held} bytes of one item"
        raise HardwareError(expected, got=room.size, where=site.where)
    if not held or items * held <= room.size:
        return _Layout(item, source, result, room.start, min(items, ITEM_LIMIT), held, 1)
    buffers = 2 if site.double and 2 * held <= room.size else 1
    size = min(room.size // (buffers * held), ITEM_LIMIT)
    return _Layout(item, source, result, room.start, size, held, buffers)
