"""The search for the smallest case that a design answers wrongly."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import seed as seeded
from hypothesis.errors import FailedHealthCheck, Flaky, Unsatisfiable

from fxsim._core.errors import FxsimError, InputError, LoweringError, QuantizationError
from fxsim._core.files import check_replaceable, write_folder
from fxsim.testing.checking.mismatch import Checked, MismatchError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hypothesis import strategies as st

    from fxsim.isa import Program


_MANIFEST = "counterexample.json"


class Case(Protocol):
    """One question to a design."""

    def ask(self, dut: Callable[..., Any]) -> object:
        """Put the question; a design may write into what it gets."""
        ...

    def expected(self) -> Any:
        """Return the oracle's answer; `LoweringError` or `QuantizationError` if there is none on this hardware."""
        ...

    def judge(self, answer: object, expected: Any) -> str | None:
        """Complaint about an answer, None if it is right."""
        ...

    def python(self) -> str:
        """Return the case as Python that ends with an assertion about ``dut``."""
        ...

    def program(self) -> Program:
        """Return the case as a program."""
        ...

    def files(self) -> Mapping[str, bytes]:
        """Return what the case holds, as `$readmemh` files by name."""
        ...


class _Wrong(NamedTuple):
    case: Case
    problem: str
    cause: BaseException | None


class _FoundError(Exception):
    """Tells hypothesis that a case fails: one kind of failure, whatever the design did."""


@dataclass(slots=True)
class _Referee:
    """Asks the design, counts, and remembers the last wrong answer: hypothesis ends with the smallest."""

    dut: Callable[..., Any]
    cases: int = 0
    elements: int = 0
    last: _Wrong | None = field(default=None)
    refusal: FxsimError | None = field(default=None)

    def ask(self, case: Case) -> None:
        try:
            expected = case.expected()
        except (LoweringError, QuantizationError) as refusal:
            self.refusal = refusal
            reject()
        answer, cause = self._answer(case)
        raised = f"the design raised {type(cause).__name__}: {cause}"
        problem = raised if cause is not None else case.judge(answer, expected)
        self.cases += 1
        self.elements += sum(np.size(part) for part in expected)
        if problem is not None:
            self.last = _Wrong(case, problem, cause)
            raise _FoundError

    def _answer(self, case: Case) -> tuple[object, BaseException | None]:
        """Whatever a design raises is its answer, an exit included."""
        try:
            return case.ask(self.dut), None
        except (Exception, SystemExit) as error:
            return None, error


def check(
    dut: Callable[..., Any],
    cases: st.SearchStrategy[Case],
    *,
    examples: int,
    seed: int,
    folder: str | Path | None,
    where: str = "",
) -> Checked:
    """Ask `dut` `examples` cases drawn from `seed`; `where` says in complaints which.

    Raises
    ------
    MismatchError
        An answer is wrong; holds the smallest such case found. Its files are in `folder`, if that is given.
    InputError
        `examples` is not positive, `folder` holds other files, or the hardware holds too few of the cases.
    """
    if not callable(dut):
        raise InputError("the design must be callable", got=dut)
    if examples < 1:
        raise InputError("examples must be at least 1", got=examples)
    home = None if folder is None else Path(folder)
    if home is not None:
        check_replaceable(home, _MANIFEST)
    referee = _Referee(dut)
    note = _search(referee, cases, examples, seed, where)
    if referee.last is None:
        return Checked(referee.cases, referee.elements)
    raise _mismatch(referee.last, note, home) from referee.last.cause


def _search(referee: _Referee, cases: st.SearchStrategy[Case], examples: int, seed: int, where: str) -> str:
    """Run hypothesis to its end; what to say about the outcome besides."""

    @seeded(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=[check for check in HealthCheck if check is not HealthCheck.filter_too_much],
        report_multiple_bugs=False,
        print_blob=False,
    )
    @given(cases)
    def every(case: Case) -> None:
        referee.ask(case)

    try:
        every()
    except _FoundError:
        return ""
    except Flaky:
        return "; asked again, the design answered otherwise"
    except (FailedHealthCheck, Unsatisfiable):
        expected = f"hardware must hold more than one of six cases, but {referee.refusal}"
        raise InputError(expected, where=where) from None
    return ""


def _mismatch(wrong: _Wrong, note: str, folder: Path | None) -> MismatchError:
    case, problem = wrong.case, wrong.problem + note
    python, assembly = case.python(), case.program().disassemble()
    if folder is None:
        return MismatchError(problem, python=python, assembly=assembly)
    files = {"counterexample.py": python.encode(), "counterexample.fxs": assembly.encode(), **case.files()}
    manifest = {"schema": 1, "problem": problem, "files": {name: len(data) for name, data in files.items()}}
    write_folder(folder, {**files, _MANIFEST: (json.dumps(manifest, indent=1) + "\n").encode()}, _MANIFEST)
    return MismatchError(problem, python=python, assembly=assembly, folder=folder, files=tuple(files))
