"""The plain machine under observation: every accumulator behind every group, every code as it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fxsim.isa import Mac, Merge, Program, Req
from fxsim.isa.meaning import spill
from fxsim.isa.reference import run_plain
from fxsim.isa.set import mac

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

Site = tuple[int, int, int, int]
Sums = dict[Site, tuple[int, int]]


class PlainSites(NamedTuple):
    """By (instruction, group, position, row): registers as they are written and events; (.., row, address): codes."""

    sums: Sums
    inner: Sums
    codes: dict[Site, int]


def plain_sites(program: Program, inputs: Mapping[str, bytes], monkeypatch: pytest.MonkeyPatch) -> PlainSites:
    """Run the plain machine and note every slot as it stands behind each group, and every code as it is written.

    Of an inner accumulator that spills, what it spills is noted; a slot is noted where something is added to it.
    """
    sums: Sums = {}
    inner: Sums = {}
    codes: dict[Site, int] = {}
    spilled: list[int] = []
    run_group, merge, requantize = Mac._run_group, Merge._merge, Req._requantize

    def counted(machine: Any, channel: int) -> tuple[int, int]:
        counters = machine.counters(channel)
        return int(counters.overflow_events + counters.internal_wraps), int(counters.inner_events)

    def spill_and_note(machine: Any, rule: Any, site: Any, slot: Any) -> None:
        spilled.append(slot.inner)
        spill(machine, rule, site, slot)

    def group_and_note(self: Mac, machine: Any, group: int, position: int, row: int, stream: range) -> None:
        before = counted(machine, self.row_base + row)
        run_group(self, machine, group, position, row, stream)
        site = machine.instruction, group, position, row
        slot = machine.accumulator(self.half, row, self.slot + position)
        outside, inside = (b - a for a, b in zip(before, counted(machine, self.row_base + row), strict=True))
        if spilled or not self.inner_bits:
            sums[site] = slot.value, outside
        if self.inner_bits:
            inner[site] = spilled.pop() if spilled else slot.inner, inside

    def merge_and_note(self: Merge, machine: Any, part: int, position: int, row: int) -> None:
        before, _ = counted(machine, self.row_base + row)
        merge(self, machine, part, position, row)
        site = machine.instruction, part - 1, position, row
        value = machine.accumulator(self.half, row, self.slot + position).value
        sums[site] = value, counted(machine, self.row_base + row)[0] - before

    def requantize_and_note(self: Req, machine: Any, row: int, slot: Any) -> int:
        code = requantize(self, machine, row, slot)
        position, number = divmod(len([1 for site in codes if site[0] == machine.instruction]), self.rows)
        y, column = divmod(self.ox_start + position, self.out_w)
        assert number == row
        codes[
            machine.instruction, position, row, self.out_addr + y * self.out_row_pitch + column * self.out_pitch + row
        ] = code
        return code

    monkeypatch.setattr(mac, "spill", spill_and_note)
    monkeypatch.setattr(Mac, "_run_group", group_and_note)
    monkeypatch.setattr(Merge, "_merge", merge_and_note)
    monkeypatch.setattr(Req, "_requantize", requantize_and_note)
    run_plain(program, inputs)
    return PlainSites(sums, inner, codes)
