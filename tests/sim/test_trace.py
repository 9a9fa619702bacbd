"""The trace: bank writes and requantizer beats against the plain machine (values) and the step twin (cycles)."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from fxsim import lower
from fxsim._core.errors import InputError, ProgramError
from fxsim.hw import Hardware
from fxsim.isa import Mac, Merge, Program
from fxsim.isa.reference import run_plain
from fxsim.sim import MacTrace, mac_trace
from fxsim.sim.reference import step
from fxsim.testing import Chain, programs
from tests.sim.plain_sites import Site, Sums, plain_sites

Ints = NDArray[np.int64]
SMALL = Hardware.load("paper-4x4").replace(act_spad_bytes=1 << 16)


@given(programs(max_instructions=60))
def test_cycles_are_the_step_twin_s(program: Program) -> None:
    trace, steps = mac_trace(program), step(program.instructions, program.hardware)
    issues, beats = trace.issues, trace.beats
    places = [issues.cycle, issues.instruction, issues.group, issues.position]
    assert np.stack(places, axis=1).tolist() == [list(entry) for entry in steps.issues]
    lanes = program.hardware.timing.requant_lanes
    rows = np.array([program.instructions[i].rows for i in beats.instruction.tolist()], np.int64)
    number = beats.position * -(-rows // lanes) + beats.row // lanes
    assert np.stack([beats.cycle, beats.instruction, number], axis=1).tolist() == [list(e) for e in steps.reads]


def network() -> Chain:
    return Chain((1, 5, 6, 3), seed=5).conv(5, stride_h=2).depthwise(2).conv(3, (1, 1))


@pytest.mark.parametrize(
    "changes",
    [
        {"acc_bits": 13, "overflow": "wrap"},
        {"acc_bits": 12, "overflow": "saturate", "bias_policy": "apply", "zero_point": "subtract"},
        {"acc_bits": 11, "overflow": "readout", "acc_internal_bits": 14, "split_k": 3},
        {"reduction": "chain", "acc_bits": 13, "split_k": 2, "acc_depth": 16},
        {"acc_bits": 11, "overflow": "trap", "split_k": 3, "bias_policy": "apply"},
        {"reduction": "chain", "acc_bits": 14, "overflow": "trap", "order": "reversed", "bias_order": "last"},
        {"acc_bits": 13, "inner_bits": 14, "inner_products": 8, "inner_overflow": "saturate", "split_k": 2},
        {"acc_bits": 14, "overflow": "wrap", "reduction": "chain", "inner_bits": 13, "inner_products": 4},
        {"acc_bits": 11, "overflow": "trap", "inner_bits": 15, "inner_products": 12, "bias_policy": "apply"},
        {"acc_bits": 13, "overflow": "readout", "acc_internal_bits": 14, "inner_bits": 14, "inner_products": 8},
    ],
)
@pytest.mark.slow
def test_values_and_events_are_the_plain_machine_s(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    program = lower(network().build(), SMALL.replace(**changes))
    x = np.random.default_rng(1).integers(-128, 128, (1, 5, 6, 3)).astype(np.int8)
    trace = mac_trace(program, x)
    sums, inner, codes = plain_sites(program, {"x": x.tobytes()}, monkeypatch)
    assert seen(trace) == (sums, inner)
    assert any(events for _, events in sums.values())
    assert any(events for _, events in inner.values()) == ("inner_bits" in changes)
    assert {i for i, *_ in sums} == {i for i, c in enumerate(program.instructions) if isinstance(c, Mac | Merge)}
    assert seen_codes(trace) == codes
    first = run_plain(program, {"x": x.tobytes()}).trap
    assert (trace.trap is None) == (first is None) == (changes.get("overflow") != "trap")
    if first is not None and trace.trap is not None:
        assert dataclasses.astuple(trace.trap) == tuple(first)[:5]


def seen(trace: MacTrace) -> tuple[Sums, Sums]:
    """Registers and events of active rows by (instruction, group, position, row): accumulators, inner ones."""
    issues, found = trace.issues, (Sums(), Sums())
    staged = (issues.instruction[:, None] == staged_macs(trace.program)).any(axis=1)
    for i, place in enumerate(
        zip(issues.instruction.tolist(), issues.group.tolist(), issues.position.tolist(), strict=True)
    ):
        rows = trace.program.instructions[place[0]].rows
        sides = (issues.stores, issues.values, issues.events), (staged, issues.inner, issues.inner_events)
        for sums, (there, values, events) in zip(found, sides, strict=True):
            active = rows * bool(there[i])
            assert not values[i, active:].any()
            assert not events[i, active:].any()
            pairs = zip(values[i, :active].tolist(), events[i, :active].tolist(), strict=True)
            sums.update({(*place, row): pair for row, pair in enumerate(pairs)})
    return found


def staged_macs(program: Program) -> Ints:
    """Numbers of the MACs with an inner accumulator."""
    macs = program.columns.table(Mac)
    numbers: Ints = macs.index[macs.inner_bits > 0]
    return numbers


def seen_codes(trace: MacTrace) -> dict[Site, int]:
    """Codes by (instruction, position, row, address)."""
    beats, found = trace.beats, {}
    for i, count in enumerate(beats.count.tolist()):
        for lane in range(count):
            place = int(beats.instruction[i]), int(beats.position[i]), int(beats.row[i]) + lane
            found[*place, int(beats.address[i]) + lane] = int(beats.codes[i, lane])
    return found


def test_one_layer_is_a_part_of_the_whole() -> None:
    program = lower(network().build(), SMALL)
    x = np.random.default_rng(2).integers(-128, 128, (1, 5, 6, 3)).astype(np.int8)
    whole, layer = mac_trace(program, x), mac_trace(program, x, layer=program.layers[1].name)
    np.testing.assert_array_equal(mac_trace(program, x, layer=1).issues.values, layer.issues.values)
    part = program.layer_of[whole.issues.instruction] == 1
    np.testing.assert_array_equal(layer.issues.values, whole.issues.values[part])
    np.testing.assert_array_equal(layer.issues.cycle, whole.issues.cycle[part])
    assert 0 < part.sum() < len(part)
    read = program.layer_of[whole.beats.instruction] == 1
    np.testing.assert_array_equal(layer.beats.codes, whole.beats.codes[read])
    assert 0 < read.sum() < len(read)


def test_what_cannot_be_traced_is_refused() -> None:
    program = lower(network().build(), SMALL)
    with pytest.raises(ProgramError, match=r"layer must be one of: .*, not 'nowhere'"):
        mac_trace(program, np.zeros((1, 5, 6, 3), np.int8), layer="nowhere")
    with pytest.raises(InputError, match=r"a trace must be of one sample, not 2"):
        mac_trace(program, np.zeros((2, 5, 6, 3), np.int8))


def test_some_cycles_keep_the_instructions_at_work_in_them() -> None:
    """From the first beat to the last commit; their issues outside are kept too."""
    program = lower(network().build(), SMALL)
    x = np.random.default_rng(2).integers(-128, 128, (1, 5, 6, 3)).astype(np.int8)
    whole = mac_trace(program, x)
    numbers, counts = np.unique(whole.issues.instruction, return_counts=True)
    some = int(numbers[np.argmax(counts)])
    first, last = int(whole.timeline.start[some]), int(whole.timeline.end[some])
    for cycles, kept in ((range(first, first + 1), True), (range(last, last + 1), True), (range(first), False)):
        part = mac_trace(program, x, cycles=cycles)
        assert (some in part.issues.instruction) == kept
        same = np.isin(whole.issues.instruction, part.issues.instruction)
        np.testing.assert_array_equal(part.issues.values, whole.issues.values[same])
        assert len(part.issues.cycle) < len(whole.issues.cycle)
    assert some not in mac_trace(program, x, cycles=range(last + 1, last + 2)).issues.instruction
