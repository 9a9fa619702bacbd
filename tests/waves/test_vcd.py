"""Waveforms, read back: every signal in every cycle as the step twin and the plain machine have it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim import lower
from fxsim._core.errors import InputError, MissingDependencyError, ProgramError
from fxsim.hw import Hardware
from fxsim.isa import Mac, Merge, Program, Req, Semaphore
from fxsim.sim import HalfState, timeline
from fxsim.testing import Chain, programs, programs_with_data
from fxsim.waves import save_vcd
from tests.sim.plain_sites import Sums, plain_sites
from tests.sim.timing_cases import load, mac, req
from tests.sim.timing_cases import program as small_program
from tests.sim.watched import watch
from tests.waves.dumped import Dumped
from tests.waves.test_perfetto import clocked, uses_a_folder

if TYPE_CHECKING:
    from pathlib import Path

Column = list[int | None]
STATES = [state.name for state in HalfState]
SMALL = Hardware.load("paper-4x4").replace(act_spad_bytes=1 << 16)


def traceable(drawn: st.SearchStrategy[Program]) -> st.SearchStrategy[Program]:
    return drawn.filter(lambda program: len(program) > 0)


def dump(program: Program, folder: Path, x: Any = None, layer: str | None = None) -> Dumped:
    path = folder / "waves.vcd"
    cycles = save_vcd(program, path, x, layer=layer)
    found = Dumped(path)
    assert found.cycles == cycles
    return found


@uses_a_folder
@given(traceable(programs(max_instructions=16)))
def test_control_is_that_of_the_step_twin(tmp_path: Path, program: Program) -> None:
    found, seen, code = dump(program, tmp_path), watch(program), program.instructions
    cycles = found.cycles
    assert cycles == len(seen.place) - 1
    place = seen.place[:cycles]
    beats = [p if p is not None else (None, None, None) for p in place]
    for k, name in enumerate(("instruction", "group", "position")):
        assert found.number(f"sequencer.{name}") == [beat[k] for beat in beats]
    assert found.text("sequencer.op") == ["" if p is None else code[p.number].mnemonic for p in place]
    assert found.flag("sequencer.beat") == [p is not None for p in place]
    following = [*place[1:], None]
    last = [p is not None and (q is None or p[:3] != q[:3]) for p, q in zip(place, following, strict=True)]
    assert found.flag("sequencer.issue") == last
    assert found.flag("ports.x") == [p is not None and isinstance(code[p.number], Mac) for p in place]
    assert found.flag("ports.w") == seen.w[:cycles]
    assert found.flag("ports.p") == seen.p[:cycles]
    for half in (0, 1):
        assert found.text(f"bank.half{half}") == [STATES[halves[half]] for halves in seen.halves[:cycles]]
    for semaphore in Semaphore:
        assert found.number(f"tokens.{semaphore.name}") == [tokens[semaphore] for tokens in seen.tokens[:cycles]]


@uses_a_folder
@given(traceable(programs(max_instructions=16)))
def test_layers_and_charges_add_up_to_the_counters(tmp_path: Path, program: Program) -> None:
    """Charges cycle by cycle are proved where spans are: here they are counted."""
    found, times = dump(program, tmp_path), timeline(program)
    layers, charges = found.text("layer"), found.text("charge")
    assert layers == [e.name for e, t in zip(program.layers, times.layers, strict=True) for _ in range(t.cycles)]
    for timing in times.layers:
        window = charges[timing.begin : timing.begin + timing.cycles]
        expected = {"compute": timing.compute_cycles} | timing.stalls
        assert {name: window.count(name) for name in set(window)} == {name: n for name, n in expected.items() if n}


@uses_a_folder
@given(traceable(programs_with_data(max_instructions=16)))
def test_values_are_those_of_the_plain_machine(tmp_path: Path, program: Program) -> None:
    check_values(program, dump(program, tmp_path), {})


@pytest.mark.parametrize(
    "changes",
    [
        {"acc_bits": 13, "overflow": "wrap"},
        {"acc_bits": 11, "overflow": "readout", "acc_internal_bits": 14, "split_k": 3},
        {"reduction": "chain", "acc_bits": 12, "overflow": "saturate", "bias_policy": "apply"},
        {"acc_bits": 13, "inner_bits": 12, "inner_products": 8, "split_k": 2},
    ],
)
@pytest.mark.slow
def test_values_of_a_network(tmp_path: Path, changes: dict[str, Any]) -> None:
    net = Chain((1, 4, 5, 3), seed=5).conv(5, stride_h=2).depthwise(2).conv(3, (1, 1)).build()
    program = lower(net, SMALL.replace(**changes))
    x = np.random.default_rng(1).integers(-128, 128, (1, 4, 5, 3)).astype(np.int8)
    found = dump(program, tmp_path, x)
    assert found.bits["bank.row0"] == changes.get("acc_internal_bits", changes["acc_bits"])
    assert any(any(found.flag(f"bank.overflow{row}")) for row in range(4))
    if "inner_bits" in changes:
        assert found.bits["inner.row0"] == changes["inner_bits"]
        assert any(any(found.flag(f"inner.overflow{row}")) for row in range(4))
    check_values(program, found, {"x": x.tobytes()})


def check_values(program: Program, found: Dumped, inputs: dict[str, bytes]) -> None:
    """Compare every write of the bank and of the requantizer: cycles by the step twin, values by the plain machine."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        sums, inner, codes = plain_sites(program, inputs, monkeypatch)
    check_sums(program, found, "bank", sums)
    if program.columns.table(Mac).inner_bits.any():
        check_sums(program, found, "inner", inner)
    else:
        assert not any(name.startswith("inner.") for name in found.bits)
    check_codes(program, found, {site[:3]: code for site, code in codes.items()})


