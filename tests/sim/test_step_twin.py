"""The step twin: hand-counted cycles, its own alarms, and equality with the closed form on random programs."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fxsim
from fxsim._core.errors import HazardError, ProgramError
from fxsim.hw import Hardware, presets
from fxsim.isa import Init, Instruction, Load, Lut, Mac, Merge, Order, Program, Req, Semaphore, Store
from fxsim.lowering import check_program, lower
from fxsim.sim.reference import Steps, step
from fxsim.sim.reference.work import Work, x_beats
from fxsim.sim.timing import timeline
from fxsim.testing import programs
from tests.given import NETWORKS, given_folder
from tests.own import MODELS

PAPER = Hardware.load("paper-4x4")
CHAIN = PAPER.replace(reduction="chain")
LONG = ("tflm_person_detect_int8", "paper-4x4")
TILE = Mac(
    first=1,
    last=1,
    load_params=1,
    rows=4,
    positions=2,
    out_w=2,
    kh=1,
    kw=1,
    channels=8,
    k_count=8,
    pixel_pitch=8,
    tile_h=1,
    tile_w=2,
    stride_y=1,
    stride_x=1,
    dil_y=1,
    dil_x=1,
    depth_mult=1,
)
DRAIN = Req(rows=4, positions=2, out_w=2)


def mask(*semaphores: Semaphore) -> int:
    return sum(1 << s for s in semaphores)


def test_no_program_takes_no_cycle() -> None:
    assert step([], PAPER) == Steps([], [], 0)


def test_three_engines_counted_by_hand() -> None:
    program: list[Instruction] = [
        Load(rows=1, row_bytes=64, pushes=mask(Semaphore.DMA_MAC)),  # accepted at 0, beats 10..25
        replace(TILE, pops=mask(Semaphore.DMA_MAC)),  # issued at 26, 4 records 27..30, beats 31..34, stage 4 at 38
        replace(DRAIN, pushes=mask(Semaphore.REQ_DMA)),  # full from 39: 8 beats 39..46, 2 stages more
        replace(TILE, load_params=0),  # half free from 47: issued at 47, tile beat 48, beats 49..52
        replace(DRAIN, pushes=mask(Semaphore.REQ_VEC)),  # 57..64
        Store(rows=1, row_bytes=8, pops=mask(Semaphore.REQ_DMA)),  # 49, then 10 cycles of latency and 16 beats
        Lut(count=8, pops=mask(Semaphore.REQ_VEC)),  # 67, 2 steps and 4 stages
    ]
    assert step(program, PAPER) == Steps([0, 31, 39, 49, 57, 49, 67], [25, 38, 48, 56, 66, 74, 73], 75)


def test_chain_keeps_and_merges_behind_the_recurrence() -> None:
    part = replace(TILE, load_params=0, last=0, positions=1, k_count=4)
    program = [
        part,  # issued at 0, tile beat 1, x beat 2; R = 4 stages, written by stage 6
        replace(part, first=0, init=Init.KEEP),  # issue 2, tile beat 3; the slot is readable from 6 on
        replace(part, first=0, slot=1, init=Init.ZERO),  # issue 6, tile beat 7
        Merge(last=1, rows=4, positions=1, slot=0, parts=2),  # behind 8 and R more cycles
    ]
    assert step(program, CHAIN) == Steps([2, 6, 8, 13], [8, 12, 14, 19], 20)


def test_a_slot_read_too_soon_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gap of the closed form is what the accumulator needs: without it the twin's bank raises the alarm."""
    right = Work.of
    monkeypatch.setattr(Work, "of", lambda *arguments: replace(right(*arguments), gap=0))
    part = replace(TILE, load_params=0, last=0, positions=1, k_count=4)
    with pytest.raises(HazardError, match="instruction 1: an accumulator must be written before it is read"):
        step([part, replace(part, first=0, init=Init.KEEP)], CHAIN)


def test_a_beat_refused_within_a_group_moves_everything_behind_it() -> None:
    program = [replace(TILE, last=0), replace(TILE, first=0, load_params=0, init=Init.KEEP), DRAIN]
    free = step(program, PAPER)
    late = step(program, PAPER, lambda port, cycle: port == "x" and cycle == free.start[0] + 1)
    assert late.start == [free.start[0], free.start[1] + 1, free.start[2] + 1]
    assert late.end == [cycle + 1 for cycle in free.end]


def test_next_tile_loads_in_the_shadow_of_the_last_group() -> None:
    slow = PAPER.replace(w_port_bytes=2)  # 8 beats per tile
    steps = step([TILE, replace(TILE, half=1)], slow)
    assert steps.start == [9, 25]  # groups at 9 and 17; the tile of the second MAC is fetched 17..24


