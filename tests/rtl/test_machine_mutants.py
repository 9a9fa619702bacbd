"""The co-simulation finds every fault that is planted in the machine's SystemVerilog."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest

from fxsim._core.errors import RtlError
from fxsim.rtl import Machine
from tests.rtl.machine_mutants import LIMIT, MUTANTS, Mutant
from tests.rtl.runs import NIGHTLY, directed, runs
from tests.rtl.tools import require_rtl

if TYPE_CHECKING:
    from pathlib import Path

    from tests.rtl.runs import Run

SPREAD = 4
BUILT = MUTANTS if NIGHTLY else MUTANTS[SPREAD :: len(MUTANTS) // SPREAD]


def test_every_fault_is_planted_in_one_place() -> None:
    for mutant in MUTANTS:
        mutant.sources()


@pytest.mark.slow
@pytest.mark.parametrize("mutant", BUILT, ids=lambda mutant: f"{mutant.module}-{MUTANTS.index(mutant)}")
def test_planted_faults_show(mutant: Mutant, tmp_path: Path) -> None:
    require_rtl()
    machine = Machine(mutant.hardware, tmp_path, mutant.sources())
    assert any(_differs(machine, run) for run in chain(directed(mutant.hardware), runs(mutant.hardware, range(LIMIT))))


def _differs(machine: Machine, run: Run) -> bool:
    try:
        machine.run(run.program, run.x, stalls=run.stalls)
    except RtlError:
        return True
    return False