def check_sums(program: Program, found: Dumped, scope: str, expected: Sums) -> None:
    hw, seen, cycles = program.hardware, watch(program), found.cycles
    written = {name: blank(cycles) for name in ("instruction", "group", "position", "half", "slot")}
    rows = [blank(cycles) for _ in range(hw.timing.rows)]
    flags = [[False] * cycles for _ in rows]
    issued = {place[:3]: cycle for cycle, place in enumerate(seen.place) if place is not None}
    writes = {site[:3] for site in expected}
    for (number, group, position), cycle in issued.items():
        if (number, group, position) not in writes:
            continue
        sums = program.instructions[number]
        assert isinstance(sums, Mac | Merge)
        last = max(c for (i, _, _), c in issued.items() if i == number)
        commit = cycle + seen.end[number] - last
        place = (number, group, position, sums.half, sums.slot + position)
        for column, value in zip(written.values(), place, strict=True):
            column[commit] = value
        for row in range(sums.rows):
            rows[row][commit], events = expected[number, group, position, row]
            flags[row][commit] = events > 0
    for name, column in written.items():
        assert found.number(f"{scope}.{name}") == column
    assert found.flag(f"{scope}.write") == [number is not None for number in written["slot"]]
    assert [found.signed(f"{scope}.row{row}") for row in range(len(rows))] == rows
    assert [found.flag(f"{scope}.overflow{row}") for row in range(len(rows))] == flags
    assert f"{scope}.row{len(rows)}" not in found.bits


