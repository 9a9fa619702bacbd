"""Programs with data: legal, within the machine's widths, hazard-free by their token alone, and worth running."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fxsim._core.errors import HazardError
from fxsim.hw import Hardware
from fxsim.isa import Engine, Init, Instruction, Load, Mac, Merge, Program, Req, Space, ZeroPoint, encode
from fxsim.isa.machine import Counters
from fxsim.isa.reference import PlainMachine, run_plain
from fxsim.lowering import check_program
from fxsim.numerics import SCHEMES, IntFormat, Requant, scheme_of
from fxsim.testing import hardware, programs, programs_with_data
from fxsim.testing.programs import _Choice
from tests.testing.reach import draws, unseen


@st.composite
def machines(draw: st.DrawFn) -> Hardware:
    """Machines of any scheme and narrow accumulators."""
    machine = draw(hardware())
    scheme = draw(st.sampled_from(("profile", *SCHEMES)))
    narrow = draw(st.sampled_from((2, 9, 31, 32))) if scheme != "profile" and SCHEMES[scheme].significand > 1 else 32
    return machine.replace(
        acc_bits=draw(st.sampled_from((8, 12, 16, 24))),
        requantizer=scheme,
        multiplier_bits=narrow,
        multipliers=draw(st.sampled_from(("channel", "tensor"))),
        bias_bits=draw(st.sampled_from((32, 48, 64))),
    )


def prologue_of(program: Program) -> list[Load]:
    """The LOADs in front: they read one constant after the other, from the first on."""
    end, loads = 0, []
    for i in program.instructions:
        if not isinstance(i, Load) or i.rows > 1 or i.dram_addr != end or end >= len(program.constants) - 2304:
            break
        loads.append(i)
        end += i.row_bytes
    return loads


@settings(max_examples=30)
@given(programs_with_data(12, machines()))
def test_programs_are_legal_and_of_the_widths_of_the_machine(program: Program) -> None:
    check_program(program)
    assert len(program) <= 12 + 5
    numerics = program.hardware.numerics

    def check(i: Instruction, machine: PlainMachine) -> None:
        if isinstance(i, Mac):
            for name, bits, values in operands_of(i, machine, numerics.act_bits, numerics.weight_bits):
                fmt = IntFormat(bits, bool(getattr(i, f"{name}_signed")))
                assert fmt.contains(getattr(i, f"{name}_zero"))
                assert all(map(fmt.contains, values))
        if isinstance(i, Req):
            records = [machine.row(i.half, row) for row in range(i.rows)]
            assert all(IntFormat(numerics.bias_bits).contains(bias) for bias, _ in records)
            words = [word - (word >> 63 << 64) for _, word in records]
            requant = Requant.from_words(np.array(words), scheme_of(i.scheme))
            if scheme_of(i.scheme).name == "TFL_DOUBLE":
                assert all(significant_bits(int(m)) < numerics.multiplier_bits for m in requant.multiplier)
            assert not i.one_word or len(set(words)) == 1

    run_plain(program, {}, check)


def operands_of(mac: Mac, machine: PlainMachine, *bits: int) -> list[tuple[str, int, list[int]]]:
    """Codes of x and w that the MAC of one position and row reads, padded taps aside."""
    stream = range(mac.k_start, mac.k_start + mac.k_count)
    pairs = [mac.operands(machine, mac.positions - 1, mac.rows - 1, j) for j in stream]
    subtracted = mac.x_zero if mac.zero_point is ZeroPoint.SUBTRACT else 0
    return [
        ("x", bits[0], [x + subtracted for x, _ in pairs]),
        ("w", bits[1], [w + mac.w_zero for _, w in pairs]),
    ]


def significant_bits(number: int) -> int:
    """Bits from the first to the last 1."""
    return len(f"{number:b}".rstrip("0"))


def accumulators(i: Mac | Merge | Req) -> set[tuple[int, int]]:
    """(slot, row) of the accumulators that an instruction works on."""
    slots = i.positions * (i.parts if isinstance(i, Merge) else 1)
    return {(slot, row) for slot in range(i.slot, i.slot + slots) for row in range(i.rows)}


def check_nothing_stale_is_read(program: Program) -> None:
    """What is kept, merged or requantized has been written since the half was free; REQ reads loaded records."""
    written: tuple[set[tuple[int, int]], ...] = (set(), set())
    records = [0, 0]
    for i in program.instructions:
        if isinstance(i, Mac) and i.first:
            written[i.half].clear()
        if isinstance(i, Mac) and i.load_params:
            records[i.half] = i.rows
        if isinstance(i, Mac) and i.init is not Init.KEEP:
            written[i.half].update(accumulators(i))
            assert i.init is Init.ZERO or i.rows <= records[i.half]
        elif isinstance(i, Mac | Merge | Req):
            assert accumulators(i) <= written[i.half]
            assert not isinstance(i, Req) or i.rows <= records[i.half]


@settings(max_examples=30)
@given(programs_with_data(20))
def test_nothing_stale_is_read(program: Program) -> None:
    check_nothing_stale_is_read(program)


KEEPING = st.builds(
    _Choice,
    engine=st.just(Engine.MAC),
    shape=st.integers(0, 7),
    half=st.just(0),
    last=st.just(False),
    load=st.just(False),
    merge=st.sampled_from((False, False, True)),
    init=st.sampled_from((Init.ZERO, Init.KEEP)),
    pops=st.just(0),
    pushes=st.just(0),
)
"""One half that is filled to the end: shapes of several heights continue and merge each other's accumulators."""


