"""`check_program`: the simulator passes; planted bugs are found, become small, and are printed ready to rerun."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

import fxsim
from fxsim import Hardware, Program
from fxsim.isa import Instruction, Load, Mac, Req, encode
from fxsim.sim import mac_trace
from fxsim.testing import MismatchError, ProgramRun, check_program, expected_run
from fxsim.testing.checking.dots import Dots, dot_program

HARDWARE = Hardware(
    rows=2, cols=2, acc_bits=10, overflow="wrap", acc_depth=8, x_port_bytes=2, w_port_bytes=4, requant_lanes=2,
    dram_latency=3,
)  # fmt: skip
Bug = Callable[[Instruction], Instruction]


def simulated(program: Program) -> ProgramRun:
    """The kernels and the timing model."""
    trace = mac_trace(program)
    codes = []
    for number, instruction in enumerate(program.instructions):
        if isinstance(instruction, Req):
            mine = np.flatnonzero(trace.beats.instruction == number)
            rows = [trace.beats.codes[i, : trace.beats.count[i]] for i in mine]
            codes.append(np.concatenate(rows).reshape(instruction.positions, instruction.rows))
    return ProgramRun(codes, trace.timeline.cycles)


def with_bug(bug: Bug) -> Callable[[Program], ProgramRun]:
    def run(program: Program) -> ProgramRun:
        return ProgramRun(expected_run(replace(program, code=encode(list(map(bug, program.instructions))))).codes)

    return run


def low_clamp(i: Instruction) -> Instruction:
    return replace(i, clamp_hi=max(i.clamp_lo, i.clamp_hi - 1)) if isinstance(i, Req) else i


def caught(dut: Callable[[Program], Any], **arguments: Any) -> MismatchError:
    with pytest.raises(MismatchError) as found:
        check_program(dut, **{"hw": HARDWARE, **arguments})
    return found.value


def body(program: Program) -> list[Instruction]:
    """The instructions but for the loads of data."""
    return [i for i in program.instructions if not isinstance(i, Load)]


@pytest.mark.parametrize("hw", [HARDWARE, "paper-4x4"])
def test_the_simulator_passes(hw: Hardware | str) -> None:
    checked = check_program(simulated, hw=hw, examples=15)
    assert checked.cases == 15
    assert checked.elements > 100


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> MismatchError:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fxsim.testing.checking.programs._LONGEST", 5)
        return caught(with_bug(low_clamp), folder=tmp_path_factory.mktemp("parent") / "found")


@pytest.mark.slow
def test_a_planted_bug_is_found_and_becomes_small(found: MismatchError) -> None:
    program = fxsim.assemble(found.assembly)
    assert len([i for i in program.instructions if not isinstance(i, Load)]) <= 3
    assert expected_run(program).codes[-1].size <= 4
    assert re.match(r"codes of instruction \d\[\d, \d\] must be -?\d+, not -?\d+ \(\d of \d differ\)", found.problem)


@pytest.mark.slow
def test_python_and_assembly_rerun(found: MismatchError) -> None:
    with pytest.raises(AssertionError):
        exec(found.python, {"dut": with_bug(low_clamp)})
    right: dict[str, Any] = {"dut": simulated}
    exec(found.python, right)
    assert fxsim.assemble(found.assembly).to_bytes() == right["program"].to_bytes()


@pytest.mark.slow
def test_files_hold_the_program_and_its_codes(found: MismatchError) -> None:
    assert found.folder is not None
    program = fxsim.assemble((found.folder / "counterexample.fxs").read_text())
    assert (found.folder / "counterexample.py").read_text() == found.python
    words = {path.stem: numbers(path) for path in found.folder.glob("*.hex")}
    assert bytes(words.pop("constants")) == program.constants
    assert b"".join(word.to_bytes(8, "little") for word in words.pop("code")) == program.code
    reqs = [n for n, i in enumerate(program.instructions) if isinstance(i, Req)]
    assert sorted(words) == sorted(f"codes_{n}" for n in reqs)
    for number, codes in zip(reqs, simulated(program).codes, strict=True):
        assert words[f"codes_{number}"] == [code % 256 for code in codes.ravel().tolist()]


def numbers(path: Any) -> list[int]:
    """What `$readmemh` reads."""
    return [int(line, 16) for line in path.read_text().splitlines() if not line.startswith("//")]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda _: None, "the design must return a ProgramRun, not NoneType"),
        (lambda run: replace(run, codes=run.codes * 2), "codes must be those of 1 REQ, not of 2"),
        (lambda run: replace(run, codes=None), "codes must be a sequence of one array for every REQ, not None"),
        (lambda run: replace(run, cycles=run.cycles + 1), "cycles must be {cycles}, not {late} (1 of 1 differ)"),
        (lambda run: replace(run, cycles=1.0 * run.cycles), "cycles must be integers of at most 64 bits, not float64"),
        (lambda run: replace(run, codes=[run.codes[0].T]), "codes of instruction 2 must have shape (2, 1), not (1, 2)"),
    ],
)
def test_what_is_wrong_is_said(
    answer: Callable[[ProgramRun], Any], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fxsim.testing.checking.programs.programs_with_data", lambda *_: st.just(program()))
    run = simulated(program())
    wanted = problem.format(cycles=run.cycles, late=(run.cycles or 0) + 1)
    error = caught(lambda _: answer(run))
    assert error.problem == wanted
    with pytest.raises((AssertionError, AttributeError, TypeError)):
        exec(error.python, {"dut": lambda _: answer(run)})
    assert check_program(lambda _: replace(run, cycles=None)).cases == 1


def program() -> Program:
    """One MAC of two positions, and its REQ."""
    dots = Dots(np.array([1]), np.array([[2]]), np.array([3]), word=1 << 30)
    one = dot_program(HARDWARE, dots, {"clamp_lo": -9, "clamp_hi": 9})
    code = [replace(i, positions=2) if isinstance(i, Mac | Req) else i for i in one.instructions[2:]]
    return replace(one, code=encode(code), layer_of=np.zeros(3, np.int32))
