"""The generated machines under Verilator: every accumulator write, every code and every commit, each in its cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fxsim.rtl import Machine, missing_tools
from tests.given import absent
from tests.rtl.configurations import MACHINES
from tests.rtl.runs import PROGRAMS, runs

if TYPE_CHECKING:
    from pathlib import Path

    from fxsim.hw import Hardware

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("hw", MACHINES, ids=lambda hw: hw.name)
def test_programs_give_the_same_bits_in_the_same_cycles(hw: Hardware, tmp_path: Path) -> None:
    if missing_tools():
        absent(missing_tools(), "FXSIM_REQUIRE_RTL")
    machine = Machine(hw, tmp_path)
    values = windows = 0
    for run in runs(hw, PROGRAMS):
        compared = machine.run(run.program, run.x, stalls=run.stalls)
        values, windows = values + compared.values, windows + compared.windows
    assert values > 10 * PROGRAMS
    assert windows > 0