def test_shapes_that_reach_beyond_what_is_written_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs as they are drawn hold such a shape too seldom: in 3 of 100."""
    monkeypatch.setattr(import_module("fxsim.testing.programs"), "_CHOICES", KEEPING)
    drawn = list(draws(programs(12, st.just(Hardware(name="tall", rows=4, cols=2, acc_depth=8))), 80))
    for program in drawn:
        check_nothing_stale_is_read(program)
    assert sum(has(program, Mac, init=Init.KEEP) and has(program, Merge) for program in drawn) >= 10


@settings(max_examples=20)
@given(programs_with_data(12))
def test_data_waits_for_tokens_alone(program: Program) -> None:
    """Weights and records are certainly read, which is a hazard once nobody waits."""
    loads = prologue_of(program)
    assert bool(loads) == any(program.constants)
    if not any(load.space in (Space.WEIGHT, Space.PARAM) for load in loads):
        return
    code = encode([replace(i, pops=0, pushes=0) for i in program.instructions])
    with pytest.raises(HazardError):
        check_program(replace(program, code=code))


def run(program: Program) -> list[Counters]:
    return list(run_plain(program, {}).counters.values())


def has(program: Program, kind: type[Instruction], **fields: Any) -> bool:
    wanted = fields.items()
    return any(isinstance(i, kind) and all(getattr(i, k) == v for k, v in wanted) for i in program.instructions)


def codes_of(program: Program) -> list[tuple[Req, list[int]]]:
    """Codes of row 0, position 0 that each REQ writes, as its `clamp_lo` reads them."""
    seen: list[tuple[Req, list[int]]] = []

    def before(i: Instruction, machine: PlainMachine) -> None:
        if seen and not seen[-1][1]:
            req, found = seen[-1]
            address = req.out_addr + req.ox_start // req.out_w * req.out_row_pitch
            address += req.ox_start % req.out_w * req.out_pitch
            data = machine.read(Space.ACT, address, 1 + req.out_wide)
            found.append(int.from_bytes(data, "little", signed=req.clamp_lo < 0))
        if isinstance(i, Req):
            seen.append((i, []))

    run_plain(program, {}, before)
    return [(req, found) for req, found in seen if found]


REACHED: dict[str, Callable[[Program], bool]] = {
    "overflow": lambda p: any(c.overflow_events for c in run(p)),
    "an overflowing bias": lambda p: any(c.bias_overflow_count for c in run(p)),
    "an overflow behind a MERGE": lambda p: has(p, Merge) and any(c.overflow_count for c in run(p)),
    "unsigned activations": lambda p: has(p, Mac, x_signed=0),
    "unsigned weights": lambda p: has(p, Mac, w_signed=0),
    "private x": lambda p: has(p, Mac, private_x=1),
    "both halves": lambda p: has(p, Req, half=0) and has(p, Req, half=1),
    "a kept sum": lambda p: has(p, Mac, init=Init.KEEP),
    "a bias": lambda p: has(p, Mac, init=Init.BIAS),
    "a bias at the read-out": lambda p: has(p, Req, add_bias=1),
    "a code inside the clamp": lambda p: any(
        r.clamp_lo < v[0] < r.clamp_hi and v[0] != r.out_zero for r, v in codes_of(p)
    ),
    "a code at the upper limit": lambda p: any(v[0] == r.clamp_hi > r.clamp_lo for r, v in codes_of(p)),
}


def test_programs_reach_what_hardware_gets_wrong() -> None:
    drawn = programs_with_data(16, machines())
    assert not unseen(drawn, lambda p: [what for what, mark in REACHED.items() if mark(p)], REACHED)
