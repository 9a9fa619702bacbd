"""Compute and stall cycles: hand-worked programs, identities, and a naive account cycle by cycle."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fxsim._core.errors import ProgramError
from fxsim.isa import Init, Instruction, Load, Lut, Mac, Merge, Program, Req, Semaphore, Store, Unit
from fxsim.sim import occupancy
from fxsim.sim.timing import CAUSES, Timeline, timeline
from fxsim.sim.timing_windows import Spans, attribute, window_edges
from fxsim.testing import programs
from tests.sim.timing_cases import CHAIN, TREE, bits, chained, group_starts, load, mac, program, req, store

if TYPE_CHECKING:
    from fxsim.hw import Hardware

FILL = {"first": 1, "last": 1}


def accounts(
    *instructions: Instruction, hardware: Hardware = TREE, layer_of: list[int] | None = None
) -> list[Counter[str]]:
    """Cycles of every layer by cause, zeros left out."""
    times = timeline(program(*instructions, hardware=hardware, layer_of=layer_of))
    return [+Counter(layer.stalls | {"compute": layer.compute_cycles}) for layer in times.layers]


def lut(**fields: int) -> Lut:
    """A LUT of 10 elements: 8 busy cycles t .. t + 7."""
    return Lut(count=10, entry_bytes=1, out_addr=1024, x_signed=1, **fields)


def test_load_mac_req_store() -> None:
    # LOAD 0 .. 41. MAC issued 42, row file until 47; beats 47, 49, 51, 53 with Tw = 2 between; commit 57.
    # REQ beats 58, 59, commit 61; STORE until 79.
    parts = (
        load(256, pushes=bits(Semaphore.DMA_MAC)),
        mac(load_params=1, **FILL, pops=bits(Semaphore.DMA_MAC)),
        req(pushes=bits(Semaphore.REQ_DMA)),
        store(4, pops=bits(Semaphore.REQ_DMA)),
    )
    assert accounts(*parts) == [{"token_dma": 42, "row_file": 5, "w_port": 3, "compute": 6, "drain": 4 + 20}]


def test_one_half_alone_makes_the_next_block_wait() -> None:
    # MAC beat 3; REQ beats 8, 9; second MAC issued 10, tile until 13; beat 13; REQ beats 18, 19, commit 21.
    # 4 .. 7: the second MAC waits for the half.
    block = mac(k_count=4, **FILL)
    assert accounts(block, req(), block, req()) == [{"w_port": 3 + 3, "half": 4, "compute": 6, "drain": 4 + 2}]


def test_a_chain_waits_for_its_slot() -> None:
    # Beats 2, 4, 6, 8 with the tile there at once; commit 12.
    assert accounts(chained(**FILL), hardware=CHAIN) == [{"w_port": 2, "r_gap": 3, "compute": 4, "drain": 4}]


def test_a_mac_waits_for_the_token_of_the_req_before_it() -> None:
    # MAC beat 3. REQ waits for LOAD until 42, beats 43, 44. MAC issued 43, tile 44 + 2, beat 46, commit 50.
    parts = (
        load(256, pushes=bits(Semaphore.DMA_MAC)),
        mac(k_count=4, **FILL),
        req(pops=bits(Semaphore.DMA_MAC)),
        mac(k_count=4, half=1, **FILL),
    )
    assert accounts(*parts) == [{"w_port": 3 + 2, "token_dma": 38, "compute": 4, "drain": 4}]


def test_a_mac_of_another_shape_waits_for_the_token_of_the_req_before_it() -> None:
    # As above, with beats 46 and 47 of the second MAC.
    parts = (
        load(256, pushes=bits(Semaphore.DMA_MAC)),
        mac(k_count=4, **FILL),
        req(pops=bits(Semaphore.DMA_MAC)),
        mac(k_count=4, positions=2, half=1, **FILL),
    )
    assert accounts(*parts) == [{"w_port": 3 + 2, "token_dma": 38, "compute": 5, "drain": 4}]


def test_spans_are_cut_at_edges_inside_them_only() -> None:
    cut = Spans(np.array([3, 12, 20]), np.array([9, 12, 24])).cut(np.array([0, 3, 7, 9, 12, 24]))
    assert (cut.lo.tolist(), cut.hi.tolist()) == ([3, 7, 20], [7, 9, 24])


@pytest.mark.parametrize("change", [-1, 1])
def test_an_account_that_does_not_add_up_is_refused(change: int, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = program(mac(**FILL))

    def counted(*args: Any) -> Any:
        compute, causes = attribute(*args)
        return compute + change, causes

    with monkeypatch.context() as planted:
        planted.setattr("fxsim.sim.timing.attribute", counted)
        with pytest.raises(ProgramError, match="layer 0: compute and stalls must add up"):
            timeline(parts)
    moved = np.array([0, change])
    monkeypatch.setattr("fxsim.sim.timing.window_edges", lambda *args: window_edges(*args) + moved)
    with pytest.raises(ProgramError, match="layer windows must add up to 14 cycles"):
        timeline(parts)


def test_a_req_alone_waits_for_its_token_then_for_its_issue() -> None:
    parts = (load(256, pushes=bits(Semaphore.DMA_MAC)), mac(k_count=4, **FILL), req(pops=bits(Semaphore.DMA_MAC)))
    assert accounts(*parts) == [{"w_port": 3, "token_dma": 38, "issue": 1, "compute": 3, "drain": 2}]


def test_the_vector_engine_waits_for_mac_and_req() -> None:
    # MAC beat 3, commit 7: LUT in 8. With the REQ between (beats 8, 9, commit 11): LUT in 12.
    block = {"k_count": 4, **FILL}
    direct = accounts(mac(**block, pushes=bits(Semaphore.MAC_VEC)), lut(pops=bits(Semaphore.MAC_VEC)))
    assert direct == [{"w_port": 3, "token_mac": 4, "compute": 9}]
    behind = accounts(mac(**block), req(pushes=bits(Semaphore.REQ_VEC)), lut(pops=bits(Semaphore.REQ_VEC)))
    assert behind == [{"w_port": 3, "token_req": 4 + 2, "compute": 11}]


def test_a_kept_slot_waits_for_the_gap() -> None:
    # Second MAC: tile at 8 + 1, slots at 8 + 1 + 1: cycle 9 is its gap. Beats 2, 4, 6, 8 | 10; commit 14.
    parts = chained(first=1), chained(last=1, init=Init.KEEP, k_count=4)
    assert accounts(*parts, hardware=CHAIN) == [{"w_port": 2, "r_gap": 3 + 1, "compute": 5, "drain": 4}]


def test_windows_end_with_the_last_commit_of_a_layer() -> None:
    # Layer 0: LOAD until 17, LUT 18 .. 25, STORE 26 .. 43. Layer 1: LOAD 27 .. 51, LUT 52 .. 59. Layer 2 is empty.
    to_vec, from_vec = bits(Semaphore.DMA_VEC), bits(Semaphore.VEC_DMA)
    parts = (
        load(pushes=to_vec),
        lut(pops=to_vec, pushes=from_vec),
        store(pops=from_vec),
        load(pushes=to_vec),
        lut(pops=to_vec),
    )
    found = accounts(*parts, layer_of=[0, 0, 0, 1, 1])
    assert found == [{"token_dma": 18, "compute": 8, "drain": 18}, {"token_dma": 8, "compute": 8}]
    layered = timeline(program(*parts, layer_of=[0, 0, 0, 1, 3]))
    assert [(layer.begin, layer.cycles) for layer in layered.layers] == [(0, 44), (44, 8), (52, 0), (52, 8)]


def test_a_req_that_begins_with_the_next_window_explains_no_cycle_of_this_one() -> None:
    # Beats 3 and 6 .. 14, commit 18. LOAD commits in 17, so the REQ is issued in 18: its beats are 19, 20; commit 22.
    parts = (
        mac(half=1, k_count=4, **FILL),
        mac(positions=3, k_count=12, **FILL),
        load(pushes=bits(Semaphore.DMA_MAC)),
        req(half=1, pops=bits(Semaphore.DMA_MAC)),
    )
    first = {"w_port": 3 + 2, "compute": 10, "drain": 4}
    assert accounts(*parts, layer_of=[0, 0, 0, 1]) == [first, {"compute": 2, "drain": 2}]


def test_work_of_a_later_layer_counts_in_the_window_it_falls_in() -> None:
    # Layer 0: LUT 0 .. 7. Layer 1: MAC with its beat in 3, LOAD until 41.
    parts = lut(), mac(k_count=4, **FILL), load(256)
    assert accounts(*parts, layer_of=[0, 1, 1]) == [{"compute": 8}, {"drain": 34}]


@settings(max_examples=30)
@given(programs(max_instructions=60))
def test_windows_and_causes_add_up_to_all_cycles(machine_code: Program) -> None:
    times = timeline(machine_code)
    assert times.cycles == (int(times.end.max()) + 1 if len(machine_code) else 0)
    begin = 0
    for layer in times.layers:
        assert layer.begin == begin
        assert tuple(layer.stalls) == CAUSES
        assert min(layer.stalls.values()) >= 0
        assert layer.stalls["requantizer"] == layer.stalls["token_vec"] == 0
        assert layer.cycles == layer.compute_cycles + sum(layer.stalls.values())
        begin += layer.cycles
    assert begin == times.cycles


def test_spans_begin_with_the_first_beat() -> None:
    # As above: the LUT of layer 0 works 0 .. 7, the beat of layer 1 is in 3; loads and stores are no work on data.
    parts = lut(), load(256), mac(k_count=4, **FILL), load(256)
    assert [layer.span for layer in timeline(program(*parts, layer_of=[0, 1, 1, 1])).layers] == [8, 71]


@settings(max_examples=30)
@given(programs(max_instructions=60))
def test_spans_are_those_of_a_naive_account(machine_code: Program) -> None:
    times, end = timeline(machine_code), 0
    for index, layer in enumerate(times.layers):
        owners = enumerate(zip(machine_code.instructions, machine_code.layer_of.tolist(), strict=True))
        begins = [int(times.start[n]) for n, (i, of) in owners if of == index and not isinstance(i, Load | Store)]
        begin, end = end, end + layer.cycles
        assert layer.span == end - min([begin, *begins])


@settings(max_examples=30)
@given(programs(max_instructions=60))
def test_every_unit_issues_and_commits_in_order(machine_code: Program) -> None:
    times = timeline(machine_code)
    units = np.array([i.unit for i in machine_code.instructions], np.int64)
    engines = np.array([i.engine for i in machine_code.instructions], np.int64)
    assert (times.issue <= times.start).all()
    assert (times.start <= times.end).all()
    for unit in Unit:
        assert (np.diff(times.end[units == unit]) > 0).all()
        assert (np.diff(times.issue[engines == unit.engine]) > 0).all()


@settings(max_examples=30)
@given(programs(max_instructions=40))
def test_causes_are_those_of_a_naive_account(machine_code: Program) -> None:
    found = [+Counter(layer.stalls | {"compute": layer.compute_cycles}) for layer in timeline(machine_code).layers]
    assert found == _Naive(machine_code, timeline(machine_code)).layers()


@settings(max_examples=30)
@given(programs(max_instructions=40), st.data())
def test_layers_may_interleave(machine_code: Program, data: st.DataObject) -> None:
    """Loads of later layers stand among earlier ones: windows are by commits, whatever the order in the file."""
    count, layers = len(machine_code), len(machine_code.layers)
    layer_of = data.draw(st.lists(st.integers(0, layers - 1), min_size=count, max_size=count))
    mixed = replace(machine_code, layer_of=np.array(layer_of, np.int32))
    found = [+Counter(layer.stalls | {"compute": layer.compute_cycles}) for layer in timeline(mixed).layers]
    assert found == _Naive(mixed, timeline(mixed)).layers()


@settings(max_examples=30)
@given(programs(max_instructions=40))
def test_every_cycle_has_the_charge_of_a_naive_account(machine_code: Program) -> None:
    charged = [""] * timeline(machine_code).cycles
    for cause, spans in occupancy(machine_code).charges.items():
        for lo, hi in zip(spans.lo.tolist(), spans.hi.tolist(), strict=True):
            assert lo < hi
            assert set(charged[lo:hi]) == {""}
            charged[lo:hi] = [cause] * (hi - lo)
    windows = _Naive(machine_code, timeline(machine_code)).windows()
    assert charged == [cause for window in windows for cause in window]


class _Naive:
    """The attribution rule, one cycle after the other."""

    def __init__(self, machine_code: Program, times: Timeline) -> None:
        self.code, self.times, self.hardware = machine_code.instructions, times, machine_code.hardware
        self.layer_of, self.layer_count = machine_code.layer_of, len(machine_code.layers)
        t = self.hardware.timing
        tree = self.hardware.numerics.reduction == "tree"
        self.gap = 1 if tree else -(-t.cols // t.chain_per_stage)
        self.tile = -(-t.rows * t.cols * self.hardware.numerics.weight_bits // (8 * t.w_port_bytes))
        self.groups = {i: group_starts(x, self.hardware) for i, x in enumerate(self.code) if isinstance(x, Mac | Merge)}
        self.work = sorted((c, i) for i in range(len(self.code)) for c in self.beats(i, reads=False))
        self.reads = sorted((c, i) for i in range(len(self.code)) for c in self.beats(i, reads=True))
        self.producers = self.match()

    def match(self) -> list[dict[Unit, int]]:
        """Instruction whose token is popped, by unit."""
        pushed: dict[Semaphore, list[int]] = {s: [] for s in Semaphore}
        found: list[dict[Unit, int]] = []
        for i, x in enumerate(self.code):
            taken = [s for s in Semaphore if x.pops >> s & 1]
            found.append({s.producer: pushed[s].pop(0) for s in taken})
            for s in Semaphore:
                if x.pushes >> s & 1:
                    pushed[s].append(i)
        return found

    def beats(self, i: int, *, reads: bool) -> list[int]:
        """Busy cycles of an instruction."""
        x, start = self.code[i], int(self.times.start[i])
        if isinstance(x, Req):
            count = x.positions * -(-x.rows // self.hardware.timing.requant_lanes)
            return list(range(start, start + count)) if reads else []
        if reads or x.unit is Unit.DMA:
            return []
        if x.unit is Unit.VEC:
            return list(range(start, int(self.times.end[i]) + 1))
        return [start + s + b for s, count in self.groups[i] for b in range(count)]

    def windows(self) -> list[list[str]]:
        """What every cycle of every layer is charged to."""
        busy = {c for c, _ in self.work + self.reads}
        ends = self.times.end
        result: list[list[str]] = []
        begin = 0
        for k in range(self.layer_count):
            stop = max([begin, *(int(e) + 1 for e in ends[self.layer_of == k])])
            result.append(["compute" if c in busy else self.cause(c, stop) for c in range(begin, stop)])
            begin = stop
        return result

    def layers(self) -> list[Counter[str]]:
        """Cycles of every layer by cause."""
        return [Counter(charged) for charged in self.windows()]

    def cause(self, cycle: int, stop: int) -> str:
        """Why an idle cycle of a window that ends before `stop` is idle."""
        for beats in (self.work, self.reads):
            later = [(c, i) for c, i in beats if cycle < c < stop]
            if later:
                beat, i = min(later)
                return next((name for name, holds in self.conditions(i, beat) if cycle < holds), "issue")
        return "drain"

    def conditions(self, i: int, beat: int) -> list[tuple[str, int]]:
        """First cycle in which each condition for that beat of instruction `i` holds, in order."""
        x, times, start = self.code[i], self.times, int(self.times.start[i])
        if beat > start and i in self.groups:
            inside = [s for s, _ in self.groups[i] if start + s < beat]
            return [("w_port", start + inside[-1] + (self.tile if isinstance(x, Mac) else 0)), ("r_gap", beat)]
        result = [(f"token_{u.name.lower()}", self.token(i, u)) for u in Unit]
        if isinstance(x, Mac) and x.first:
            result.append(("half", max((self.stop(j, x.half) for j in self.before(i, Req)), default=0)))
        if isinstance(x, Mac) and x.load_params:
            result.append(("row_file", int(times.issue[i]) + 1 + x.rows))
        before = self.before(i, Mac, Merge)
        last = self.groups[before[-1]] if before else []
        if isinstance(x, Mac):
            group = int(times.start[before[-1]]) + last[-1][0] if before else 0
            result.append(("w_port", max(int(times.issue[i]) + 1, group) + self.tile))
        if before and isinstance(x, Mac | Merge):
            gap = self.gap if isinstance(x, Merge) else self.gap - 1 if x.init == Init.KEEP else 0
            result.append(("r_gap", int(times.start[before[-1]]) + sum(last[-1]) + gap))
        if isinstance(x, Req):
            result.append(("drain", 1 + max(int(times.end[j]) for j in before if self.fills(j, x.half))))
        return result

    def token(self, i: int, unit: Unit) -> int:
        """When the token of `unit` is there, for a MAC or MERGE also that of each REQ directly before it."""
        line = [i]
        if i in self.groups:
            sums = self.before(i, Mac, Merge)
            line += [j for j in self.before(i, Req) if not sums or j > sums[-1]]
        return max(int(self.times.end[self.producers[j][unit]]) + 1 if unit in self.producers[j] else 0 for j in line)

    def before(self, i: int, *kinds: type[Instruction]) -> list[int]:
        return [j for j in range(i) if isinstance(self.code[j], kinds)]

    def fills(self, i: int, half: int) -> bool:
        """Whether instruction `i` makes `half` full."""
        x = self.code[i]
        return isinstance(x, Mac | Merge) and x.half == half and x.last == 1

    def stop(self, i: int, half: int) -> int:
        """The cycle after the last beat of REQ `i`, if it reads `half`; else 0."""
        x = self.code[i]
        return self.beats(i, reads=True)[-1] + 1 if isinstance(x, Req) and x.half == half else 0
