"""The executor's values, counters and traps against the instructions' own plain-integer definitions."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import HardwareError, ProgramError, QuantizationError
from fxsim.isa import Init, InnerOverflow, Mac, Merge, Program, Req, encode
from fxsim.isa.reference import run_plain
from fxsim.numerics import Overflow
from fxsim.sim import executor
from fxsim.sim.executor import execute
from fxsim.sim.override import with_numerics
from tests.isa.tiny import tiny_instructions, tiny_program
from tests.sim.value_programs import INPUT, RECORDS_AT, value_programs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.hw import Numerics
    from fxsim.isa.reference import PlainResult
    from fxsim.sim.executor import Execution

TRAP_FIELDS = ("sample", "instruction", "group", "position", "row", "k", "exact")
COUNTERS = ("overflow_events", "overflow_count", "bias_overflow_count", "internal_wraps", "inner_events")


def samples(seed: int, count: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, INPUT), dtype=np.uint8)


def check(program: Program, x: NDArray[np.uint8], run: Execution) -> None:
    results = [run_plain(program, {"x": row.tobytes()}) for row in x]
    expected = np.stack([np.frombuffer(r.bytes_of(program.symbol("y")), np.uint8) for r in results])
    np.testing.assert_array_equal(run.tensors["y"], expected)
    check_counters(program, results, run)
    traps = [(s, *r.trap) for s, r in enumerate(results) if r.trap is not None]
    found = None if run.trap is None else tuple(getattr(run.trap, name) for name in TRAP_FIELDS)
    assert found == (traps[0] if traps else None)


def check_counters(program: Program, results: list[PlainResult], run: Execution) -> None:
    for i, (layer, stats) in enumerate(zip(program.layers, run.stats, strict=True)):
        for channel in range(layer.channels):
            tallies = [r.counters[i, channel] for r in results if (i, channel) in r.counters]
            for name in COUNTERS:
                assert getattr(stats, f"channel_{name}")[channel] == sum(getattr(t, name) for t in tallies), name
            least = [t.acc_min for t in tallies if t.acc_min is not None]
            if least:
                assert stats.channel_acc_min[channel] == min(least)
                assert stats.channel_acc_max[channel] == max(t.acc_max for t in tallies if t.acc_max is not None)


@pytest.mark.parametrize("overflow", list(Overflow), ids=lambda o: o.name)
@given(data=st.data())
def test_equals_the_instructions_own_meaning(overflow: Overflow, data: st.DataObject) -> None:
    program = data.draw(value_programs(overflow))
    x = samples(data.draw(st.integers(0, 9)))
    check(program, x, execute(program, x))


def same(one: Execution, other: Execution) -> None:
    """Both runs agree on everything they report."""
    assert one.tensors.keys() == other.tensors.keys()
    for name, tensor in one.tensors.items():
        np.testing.assert_array_equal(tensor, other.tensors[name])
    assert all(a.same_as(b) for a, b in zip(one.stats, other.stats, strict=True))
    assert one.trap == other.trap


@given(value_programs(), st.integers(0, 9))
def test_the_plain_way_equals_the_checked_way(program: Program, seed: int) -> None:
    """Nothing depends on what could be proved."""
    expected = execute(program, samples(seed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executor, "plain_instructions", lambda _program, fields, _work: np.zeros(len(fields), np.bool_))
        same(execute(program, samples(seed)), expected)


def under(program: Program, numerics: Numerics) -> Program:
    """The program with `numerics` written into its instructions."""
    mode, bits = Overflow[numerics.overflow.upper()], numerics.acc_bits
    code = [
        dataclasses.replace(i, overflow=mode, acc_bits=bits, internal_bits=numerics.acc_internal_bits)
        if isinstance(i, Mac | Merge | Req)
        else i
        for i in program.instructions
    ]
    inner = InnerOverflow[numerics.inner_overflow.upper()]
    code = [
        dataclasses.replace(i, inner_bits=numerics.inner_bits, inner_overflow=inner) if isinstance(i, Mac) else i
        for i in code
    ]
    return dataclasses.replace(program, code=encode(code))


@given(value_programs(), st.integers(0, 9), st.sampled_from(list(Overflow)), st.integers(4, 48), st.integers(0, 16))
def test_numerics_replace_width_and_rule(program: Program, seed: int, overflow: Overflow, bits: int, more: int) -> None:
    own = program.hardware.replace(inner_overflow="wrap")
    if own.numerics.inner_bits:
        own = own.replace(inner_bits=4 + seed)
    numerics = own.replace(overflow=overflow.name.lower(), acc_bits=bits, acc_internal_bits=bits + more).numerics
    same(execute(with_numerics(program, numerics), samples(seed)), execute(under(program, numerics), samples(seed)))


@given(value_programs(longest=2))
def test_numerics_that_constants_express_are_refused(program: Program) -> None:
    changes: dict[str, Any] = {"order": "reversed", "zero_point": "subtract", "split_k": 2, "bias_bits": 48}
    cols, inner = program.hardware.timing.cols, program.hardware.numerics.inner_bits
    changes |= {"bias_order": "last", "inner_products": 2 * cols, "inner_bits": 0 if inner else 9}
    for field, value in changes.items():
        numerics = program.hardware.replace(**{"inner_products": cols, field: value}).numerics
        with pytest.raises(HardwareError, match="inner accumulator" if field == "inner_bits" else field):
            with_numerics(program, numerics)


@given(value_programs(longest=4))
def test_widths_beyond_the_scheme_are_refused(program: Program) -> None:
    wide = program.hardware.replace(acc_bits=64, acc_internal_bits=64).numerics
    schemes = {i.scheme.name for i in program.instructions if isinstance(i, Req)}
    if schemes - {"FP32_RNE"}:
        with pytest.raises(QuantizationError, match="acc_bits"):
            with_numerics(program, wide)


def with_record(program: Program, bias: int, word: int) -> Program:
    """The program with the first row record replaced."""
    image = bytearray(program.constants)
    image[RECORDS_AT : RECORDS_AT + 16] = bias.to_bytes(8, "little", signed=True) + word.to_bytes(8, "little")
    return dataclasses.replace(program, constants=bytes(image))


@pytest.mark.parametrize(("bias", "legal"), [((1 << 62) - 1 - 1270, True), ((1 << 62) - 1270, False), (1 << 62, False)])
def test_a_late_bias_counts_towards_63_bits(bias: int, legal: bool) -> None:
    """The products of row 0 reach 1 * 127 + 2 * 127 + 3 * 127 + 4 * 127 = 1270."""
    code = tiny_instructions(init=Init.ZERO)
    assert isinstance(code[4], Req)
    code[4] = dataclasses.replace(code[4], add_bias=1)
    program = tiny_program(code)
    constants = program.constants[:16] + bias.to_bytes(8, "little", signed=True) + program.constants[24:]
    program = dataclasses.replace(program, constants=constants)
    x = np.full((1, 4), 127, np.int8)
    if legal:
        assert execute(program, x).stats[0].channel_acc_max[0] == (1 << 62) - 1
        return
    with pytest.raises(ProgramError, match=r"instruction 4: .*63 bits"):
        execute(program, x)


def test_a_late_bias_traps_in_the_req() -> None:
    """Row 0 holds 2 * 60, which its bias of 10 takes to 130."""
    code = tiny_instructions(init=Init.ZERO, acc_bits=8, overflow=Overflow.TRAP)
    code[4] = dataclasses.replace(code[4], add_bias=1)  # type: ignore[call-arg]
    x = np.array([[0, 60, 0, 0]], np.int8)
    trap = execute(tiny_program(code), x).trap
    assert tuple(getattr(trap, name) for name in TRAP_FIELDS) == (0, 4, 0, 0, 0, -1, 130)
    assert run_plain(tiny_program(code), {"x": x.tobytes()}).trap == (4, 0, 0, 0, -1, 130)


@given(value_programs(longest=2), st.sampled_from([1 << 62, -(1 << 62) - 1, (1 << 63) - 1, -(1 << 63)]))
def test_sums_beyond_63_bits_are_refused(program: Program, bias: int) -> None:
    with pytest.raises(ProgramError, match=r"instruction 4: .*63 bits"):
        execute(with_record(program, bias, 0), samples(0))


@given(value_programs(longest=6))
def test_words_beyond_the_scheme_are_refused(program: Program) -> None:
    """A word that no scheme takes: shift -128, and a NaN where a float scheme reads it."""
    broken = with_record(program, 0, 0x7FF8_0080_7FFF_FFFF)
    reads = [i for i, instruction in enumerate(program.instructions) if isinstance(instruction, Req)]
    reloads = any(isinstance(i, Mac) and i.load_params for i in program.instructions[6:])
    if reads and not reloads:
        with pytest.raises(ProgramError, match=rf"instruction {reads[0]} "):
            execute(broken, samples(0))


@given(value_programs(longest=2))
def test_unknown_tensors_cannot_be_kept(program: Program) -> None:
    with pytest.raises(ProgramError, match="must be one of: x, y"):
        execute(program, samples(0), keep=["z"])
    assert list(execute(program, samples(0), keep="all").tensors) == ["x", "y"]
    assert list(execute(program, samples(0), keep=["x"]).tensors) == ["x", "y"]
    assert list(execute(program, samples(0)).tensors) == ["y"]