@pytest.mark.parametrize(
    ("change", "beats"),
    [
        ({}, [[1, 1], [1, 1]]),
        ({"x_wide": 1, "pixel_pitch": 16}, [[2, 2], [2, 2]]),
        ({"pixel_pitch": 4, "channels": 4, "kw": 2}, [[1, 1], [1, 1]]),
        ({"pixel_pitch": 2, "channels": 2, "kw": 4}, [[1, 1], [1, 1]]),
        ({"pixel_pitch": 3, "channels": 2, "kw": 4}, [[2, 2], [2, 2]]),
        ({"pixel_pitch": 1, "channels": 2, "kw": 4}, [[2, 2], [2, 2]]),
        ({"pixel_pitch": 2, "channels": 2, "kw": 4, "dil_x": 2}, [[2, 2], [2, 2]]),
        ({"pixel_pitch": 2, "channels": 2, "kw": 4, "order": Order.REVERSED}, [[2, 2], [2, 2]]),
        ({"pixel_pitch": 2, "channels": 2, "kw": 2, "kh": 2, "dil_y": 2}, [[1, 1], [1, 1]]),
        ({"pixel_pitch": 1, "channels": 1, "kw": 3, "kh": 3, "k_count": 9}, [[2, 2], [2, 2], [1, 1]]),
    ],
)
def test_x_runs(change: dict[str, Any], beats: list[list[int]]) -> None:
    assert x_beats(replace(TILE, **change), PAPER) == beats


@pytest.mark.parametrize(
    ("change", "beats"),
    [
        ({}, [[4, 2, 2]]),
        ({"stride_x": 2}, [[4, 4, 4]]),
        ({"dil_x": 2}, [[4, 4, 4]]),
        ({"ox_start": 6}, [[4, 4, 4]]),
        ({"x_wide": 1}, [[8, 4, 4]]),
        ({"x_wide": 1, "depth_mult": 2}, [[4, 2, 2]]),
        ({"x_wide": 1, "depth_mult": 2, "row_base": 1}, [[8, 4, 4]]),
        ({"kh": 3, "k_count": 6}, [[4, 4, 4], [2, 2, 2]]),
        ({"k_start": 1, "k_count": 3}, [[3, 3, 3]]),
    ],
)
def test_private_x_latches_columns_of_the_window(change: dict[str, Any], beats: list[list[int]]) -> None:
    mac = replace(TILE, private_x=1, channels=1, kh=2, kw=2, k_count=4, positions=3, out_w=8)
    assert x_beats(replace(mac, **change), PAPER) == beats


@pytest.mark.parametrize(
    "program",
    [
        [replace(TILE, pops=mask(Semaphore.DMA_MAC))],  # a token that nobody pushes
        [DRAIN],  # a half that nobody fills
        [TILE, TILE],  # a half that nobody frees
        [replace(TILE, first=0, last=1)],  # a half that was never taken
    ],
)
def test_a_machine_at_rest_is_an_error(program: list[Instruction]) -> None:
    with pytest.raises(HazardError):
        step(program, PAPER)


def test_an_instruction_without_work_is_an_error() -> None:
    for empty in (
        replace(TILE, k_count=0),
        replace(TILE, rows=0),
        Merge(rows=1, positions=1, parts=1),
        Load(rows=1),
        Lut(),
        replace(DRAIN, positions=0),
    ):
        with pytest.raises(ProgramError, match="work"):
            step([TILE, empty] if isinstance(empty, Req) else [empty], PAPER)


@pytest.mark.slow
def test_a_semaphore_holds_sixteen_bits() -> None:
    quick = PAPER.replace(dram_latency=1, dram_bytes_per_cycle=64, dram_outstanding=2)
    push = Load(rows=1, row_bytes=1, pushes=mask(Semaphore.DMA_VEC))
    step([push] * 65535, quick)
    with pytest.raises(HazardError, match="DMA_VEC must hold at most 65535"):
        step([push] * 65536, quick)


def assert_equal_to_closed_form(program: Program) -> None:
    line = timeline(program)
    assert step(program.instructions, program.hardware) == Steps(line.start.tolist(), line.end.tolist(), line.cycles)


@given(programs(60))
def test_random_programs_are_legal(program: Program) -> None:
    program.check()
    check_program(program)
    assert len(program) <= 60


@given(programs())
def test_closed_form_on_random_machines(program: Program) -> None:
    assert_equal_to_closed_form(program)


@given(programs(40, st.sampled_from([Hardware.load(name) for name in presets()])))
def test_closed_form_on_presets(program: Program) -> None:
    assert_equal_to_closed_form(program)


def test_closed_form_on_a_network() -> None:
    network = fxsim.load(MODELS / "digits_cnn.tflite")
    for name in presets():
        assert_equal_to_closed_form(lower(network, Hardware.load(name)))


@pytest.mark.slow
@pytest.mark.parametrize("preset", presets())
def test_closed_form_on_a_residual_network(preset: str) -> None:
    assert_equal_to_closed_form(lower(fxsim.load(MODELS / "digits_resnet.tflite"), Hardware.load(preset)))


@pytest.mark.slow
@pytest.mark.parametrize("preset", presets())
@pytest.mark.parametrize("name", NETWORKS)
def test_closed_form_on_given_networks(name: str, preset: str) -> None:
    if (name, preset) == LONG and os.environ.get("HYPOTHESIS_PROFILE") != "nightly":
        pytest.skip("662,000 cycles, one by one: in make nightly")
    network = fxsim.load(given_folder() / f"{name}.tflite")
    assert_equal_to_closed_form(lower(network, Hardware.load(preset)))
