"""What instructions touch: blocks of lines in the scratchpads and DRAM, of one instruction or of a whole program.

Every instruction class states its memory accesses once, in `touches`, in arithmetic that works on plain integers (one
instruction) and on NumPy columns (all instructions of its kind). From that follow

- `reads(instruction, rows, cols)` and `writes(...)`: byte intervals of one instruction, for tokens and hazards;
- `regions(columns, rows, cols)`: one hull per instruction, access and memory, for bounds checks.

An interval never misses a touched byte. It is exact but for these: windows with stride or dilation and the strided
input of REDUCE count as dense, a weight tile counts with its padding, and more than 64 lines with gaps become their
hull. The accumulator bank and the row files are no memory here: bank halves are ordered by `first`, `last` and REQ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from fxsim.isa.base import Instruction, Space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fxsim.isa.columns import Columns, Ints

DRAM: Literal["DRAM"] = "DRAM"
Memory = Space | Literal["DRAM"]
Interval = tuple[Memory, int, int]
"""(memory, first byte, byte after the last)."""

MEMORIES: tuple[Memory, ...] = (*Space, DRAM)
MAX_LINES = 64


class Block(NamedTuple):
    """`outer[0]` × `inner[0]` lines of `size` bytes, `outer[1]` and `inner[1]` bytes apart; nothing if a count is < 1.

    Numbers are plain integers or int64 columns; `field` names the address field of the instruction.
    """

    memory: Any
    write: bool
    field: str
    start: Any
    size: Any
    inner: tuple[Any, Any] = (1, 0)
    outer: tuple[Any, Any] = (1, 0)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """The operations of `touches` that are spelled differently for integers and for columns."""

    least: Callable[[Any, Any], Any]
    greatest: Callable[[Any, Any], Any]
    choose: Callable[[Any, Any, Any], Any]


PLAIN = Arithmetic(min, max, lambda condition, yes, no: yes if condition else no)
ARRAYS = Arithmetic(np.minimum, np.maximum, np.where)


def grid_span(first: Any, last: Any, width: Any, by: Arithmetic) -> tuple[Any, Any, Any, Any]:
    """Rows and columns (row0, row1, column0, column1) touched by cells first .. last of a row-major grid."""
    row0, row1 = first // width, last // width
    return row0, row1, by.choose(row0 == row1, first % width, 0), by.choose(row0 == row1, last % width, width - 1)


def reads(instruction: Instruction, rows: int, cols: int) -> list[Interval]:
    """Byte intervals that `instruction` reads on an array of `rows` × `cols` PEs."""
    return [
        i for block in instruction.touches(instruction, PLAIN, rows, cols) if not block.write for i in intervals(block)
    ]


def writes(instruction: Instruction, rows: int, cols: int) -> list[Interval]:
    """Byte intervals that `instruction` writes on an array of `rows` × `cols` PEs."""
    return [i for block in instruction.touches(instruction, PLAIN, rows, cols) if block.write for i in intervals(block)]


def intervals(block: Block) -> list[Interval]:
    """Return the intervals of a block of plain integers, ascending within a line of lines."""
    (inner, inner_pitch), (outer, outer_pitch) = block.inner, block.outer
    if min(inner, outer, block.size) < 1:
        return []
    if inner_pitch <= block.size or inner * outer > MAX_LINES:
        size = (inner - 1) * inner_pitch + block.size
        return _lines(block.memory, block.start, size, outer, outer_pitch)
    starts = [block.start + o * outer_pitch + i * inner_pitch for o in range(outer) for i in range(inner)]
    return [(block.memory, start, start + block.size) for start in starts]


def _lines(memory: Memory, start: int, size: int, count: int, pitch: int) -> list[Interval]:
    if pitch <= size or count > MAX_LINES:
        return [(memory, start, start + (count - 1) * pitch + size)]
    return [(memory, start + i * pitch, start + i * pitch + size) for i in range(count)]


def hull(block: Block) -> tuple[Ints, Ints]:
    """(lo, hi) columns of a block of columns; lo = hi = 0 where it touches nothing."""
    (inner, inner_pitch), (outer, outer_pitch) = block.inner, block.outer
    some = (np.minimum(inner, outer) > 0) & (block.size > 0)
    end = block.start + (outer - 1) * outer_pitch + (inner - 1) * inner_pitch + block.size
    return np.where(some, block.start, 0), np.where(some, end, 0)


def hulls(columns: Columns, cls: type[Instruction], rows: int, cols: int) -> Iterator[tuple[Block, Ints, Ints, Ints]]:
    """Every block of the instructions of class `cls`: (block, lo, hi, instruction indices).

    A block whose memory is a column (LOAD's destination) comes once per scratchpad.
    """
    table = columns.table(cls)
    for block in cls.touches(table, ARRAYS, rows, cols):
        lo, hi = hull(block)
        if isinstance(block.memory, Space | str):
            yield block, lo, hi, table.index
            continue
        for space in Space:
            chosen = block.memory == space
            yield block._replace(memory=space), lo[chosen], hi[chosen], table.index[chosen]


def regions(columns: Columns, rows: int, cols: int) -> dict[tuple[str, Memory], tuple[Ints, Ints]]:
    """Return the hull of everything each instruction touches.

    Parameters
    ----------
    columns
        The decoded program, n instructions, which has passed the checks of `Program.check`.
    rows, cols
        PE array.

    Returns
    -------
    dict
        ("read" or "write", memory) → (lo, hi), int64 [n] each, byte addresses, hi exclusive; lo = hi = 0 where nothing
        is touched.
    """
    found = {
        (access, memory): (np.zeros(len(columns), np.int64), np.zeros(len(columns), np.int64))
        for access in ("read", "write")
        for memory in MEMORIES
    }
    for cls in columns.classes():
        for block, lo, hi, index in hulls(columns, cls, rows, cols):
            _widen(found["write" if block.write else "read", block.memory], lo, hi, index)
    return found


def _widen(target: tuple[Ints, Ints], lo: Ints, hi: Ints, index: Ints) -> None:
    low, high = target
    fresh = low[index] == high[index]
    some = lo < hi
    low[index] = np.where(some, np.where(fresh, lo, np.minimum(low[index], lo)), low[index])
    high[index] = np.where(some, np.maximum(high[index], hi), high[index])
