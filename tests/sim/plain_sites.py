"""The plain machine under observation: every accumulator behind every group, every code as it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fxsim.isa import Mac, Merge, Program, Req
from fxsim.isa.reference import run_plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

Site = tuple[int, int, int, int]


def plain_sites(
    program: Program, inputs: Mapping[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[Site, int], dict[Site, int], dict[Site, int]]:
    """Run the plain machine and note every slot as it stands behind each group, and every code as it is written."""
    values: dict[Site, int] = {}
    events: dict[Site, int] = {}
    codes: dict[Site, int] = {}
    run_group, merge, requantize = Mac._run_group, Merge._merge, Req._requantize

    def counted(machine: Any, channel: int) -> int:
        counters = machine.counters(channel)
        return int(counters.overflow_events + counters.internal_wraps)

    def group_and_note(self: Mac, machine: Any, group: int, position: int, row: int, stream: range) -> None:
        before = counted(machine, self.row_base + row)
        run_group(self, machine, group, position, row, stream)
        site = machine.instruction, group, position, row
        values[site] = machine.accumulator(self.half, row, self.slot + position).value
        events[site] = counted(machine, self.row_base + row) - before

    def merge_and_note(self: Merge, machine: Any, part: int, position: int, row: int) -> None:
        before = counted(machine, self.row_base + row)
        merge(self, machine, part, position, row)
        site = machine.instruction, part - 1, position, row
        values[site] = machine.accumulator(self.half, row, self.slot + position).value
        events[site] = counted(machine, self.row_base + row) - before

    def requantize_and_note(self: Req, machine: Any, row: int, slot: Any) -> int:
        code = requantize(self, machine, row, slot)
        position, number = divmod(len([1 for site in codes if site[0] == machine.instruction]), self.rows)
        y, column = divmod(self.ox_start + position, self.out_w)
        assert number == row
        codes[
            machine.instruction, position, row, self.out_addr + y * self.out_row_pitch + column * self.out_pitch + row
        ] = code
        return code

    monkeypatch.setattr(Mac, "_run_group", group_and_note)
    monkeypatch.setattr(Merge, "_merge", merge_and_note)
    monkeypatch.setattr(Req, "_requantize", requantize_and_note)
    run_plain(program, inputs)
    return values, events, codes
