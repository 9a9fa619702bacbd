"""`check_program`: instruction streams, their output codes and their cycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from fxsim._core.errors import shorten
from fxsim.hw import Hardware
from fxsim.isa import Program, Req
from fxsim.testing.checking.answers import integers_differ
from fxsim.testing.checking.hexes import hex_files
from fxsim.testing.checking.recorder import ProgramRun, expected_codes, expected_cycles
from fxsim.testing.checking.search import check
from fxsim.testing.checking.source import program_source, with_imports
from fxsim.testing.programs import programs_with_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from fxsim.testing.checking.mismatch import Checked

_LONGEST = 24
"""Instructions behind the loads."""


def check_program(
    dut: Callable[[Program], ProgramRun],
    *,
    hw: Hardware | str | Path | None = None,
    examples: int = 200,
    seed: int = 0,
    folder: str | Path | None = None,
) -> Checked:
    """Compare a whole machine with the definitions of the instructions; zero differences are allowed.

    Programs are legal, need no input, and use all engines: `fxsim.testing.programs_with_data`. Codes come from the
    plain machine, cycles from the step twin (`expected_run`).

    Parameters
    ----------
    dut
        The design under test: ``dut(program)`` runs it once, from memories of zeros, and returns a `ProgramRun`: the
        codes that every REQ wrote, and the cycles unless they are None.
    hw
        Hardware of all programs, its scratchpads enlarged to 1 MiB (parameters: 64 KiB); None: random hardware.
    examples, seed
        Programs run at most, and the number that they follow from.
    folder
        Where the files of a counterexample go: new, empty, or with nothing but an earlier one, which is replaced.

    Raises
    ------
    MismatchError
        The design raises, or runs a program wrongly; holds the smallest program found.
    HardwareError, InputError
        The hardware cannot be loaded, or an argument is illegal.
    """
    machines = None if hw is None else st.just(Hardware.load(hw))
    cases = st.builds(_Case, programs_with_data(_LONGEST, machines))
    return check(dut, cases, examples=examples, seed=seed, folder=folder)


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    made: Program

    def ask(self, dut: Callable[..., Any]) -> object:
        return dut(self.made)

    def expected(self) -> list[NDArray[np.int64]]:
        return expected_codes(self.made)

    def judge(self, answer: object, expected: list[NDArray[np.int64]]) -> str | None:
        if not isinstance(answer, ProgramRun):
            return f"the design must return a ProgramRun, not {type(answer).__name__}"
        problem = self._codes_differ(answer.codes, expected)
        if problem is not None or answer.cycles is None:
            return problem
        return integers_differ("cycles", np.array(expected_cycles(self.made)), answer.cycles)

    def _codes_differ(self, codes: Iterable[object], expected: list[NDArray[np.int64]]) -> str | None:
        numbers = self._reqs()
        try:
            given = list(codes)
        except TypeError:
            return f"codes must be a sequence of one array for every REQ, not {shorten(codes)}"
        if len(given) != len(numbers):
            return f"codes must be those of {len(numbers)} REQ, not of {len(given)}"
        blocks = zip(numbers, expected, given, strict=True)
        problems = (integers_differ(f"codes of instruction {n}", wanted, answer) for n, wanted, answer in blocks)
        return next((problem for problem in problems if problem is not None), None)

    def _reqs(self) -> list[int]:
        return [n for n, instruction in enumerate(self.made.instructions) if isinstance(instruction, Req)]

    def python(self) -> str:
        codes = ", ".join(repr(c.tolist()) for c in self.expected())
        cycles = expected_cycles(self.made)
        return with_imports(
            f"{program_source(self.made)}"
            "answer = dut(program)\n"
            "codes = [np.asarray(part) for part in answer.codes]\n"
            "assert all(part.dtype.kind in 'iu' for part in codes), codes\n"
            f"assert [part.tolist() for part in codes] == [{codes}], codes\n"
            f"cycles = np.asarray({cycles} if answer.cycles is None else answer.cycles)\n"
            f"assert cycles.dtype.kind in 'iu' and cycles.tolist() == {cycles}, cycles\n"
        )

    def program(self) -> Program:
        return self.made

    def files(self) -> dict[str, bytes]:
        """Constants byte by byte, instructions as 64-bit words, lowest first, and the codes of every REQ."""
        instructions = self.made.instructions
        parts: dict[str, tuple[NDArray[Any], int]] = {
            "constants": (np.frombuffer(self.made.constants, np.uint8).astype(np.int64), 8),
            "code": (np.frombuffer(self.made.code, "<i8").reshape(-1, 8).astype(np.int64), 64),
        }
        for number, codes in zip(self._reqs(), self.expected(), strict=True):
            instruction = instructions[number]
            assert isinstance(instruction, Req)
            parts[f"codes_{number}"] = (codes, 8 << instruction.out_wide)
        return hex_files(parts)