def check_codes(program: Program, found: Dumped, expected: dict[tuple[int, ...], int]) -> None:
    hw, cycles = program.hardware.timing, found.cycles
    read = {name: blank(cycles) for name in ("instruction", "position", "row")}
    written = {name: blank(cycles) for name in ("address", "count")}
    lanes = [blank(cycles) for _ in range(hw.requant_lanes)]
    beat = 0
    before = None
    for cycle, number in enumerate(watch(program).requantizer):
        if number is None:
            continue
        beat, before = (beat + 1 if number == before else 0), number
        req = program.instructions[number]
        assert isinstance(req, Req)
        position, group = divmod(beat, -(-req.rows // hw.requant_lanes))
        row, commit = group * hw.requant_lanes, cycle + hw.requant_latency
        for name, value in zip(read, (number, position, row), strict=True):
            read[name][cycle] = value
        y, column = divmod(req.ox_start + position, req.out_w)
        place = req.out_addr + y * req.out_row_pitch + column * req.out_pitch + row * (1 + req.out_wide)
        written["address"][commit], written["count"][commit] = place, min(hw.requant_lanes, req.rows - row)
        for lane in range(min(hw.requant_lanes, req.rows - row)):
            lanes[lane][commit] = expected[number, position, row + lane]
    for name, values in (read | written).items():
        assert found.number(f"requantizer.{name}") == values
    assert found.flag("requantizer.beat") == [row is not None for row in read["row"]]
    assert found.flag("ports.y") == [count is not None for count in written["count"]]
    assert [found.signed(f"requantizer.code{lane}") for lane in range(len(lanes))] == lanes


def blank(cycles: int) -> Column:
    return [None] * cycles


@pytest.mark.parametrize(
    ("mhz", "timescale", "edges"),
    [
        (1, "100 ns", [0, 5, 10, 15]),
        (100, "1 ns", [0, 5, 10, 15]),
        (500, "1 ns", [0, 1, 2, 3]),
        (1000, "100 ps", [0, 5, 10, 15]),
        (700, "1 fs", [0, 714285, 1428571, 2142857]),
        (99_999, "1 fs", [0, 5000, 10000, 15000]),
        (100_000, "1 ps", [0, 5, 10, 15]),
    ],
)
def test_the_clock_has_its_frequency(tmp_path: Path, mhz: int, timescale: str, edges: list[int]) -> None:
    program = clocked(small_program(load()), mhz)
    found = dump(program, tmp_path)
    assert (found.timescale, found.edges[:4]) == (timescale, edges)
    assert found.number("cycle") == list(range(found.cycles))
    assert found.flag("clk") == [True] * found.cycles
    assert found.end == (found.cycles * 10**9 // mhz if timescale == "1 fs" else found.cycles * edges[2])


@uses_a_folder
@given(traceable(programs_with_data(max_instructions=16)), st.data())
def test_a_layer_is_a_window_of_the_whole(tmp_path: Path, program: Program, data: st.DataObject) -> None:
    layers = [k for k, timing in enumerate(timeline(program).layers) if timing.cycles]
    check_window(program, data.draw(st.sampled_from(layers)), tmp_path)


def check_window(program: Program, k: int, folder: Path) -> int:
    """Compare the trace of layer `k` with that part of the whole trace; the first cycle."""
    timing = timeline(program).layers[k]
    stop = timing.begin + timing.cycles
    start = stop - timing.span
    whole, part = dump(program, folder), dump(program, folder, layer=program.layers[k].name)
    assert part.edges == whole.edges[2 * start : 2 * stop]
    for name, bits in whole.bits.items():
        read = Dumped.number if bits else Dumped.text
        assert read(part, name) == read(whole, name)[start:stop]
    return start


def test_a_write_in_the_first_cycle_of_a_window_is_shown(tmp_path: Path) -> None:
    # MAC 0: beat 3, commit 7. MAC 1: issued 3, three records until 7, beat 7.
    sums = {"k_count": 4, "first": 1, "last": 1}
    program = small_program(mac(**sums), mac(**sums, half=1, load_params=1, rows=3), layer_of=[0, 1])
    assert int(timeline(program).end[0]) == check_window(program, 1, tmp_path) == 7
    assert Dumped(tmp_path / "waves.vcd").flag("bank.write")[0]


def test_long_traces_are_written_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = small_program(load(), mac(first=1, last=1, load_params=1), req())
    path = tmp_path / "waves.vcd"
    save_vcd(program, path)
    whole = path.read_bytes()
    for block in (1, 7):
        monkeypatch.setattr("fxsim.waves.vcd._BLOCK", block)
        save_vcd(program, path)
        assert path.read_bytes() == whole


def test_names_stand_in_ascii_and_nothing_stands_for_the_day(tmp_path: Path) -> None:
    program = small_program(load())
    named = replace(program, name="näme", layers=tuple(replace(e, name="a λ\tb") for e in program.layers))
    found = dump(named, tmp_path)
    assert found.comment == f"n\\xe4me on {program.hardware.name}"
    assert set(found.text("layer")) == {"a\\x20\\u03bb\\tb"}


def test_what_cannot_be_shown_is_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "waves.vcd"
    net = Chain((1, 4, 5, 3), seed=5).conv(5).build()
    with pytest.raises(InputError):
        save_vcd(lower(net, SMALL), path)
    with pytest.raises(ProgramError, match="layer must be one of"):
        save_vcd(small_program(load()), path, layer="none")
    monkeypatch.setitem(sys.modules, "vcd", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'fxsim\[waves\]'"):
        save_vcd(small_program(load()), path)
    assert list(tmp_path.iterdir()) == []
