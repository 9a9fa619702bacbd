"""The closed form against cycles worked out by hand from the rules of the page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fxsim._core.errors import HazardError, ProgramError
from fxsim.isa import (
    Copy,
    Fill,
    Init,
    Instruction,
    Lut,
    Pool,
    Program,
    Reduce,
    Semaphore,
    Softmax,
    VAdd,
    VMul,
    VReq,
    encode,
)
from fxsim.sim import timing_schedule
from fxsim.sim.timing import timeline
from tests.sim.timing_cases import CHAIN, TREE, bits, chained, load, mac, merge, program, req, store

if TYPE_CHECKING:
    from fxsim.hw import Hardware

PUSH_MAC = {"pushes": bits(Semaphore.DMA_MAC)}
POP_DMA = {"pops": bits(Semaphore.DMA_MAC)}
POP_IN_VEC = {"pops": bits(Semaphore.DMA_VEC)}
FILL = {"first": 1, "last": 1}


def spans(*instructions: Instruction, hardware: Hardware = TREE) -> list[tuple[int, int]]:
    """(start, end) of every instruction."""
    times = timeline(program(*instructions, hardware=hardware))
    return list(zip(times.start.tolist(), times.end.tolist(), strict=True))


def issues(*instructions: Instruction, hardware: Hardware = TREE) -> list[int]:
    times = timeline(program(*instructions, hardware=hardware))
    return [int(t) for t in times.issue]


def lut(count: int = 10, **fields: Any) -> Lut:
    return Lut(count=count, entry_bytes=1, out_addr=1024, x_signed=1, **fields)


def test_a_program_without_instructions_takes_no_time() -> None:
    times = timeline(program())
    assert times.cycles == 0
    assert [layer.cycles for layer in times.layers] == [0]


@pytest.mark.parametrize(
    ("positions", "end"),
    [
        (1, 13),  # t 0, tile until 3: groups at 3, 5, 7, 9 (Tw = 2 > F = 1); s_L 9, + Ld 4
        (2, 14),  # F = 2 = Tw: groups at 3, 5, 7, 9; s_L 10
        (3, 18),  # F = 3: groups at 3, 6, 9, 12; s_L 14
    ],
)
def test_the_first_mac_waits_for_its_tile(positions: int, end: int) -> None:
    assert spans(mac(positions=positions, **FILL)) == [(3, end)]


def test_a_row_file_of_four_rows_delays_the_start_to_t_plus_five() -> None:
    assert spans(mac(load_params=1, **FILL)) == [(5, 15)]


def test_a_row_file_of_one_row_hides_behind_the_tile() -> None:
    assert spans(mac(load_params=1, rows=1, **FILL)) == [(3, 13)]


@pytest.mark.parametrize(
    ("positions", "start", "end"),
    [
        (1, 11, 21),  # issued at 3; tile loads from 9, the start of the last group: max(3 + 1, 9) + 2; s_L 11 + 6
        (3, 15, 30),  # tile by 12 + 2 = 14, but the last beat before is at 14
    ],
)
def test_the_next_tile_loads_behind_the_last_group(positions: int, start: int, end: int) -> None:
    parts = mac(first=1, positions=positions), mac(last=1, init=Init.KEEP, positions=positions)
    assert spans(*parts)[1] == (start, end)
    assert issues(*parts) == [0, 3]


def test_one_instruction_waits_in_front_of_the_sequencer() -> None:
    # Starts at 3, 11, 19; each is issued when the one before it starts.
    parts = mac(first=1), mac(init=Init.KEEP), mac(last=1, init=Init.KEEP), req()
    assert issues(*parts) == [0, 3, 11, 12]
    assert [s for s, _ in spans(*parts)] == [3, 11, 19, 30]


@pytest.mark.parametrize(
    ("positions", "end"),
    [
        (1, 12),  # tile by 2; groups at 2, 4, 6, 8: F + max(0, R - B) = 2
        (2, 13),  # F = 2 hides R: groups at 2, 4, 6, 8; s_L 9
    ],
)
def test_a_chain_revisits_a_slot_after_r_cycles(positions: int, end: int) -> None:
    assert spans(chained(positions=positions, **FILL), hardware=CHAIN) == [(2, end)]


@pytest.mark.parametrize(("init", "start"), [(Init.ZERO, 9), (Init.KEEP, 10)])
def test_only_kept_slots_cost_the_gap(init: Init, start: int) -> None:
    # The tile is there at 8 + 1, the last beat before at 8; R - 1 = 1 more for keep.
    assert spans(chained(first=1), chained(last=1, init=init), hardware=CHAIN)[1][0] == start


@pytest.mark.parametrize(
    ("parts", "merged", "following"),
    [
        (2, (9, 14), 12),  # one group at 9, beats 9 and 10; tile of the next from its issue 9 + 1 on
        (3, (9, 16), 13),  # groups at 9 and 11; tile from 11 on, last beat 12
    ],
)
def test_merge_starts_r_after_the_last_part(parts: int, merged: tuple[int, int], following: int) -> None:
    # Parts: first at 3 (beats 3, 4); second issued 3, tile 4 + 2 = 6 (beats 6, 7); merge at 7 + 1 + R.
    block = {"positions": 2, "k_count": 4}
    found = spans(
        mac(first=1, **block),
        mac(slot=2, init=Init.ZERO, **block),
        merge(parts=parts, positions=2, last=1),
        mac(half=1, first=1, **block),
    )
    assert found[:3] == [(3, 8), (6, 11), merged]
    assert found[3][0] == following


def test_merge_of_a_chain_takes_r_cycles_per_part() -> None:
    # MAC at 2 (s_L 2); merge at 2 + 1 + 2 = 5, groups at 5, 7, 9: s_L 9.
    found = spans(chained(first=1, k_count=4), merge(parts=4, last=1), hardware=CHAIN)
    assert found == [(2, 6), (5, 13)]


@pytest.mark.parametrize(
    ("positions", "rows", "expected"),
    [
        (1, 4, (14, 17)),  # C 13; 2 beats at 14, 15; + Lq 2
        (3, 4, (19, 26)),  # C 18; 6 beats 19 .. 24
        (3, 3, (19, 26)),  # 3 rows still take 2 beats per slot
        (3, 2, (19, 23)),
    ],
)
def test_req_follows_the_commit_of_the_last_mac(positions: int, rows: int, expected: tuple[int, int]) -> None:
    shape = {"positions": positions, "rows": rows}
    assert spans(mac(**shape, **FILL), req(**shape))[1] == expected


def test_a_half_is_free_after_its_last_requantizer_beat() -> None:
    # 6 beats 19 .. 24, free at 25; the other half is free at once.
    block = {"positions": 3, **FILL}
    assert issues(mac(**block), req(positions=3), mac(**block)) == [0, 1, 25]
    assert issues(mac(**block), req(positions=3), mac(half=1, **block)) == [0, 1, 3]


def test_the_requantizer_takes_one_req_at_a_time() -> None:
    # Half 0: beats 19 .. 24. Half 1: MAC at max(12 + 2, 14 + 1) = 15, commit 19; REQ issued in cycle 24, beats 25, 26.
    parts = mac(positions=3, **FILL), req(positions=3), mac(half=1, k_count=4, **FILL), req(half=1)
    assert issues(*parts)[3] == 24
    assert spans(*parts)[2:] == [(15, 19), (25, 28)]


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({"dram_addr": 0}, 17),  # beats from 10; one block of 8
        ({"dram_addr": 60}, 25),  # two blocks
        ({"dram_addr": 63, "size": 66}, 33),  # bytes 63 .. 128: three blocks
        ({"dram_addr": 0, "rows": 3, "dram_stride": 96}, 41),  # rows at 0, 96, 192: 1 + 2 + 1 blocks
        ({"dram_addr": 0, "size": 4, "rows": 130, "dram_stride": 4}, 1049),  # 130 rows in one block each
        ({"dram_addr": 0, "size": 2, "rows": 130, "dram_stride": 63}, 1073),  # rows 1, 65, 129: two blocks
    ],
)
def test_dma_moves_whole_blocks(fields: dict[str, Any], end: int) -> None:
    assert spans(load(**fields)) == [(0, end)]


def test_a_narrow_bus_takes_more_cycles_per_block() -> None:
    assert spans(load(), hardware=TREE.replace(dram_bytes_per_cycle=48)) == [(0, 11)]
    assert spans(load(), hardware=TREE.replace(dram_bytes_per_cycle=1)) == [(0, 73)]


def test_dma_keeps_two_requests_in_flight() -> None:
    # Third: accepted at 17 + 1 when the first is done, beats from max(18 + 10, 25 + 1).
    assert spans(load(), store(), load()) == [(0, 17), (1, 25), (18, 35)]


@pytest.mark.parametrize(
    ("instruction", "end"),
    [
        (lut(10), 7),  # depth 4 + ceil(10 / 4) steps
        (VReq(count=10, out_addr=1024), 9),  # depth 6
        (Softmax(rows=2, length=5, out_addr=1024, multiplier=1), 36),  # depth 24 + ceil(10 / 4) steps of 4
        (  # 60 elements: depth 8 + 15 steps
            Reduce(outer=2, inner=5, sum_outer=3, sum_inner=2, last=1, first=1, out_addr=1024, out_pitch=5),
            23,
        ),
        (VMul(rows=3, count=5, out_addr=1024, out_stride=5), 15),  # depth 7 + 4 steps of 2
        (Copy(rows=2, row_bytes=9, x_stride=9, out_addr=1024, out_stride=9), 8),  # depth 3 + 5 steps
        (Fill(rows=1, row_bytes=9, out_addr=1024), 5),  # depth 2 + 3 steps
        (VAdd(rows=2, count=5, out_addr=1024, out_stride=5), 14),  # depth 8 + 3 steps of 2
        (
            Pool(
                out_h=2,
                out_w=2,
                kh=3,
                kw=3,
                channels=5,
                tile_h=4,
                tile_w=4,
                pixel_pitch=5,
                stride_x=1,
                stride_y=1,
                out_addr=1024,
                out_pitch=5,
                out_row_pitch=10,
            ),
            49,
        ),  # 180 taps: depth 4 + 45 steps
    ],
)
def test_vector_instructions_take_depth_and_steps(instruction: Instruction, end: int) -> None:
    assert spans(instruction, lut(1)) == [(0, end), (end + 1, end + 6)]


def test_a_token_is_seen_in_the_cycle_after_the_commit() -> None:
    # LOAD commits in 17, so the MAC is issued in 18 and starts at 18 + 1 + 2.
    assert spans(load(**PUSH_MAC), mac(**FILL, **POP_DMA)) == [(0, 17), (21, 31)]


def test_tokens_pair_in_file_order_and_a_later_one_does_not_help() -> None:
    both = {"pushes": bits(Semaphore.DMA_MAC, Semaphore.DMA_VEC)}
    parts = load(**both), load(**both), lut(**POP_IN_VEC), mac(**FILL, **POP_DMA), lut(**POP_IN_VEC)
    assert issues(*parts) == [0, 1, 18, 18, 26]


def test_all_tokens_of_an_instruction_are_popped_together() -> None:
    both = bits(Semaphore.DMA_VEC, Semaphore.REQ_VEC)
    parts = mac(**FILL), req(pushes=bits(Semaphore.REQ_VEC)), load(pushes=bits(Semaphore.DMA_VEC)), lut(pops=both)
    assert spans(*parts)[3] == (18, 25)  # REQ commits in 17, LOAD in 17


def test_a_req_orders_a_mac_that_reads_its_output() -> None:
    parts = mac(**FILL), req(pushes=bits(Semaphore.REQ_MAC)), mac(half=1, **FILL, pops=bits(Semaphore.REQ_MAC))
    assert issues(*parts)[2] == 18


@pytest.mark.parametrize(
    "parts",
    [
        (mac(**FILL, **POP_DMA),),
        (mac(**FILL, **POP_DMA), load(**PUSH_MAC)),
        (load(**PUSH_MAC), mac(first=1, **POP_DMA), mac(last=1, **POP_DMA)),
        (mac(**FILL), req(pushes=bits(Semaphore.REQ_MAC), pops=bits(Semaphore.REQ_MAC))),
    ],
)
def test_a_pop_without_an_earlier_push_is_a_hazard(parts: tuple[Instruction, ...]) -> None:
    with pytest.raises(HazardError, match="must follow its push"):
        timeline(program(*parts))


@pytest.mark.parametrize(
    ("parts", "culprit"),
    [
        ((mac(**FILL), mac(**FILL)), r"1 \(MAC\)"),
        ((mac(first=1), mac(first=1)), r"1 \(MAC\)"),
        ((mac(last=1),), r"0 \(MAC\)"),
        ((mac(**FILL), mac(last=1)), r"1 \(MAC\)"),
        ((mac(**FILL), merge()), r"1 \(MERGE\)"),
        ((mac(first=1), req()), r"1 \(REQ\)"),
        ((mac(**FILL), req(half=1)), r"1 \(REQ\)"),
        ((mac(**FILL), req(), req()), r"2 \(REQ\)"),
    ],
)
def test_a_half_in_the_wrong_state_is_a_hazard(parts: tuple[Instruction, ...], culprit: str) -> None:
    with pytest.raises(HazardError, match=f"instruction {culprit}: bank half . must be"):
        timeline(program(*parts))


def repeated(small: Program, count: int) -> Program:
    return replace(small, code=small.code * count, layer_of=np.tile(small.layer_of, count))


def many_pushes(count: int) -> Program:
    return repeated(program(load(**PUSH_MAC)), count)


def test_a_semaphore_holds_65535_tokens() -> None:
    assert timeline(many_pushes(65535)).cycles > 0
    with pytest.raises(HazardError, match=r"instruction 65535 \(LOAD\): semaphore DMA_MAC must hold at most 65535"):
        timeline(many_pushes(65536))


def test_tokens_that_are_taken_leave_room_for_others() -> None:
    taken = program(load(pushes=bits(Semaphore.DMA_VEC)), lut(**POP_IN_VEC))
    assert timeline(repeated(taken, 65536)).cycles > 65536


def test_cycles_are_counted_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = program(mac(**FILL))  # the last commit is in cycle 13
    monkeypatch.setattr(timing_schedule, "CYCLE_LIMIT", 14)
    assert timeline(parts).cycles == 14
    for limit in (13, 12):
        monkeypatch.setattr(timing_schedule, "CYCLE_LIMIT", limit)
        with pytest.raises(ProgramError, match=r"cycles must be less than 2\*\*62, not 13"):
            timeline(parts)


def test_chains_take_no_trees() -> None:
    with pytest.raises(ProgramError, match="reduction must be the hardware's, CHAIN"):
        timeline(program(mac(**FILL), hardware=CHAIN))


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        (chained(**FILL), "reduction must be the hardware's, TREE"),
        (mac(private_x=1, channels=1, kh=2, kw=2, k_count=4, stride_x=0, **FILL), "stride_x must be at least 1"),
        (
            Pool(
                out_h=2,
                out_w=2,
                kh=1 << 15,
                kw=1 << 15,
                channels=1 << 16,
                tile_h=1,
                tile_w=1,
                pixel_pitch=1,
                out_addr=1 << 20,
            ),
            "must be less than 2",
        ),
        (load(0), "must be at least 1"),
        (merge(parts=1, last=1), "parts"),
        (lut(pops=bits(Semaphore.DMA_MAC)), "must name semaphores of its engine"),
    ],
)
def test_illegal_instructions_are_refused(instruction: Instruction, message: str) -> None:
    hardware = TREE.replace(act_spad_bytes=1 << 21)
    with pytest.raises(ProgramError, match=message):
        timeline(program(instruction, hardware=hardware))


def test_times_are_those_of_the_pinned_hardware() -> None:
    code = encode([mac(**FILL)])
    slow = program(mac(**FILL), hardware=TREE.replace(w_port_bytes=1))  # Tw = 16: groups at 17, 33, 49, 65
    assert slow.code == code
    assert timeline(slow).end.tolist() == [69]
