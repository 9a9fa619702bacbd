"""The generated machines under Verilator: every accumulator write, every code and every commit, each in its cycle."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest

from fxsim.rtl import Coverage, Machine, coverage_table
from tests.rtl.chosen import CHOSEN
from tests.rtl.configurations import MACHINES
from tests.rtl.runs import LEAST_PROGRAMS, NIGHTLY, NIGHTLY_PROGRAMS, directed, runs
from tests.rtl.tools import require_rtl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fxsim.hw import Hardware

pytestmark = pytest.mark.slow


def numbers(hw: Hardware, coverage: Coverage) -> Iterator[int]:
    """Runs that are chosen, or all of a night; then others until every situation is met."""
    first = range(NIGHTLY_PROGRAMS) if NIGHTLY else CHOSEN.get(hw.name, ())
    yield from first
    others = [number for number in range(NIGHTLY_PROGRAMS) if number not in first]
    for count, number in enumerate(others, len(first)):
        if count >= LEAST_PROGRAMS and not coverage.missed():
            return
        yield number


@pytest.mark.parametrize("hw", MACHINES, ids=lambda hw: hw.name)
def test_programs_give_the_same_bits_in_the_same_cycles(hw: Hardware, tmp_path: Path) -> None:
    require_rtl()
    machine, coverage, compared = Machine(hw, tmp_path), Coverage(hw), []
    for run in chain(directed(hw), runs(hw, numbers(hw, coverage))):
        compared.append(machine.run(run.program, run.x, stalls=run.stalls))
        coverage.add(run.program, run.x, stalls=run.stalls)
    print(coverage_table([coverage]).text())
    assert len(compared) >= LEAST_PROGRAMS
    assert sum(one.values for one in compared) > 10 * len(compared)
    assert any(one.windows for one in compared)
    assert coverage.missed() == ()


def test_at_least_200_programs_on_at_least_12_machines() -> None:
    assert len(MACHINES) >= 12
    assert LEAST_PROGRAMS * len(MACHINES) >= 200
