"""The pass that orders the engines: the fewest tokens under which no instruction meets data that is not ready.

What an instruction knows at its issue is kept as a clock: per unit, the index of the last instruction that has
certainly completed. An engine issues in order, so its clock only grows; a token adds everything its producer's
completion implies. A dependency that the clock already covers needs no token.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from fxsim._core.errors import LoweringError
from fxsim.isa import Columns, Engine, Mac, Merge, Req, Semaphore, Space, Unit
from fxsim.lowering.accesses import Access, units
from fxsim.lowering.intervals import IntervalMap

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = tuple[Space, bool, Unit]
"""Where, whether written, by whom."""
Clock = tuple[int, int, int, int]
"""Per `Unit`, the index of the last instruction known complete; -1 if none is."""
NEVER: Clock = (-1, -1, -1, -1)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Masks of semaphores, one per instruction (`Instruction.pops`, `Instruction.pushes`)."""

    pops: list[int]
    pushes: list[int]


def place_tokens(columns: Columns, touched: Sequence[list[Access]]) -> Tokens:
    """Find the tokens of a program in file order that carries none.

    Parameters
    ----------
    columns
        The program.
    touched
        Its scratchpad accesses (`fxsim.lowering.accesses`).

    Raises
    ------
    LoweringError
        A REQ would overwrite what a MAC between it and the MAC that filled its half reads: no token orders these two.
    """
    placer = _Placer(columns)
    for index, accessed in enumerate(touched):
        placer.add(index, accessed)
    return Tokens(placer.pops, placer.pushes)


@cache
def semaphore(producer: Unit, consumer: Engine) -> Semaphore:
    """Return the semaphore that `producer` pushes and `consumer` pops."""
    return Semaphore[f"{producer.name}_{consumer.name}"]


class _Placer:
    """State of the pass: clocks, the last access of every unit to every byte, and the masks found so far."""

    def __init__(self, columns: Columns) -> None:
        self.pops = [0] * len(columns)
        self.pushes = [0] * len(columns)
        engines = {unit: unit.engine for unit in Unit}
        self._unit = units(columns)
        self._engine = [engines[unit] for unit in self._unit]
        self._filled_by = _filled_by(columns)
        self._at_issue = [NEVER] * len(columns)
        self._clock = dict.fromkeys(Engine, NEVER)
        kinds = [(space, write, unit) for space in Space for write in (False, True) for unit in Unit]
        self._last = {kind: _LastAccess(kind[2]) for kind in kinds}
        self._against = {kind: [self._last[other] for other in kinds if _conflict(kind, other)] for kind in kinds}

    def add(self, index: int, touched: list[Access]) -> None:
        """Place the tokens of one instruction and note what it touches."""
        unit, engine = self._unit[index], self._engine[index]
        clock = self._clock[engine]
        needed = self._needed(unit, touched, clock)
        if needed:
            for producer in sorted(needed, key=needed.__getitem__, reverse=True):
                if needed[producer] > clock[producer]:
                    clock = self._wait(index, producer, needed[producer], clock)
        self._clock[engine] = self._at_issue[index] = clock
        for space, write, start, end in touched:
            self._last[space, write, unit].note(start, end, index)

    def _needed(self, unit: Unit, touched: list[Access], clock: Clock) -> dict[Unit, int]:
        """Per other unit, its last instruction that conflicts with `touched` and is not known to be complete."""
        needed: dict[Unit, int] = {}
        for space, write, start, end in touched:
            for last in self._against[space, write, unit]:
                other = last.unit
                if last.index > clock[other]:
                    needed[other] = max(needed.get(other, -1), last.over(start, end))
        return needed

    def _wait(self, index: int, producer: Unit, on: int, clock: Clock) -> Clock:
        if self._unit[index] is Unit.REQ and producer is Unit.MAC:
            if on > self._filled_by[index]:
                raise LoweringError(
                    f"a REQ must not overwrite what MAC {on}, issued after its half was full, reads",
                    where=f"instruction {index}",
                )
            return clock
        bit = 1 << semaphore(producer, self._engine[index])
        self.pops[index] |= bit
        self.pushes[on] |= bit
        return _later(clock, self._completion(on))

    def _completion(self, index: int) -> Clock:
        """Return what the completion of instruction `index` implies."""
        clock = list(self._at_issue[index])
        clock[self._unit[index]] = index
        if self._unit[index] is Unit.REQ:
            clock[Unit.MAC] = max(clock[Unit.MAC], self._filled_by[index])
        return clock[0], clock[1], clock[2], clock[3]


def _conflict(kind: Kind, other: Kind) -> bool:
    """Whether accesses of two kinds to common bytes must be ordered by tokens."""
    return kind[0] is other[0] and kind[2] is not other[2] and (kind[1] or other[1])


class _LastAccess:
    """One unit's reads or writes of one scratchpad: per byte and overall, the index of the last instruction."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.index = -1
        self._bytes = IntervalMap(-1)
        self._asked: dict[tuple[int, int], int] = {}

    def note(self, start: int, end: int, index: int) -> None:
        """Instruction `index`, later than all before, touches [start, end)."""
        self.index = index
        self._bytes.assign(start, end, index)
        self._asked.clear()

    def over(self, start: int, end: int) -> int:
        """Find the last instruction that touches any byte of [start, end); -1 if there is none."""
        asked = start, end
        if asked not in self._asked:  # MACs of one weight tile ask the same again and again
            self._asked[asked] = max(self._bytes.overlapping(start, end), default=-1)
        return self._asked[asked]


def _later(a: Clock, b: Clock) -> Clock:
    return max(a[0], b[0]), max(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _filled_by(columns: Columns) -> list[int]:
    """Per REQ, the index of the MAC or MERGE that filled its half; -1 elsewhere."""
    opcode, half, last = (columns.opcode.tolist(), columns.field("half").tolist(), columns.field("last").tolist())
    found = [-1] * len(columns)
    filler = [-1, -1]
    for index, code in enumerate(opcode):
        if code in (Mac.opcode, Merge.opcode) and last[index]:
            filler[half[index]] = index
        elif code == Req.opcode:
            found[index] = filler[half[index]]
    return found
