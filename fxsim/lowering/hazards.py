"""The static proof that a program is free of data hazards and deadlock, from its encoded words alone.

Three claims are checked, for every timing of the machine:

1. *Tokens.* The n-th pop of a semaphore stands after the n-th push, so the file order is a topological order and no
   engine waits for ever; no semaphore can overflow; every token is taken, so a program leaves the machine as found.
2. *Bank halves.* FREE -> FILLING (MAC `first`) -> FULL (`last`) -> FREE (REQ) in file order, and row files are loaded
   before they are used.
3. *Data.* Any two accesses to common scratchpad bytes by different units, one of them a write, are ordered: the later
   instruction is issued only when the earlier one has completed. DRAM needs no proof, the DMA engine alone uses it.

Accesses are hulls (`fxsim.isa.regions`), so a program whose engines interleave disjoint bytes inside one hull may be
refused; one with a hazard is never accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fxsim._core.errors import HazardError
from fxsim.isa import INSTRUCTIONS, Columns, Engine, Init, Mac, Merge, Program, Req, Semaphore, Space, Unit
from fxsim.lowering.accesses import Access, accesses, units
from fxsim.lowering.intervals import IntervalMap

if TYPE_CHECKING:
    from collections.abc import Callable

    from fxsim.hw import Hardware

TOKEN_LIMIT = (1 << 16) - 1
"""A semaphore counts in 16 bits."""
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Hazard:
    """A broken claim about instruction `index`."""

    index: int
    claim: str


def check_program(program: Program) -> None:
    """Prove `program` free of hazards and deadlock.

    Raises
    ------
    ProgramError
        `program` is illegal by itself (`Program.check`).
    HazardError
        A claim of `find_hazards` is broken; the message lists the first ones.
    """
    program.check()
    found = find_hazards(program.columns, program.hardware)
    if not found:
        return
    lines = [f"instruction {h.index}: {h.claim}" for h in found[:_SHOWN]]
    rest = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    raise HazardError("\n  ".join(["tokens must rule out hazards and deadlock:", *lines, *rest]), where=program.name)


def find_hazards(columns: Columns, hardware: Hardware) -> list[Hazard]:
    """List every broken claim of the module's three, in file order; an empty list is the proof.

    `columns` are those of a program that `Program.check` accepts.
    """
    proof = _Proof(columns)
    proof.tokens()
    proof.halves()
    proof.clocks()
    proof.data(accesses(columns, hardware))
    return sorted(proof.found, key=lambda h: h.index)


class _Bytes(NamedTuple):
    """Open accesses to some bytes: the last write, and the last read of every unit since."""

    writer: int = -1
    readers: tuple[int, ...] = (-1,) * len(Unit)


class _Proof:
    """The claims, each in one method; later ones build on what earlier ones computed."""

    def __init__(self, columns: Columns) -> None:
        self.found: list[Hazard] = []
        self._columns = columns
        self._unit = units(columns)
        self._waits: dict[int, list[int]] = {}
        self._filled_by: dict[int, int] = {}
        self._known: list[list[int]] = []
        self._events: dict[Semaphore, tuple[list[int], list[int]]] = {}

    def tokens(self) -> None:
        """Match pops with pushes, first in, first out."""
        for semaphore in Semaphore:
            pushes, pops = (self._holders(semaphore, mask) for mask in ("pushes", "pops"))
            self._events[semaphore] = pushes, pops
            self._check_ends(semaphore, pushes, pops)
            for push, pop in zip(pushes, pops, strict=False):
                if push < pop:
                    self._waits.setdefault(pop, []).append(push)
                else:
                    self._report(pop, f"the {semaphore.name} token it takes must be pushed earlier, not by {push}")
            for pop in pops[len(pushes) :]:
                self._report(pop, f"the {semaphore.name} token it takes must be pushed")
            for push in pushes[len(pops) :]:
                self._report(push, f"the {semaphore.name} token it pushes must be taken")

    def _holders(self, semaphore: Semaphore, mask: str) -> list[int]:
        held: list[int] = np.flatnonzero(self._columns.field(mask) >> int(semaphore) & 1).tolist()
        return held

    def _check_ends(self, semaphore: Semaphore, pushes: list[int], pops: list[int]) -> None:
        for index in pushes:
            if self._unit[index] is not semaphore.producer:
                self._report(index, f"{semaphore.name} must be pushed by {semaphore.producer.name}")
        for index in pops:
            if self._unit[index].engine is not semaphore.consumer:
                self._report(index, f"{semaphore.name} must be taken by {semaphore.consumer.name}")

    def halves(self) -> None:
        """Follow both bank halves and row files through the file."""
        halves = (_Half(), _Half())
        names = ("half", "first", "last", "load_params", "init", "rows")
        table = [self._columns.field(name).tolist() for name in names]
        for index, (opcode, half, *fields) in enumerate(zip(self._columns.opcode.tolist(), *table, strict=True)):
            if opcode not in _BANK_OPCODES:
                continue
            for claim in halves[half].step(index, opcode, *fields):
                self._report(index, claim)
            if opcode == Req.opcode:
                self._filled_by[index] = halves[half].filled_by
        for half, state in enumerate(halves):
            if state.name != "FREE":
                self._report(len(self._columns) - 1, f"bank half {half} must be left FREE, not {state.name}")

    def clocks(self) -> None:
        """Per instruction, what has certainly completed when it is issued: the last index of every unit."""
        at_engine: dict[Engine, list[int]] = {engine: [-1] * len(Unit) for engine in Engine}
        for index, unit in enumerate(self._unit):
            known = at_engine[unit.engine]
            if index in self._waits:
                known = list(map(max, known, *map(self._completion, self._waits[index])))
                at_engine[unit.engine] = known
            self._known.append(known)
        for semaphore, (pushes, pops) in self._events.items():
            if len(pushes) > TOKEN_LIMIT:
                self._check_count(semaphore, np.array(pushes), np.array(pops))

    def _completion(self, index: int) -> list[int]:
        known = list(self._known[index])
        known[self._unit[index]] = index
        known[Unit.MAC] = max(known[Unit.MAC], self._filled_by.get(index, -1))
        return known

    def _check_count(self, semaphore: Semaphore, pushes: np.ndarray, pops: np.ndarray) -> None:
        """Bound the tokens in flight at every push: those pushed so far less those certainly taken."""
        members = [u for u in Unit if u.engine is semaphore.consumer]
        taken_before = [max(self._known[i][u] for u in members) for i in pushes.tolist()]
        in_flight = np.arange(1, len(pushes) + 1) - np.searchsorted(pops, np.array(taken_before), side="right")
        for push in pushes[in_flight > TOKEN_LIMIT][:1].tolist():
            self._report(push, f"{semaphore.name} must never hold more than {TOKEN_LIMIT} tokens")

    def data(self, touched: list[list[Access]]) -> None:
        """Hold every access against the open accesses to the same bytes."""
        memory = [IntervalMap(_Bytes()) for _ in Space]
        for index, entries in enumerate(touched):
            for access in entries:
                self._check_access(index, access, memory[access.space].overlapping(access.start, access.end))
            for space, write, start, end in entries:
                if write:
                    memory[space].assign(start, end, _Bytes(index))
                else:
                    memory[space].update(start, end, self._reading(index))

    def _reading(self, index: int) -> Callable[[_Bytes], _Bytes]:
        unit = self._unit[index]
        return lambda b: _Bytes(b.writer, (*b.readers[:unit], index, *b.readers[unit + 1 :]))

    def _check_access(self, index: int, access: Access, opened: list[_Bytes]) -> None:
        earlier = {b.writer for b in opened}
        if access.write:
            earlier.update(reader for b in opened for reader in b.readers)
        for other in sorted(earlier):
            if other >= 0 and not self._ordered(other, index):
                verb = "writes" if access.write else "reads"
                place = f"{access.space.name} bytes {access.start}..{access.end - 1}"
                claim = f"{self._name(index)} {verb} {place}, which must wait for {self._name(other)} at {other}"
                self._report(index, claim)

    def _ordered(self, earlier: int, later: int) -> bool:
        a, b = self._unit[earlier], self._unit[later]
        if a is b or earlier <= self._known[later][a]:
            return True
        return a is Unit.MAC and b is Unit.REQ and earlier <= self._filled_by.get(later, -1)

    def _name(self, index: int) -> str:
        return _MNEMONICS[int(self._columns.opcode[index])]

    def _report(self, index: int, claim: str) -> None:
        self.found.append(Hazard(index, claim))


class _Half:
    """One bank half and its row file, in file order."""

    def __init__(self) -> None:
        self.name = "FREE"
        self.filled_by = -1
        self._records = 0

    def step(self, index: int, opcode: int, first: int, last: int, load_params: int, init: int, rows: int) -> list[str]:
        """Broken claims about one MAC, MERGE or REQ of this half; then take its transition."""
        expected = "FULL" if opcode == Req.opcode else "FREE" if opcode == Mac.opcode and first else "FILLING"
        claims = [] if self.name == expected else [f"its bank half must be {expected}, not {self.name}"]
        if opcode == Mac.opcode and load_params:
            self._records = rows
        needs_records = opcode == Req.opcode or (opcode == Mac.opcode and init == Init.BIAS)
        if needs_records and rows > self._records:
            claims.append(f"its row file must hold {rows} records, not {self._records}")
        if opcode == Req.opcode:
            self.name = "FREE"
        else:
            self.name = "FULL" if last else "FILLING"
            self.filled_by = index if last else self.filled_by
        return claims


_BANK_OPCODES = (Mac.opcode, Merge.opcode, Req.opcode)
_MNEMONICS = {cls.opcode: name for name, cls in INSTRUCTIONS.items()}
