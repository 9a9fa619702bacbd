"""Count priced events per instruction, in integers; nothing here depends on data or on time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.energy.mac_events import count_mac, count_merge, count_req
from fxsim.energy.tally import Tally
from fxsim.energy.vector_events import (
    count_copy,
    count_fill,
    count_lut,
    count_pool,
    count_reduce,
    count_softmax,
    count_vadd,
    count_vmul,
    count_vreq,
)
from fxsim.hw import Event, Kind
from fxsim.isa import INSTRUCTIONS, WORD_BYTES, Load, Program, Store, bursts, decode_columns

if TYPE_CHECKING:
    from collections.abc import Callable

Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class EventCounts:
    """Event counts of a program: ``counts[e, i]`` events of ``events[e]`` by instruction i, per sample."""

    events: tuple[Event, ...]
    counts: Array

    def total(self, event: Event) -> int:
        """Sum over the program (0 for an event that never happens)."""
        return int(self.counts[self.events.index(event)].sum()) if event in self.events else 0

    def kind(self, kind: Kind) -> Array:
        """Counts per instruction of all events of one kind, widths summed."""
        rows = [i for i, event in enumerate(self.events) if event.kind is kind]
        total: Array = self.counts[rows].sum(axis=0, dtype=np.int64)
        return total


def count_events(program: Program) -> EventCounts:
    """Every priced event of one run of `program`, per instruction and sample (MICROARCHITECTURE, section C)."""
    columns = decode_columns(program.code)
    tally = Tally(columns, program.hardware)
    tally.add(Event(Kind.FETCH), np.arange(tally.size), WORD_BYTES)
    for mnemonic, count in _COUNTERS.items():
        index = np.flatnonzero(columns.opcode == INSTRUCTIONS[mnemonic].opcode)
        if index.size:
            count(tally, index)
    return EventCounts(*tally.matrix())


_SPAD_WRITE = (Kind.ACT_WRITE, Kind.WEIGHT_WRITE, Kind.PARAM_WRITE)


def _count_load(tally: Tally, index: Array) -> None:
    f = tally.fields(index)
    tally.add(Event(Kind.DRAM_BLOCK), index, bursts(tally.columns.table(Load)))
    moved = f("rows") * f("row_bytes")
    space = f("space")
    for code, kind in enumerate(_SPAD_WRITE):
        tally.add(Event(kind), index[space == code], moved[space == code])


def _count_store(tally: Tally, index: Array) -> None:
    f = tally.fields(index)
    tally.add(Event(Kind.DRAM_BLOCK), index, bursts(tally.columns.table(Store)))
    tally.add(Event(Kind.ACT_READ), index, f("rows") * f("row_bytes"))


_COUNTERS: dict[str, Callable[[Tally, Array], None]] = {
    "LOAD": _count_load,
    "STORE": _count_store,
    "MAC": count_mac,
    "MERGE": count_merge,
    "REQ": count_req,
    "POOL": count_pool,
    "VREQ": count_vreq,
    "LUT": count_lut,
    "REDUCE": count_reduce,
    "SOFTMAX": count_softmax,
    "VADD": count_vadd,
    "VMUL": count_vmul,
    "COPY": count_copy,
    "FILL": count_fill,
}
