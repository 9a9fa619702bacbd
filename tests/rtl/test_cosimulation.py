"""The generated machines under Verilator: every accumulator write, every code and every commit, each in its cycle."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from fxsim.rtl import Machine, missing_tools
from fxsim.testing import programs_with_data
from tests.rtl.configurations import MACHINES

if TYPE_CHECKING:
    from pathlib import Path

    from fxsim.hw import Hardware
    from fxsim.isa import Program

PROGRAMS = 720 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 15
"""Per machine: 14 machines make 210 programs, or 10,080."""
STALLS: st.SearchStrategy[list[int]] = st.one_of(st.just([]), st.lists(st.integers(0, 7), max_size=300))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing_tools()), reason=missing_tools()),
]


@pytest.mark.parametrize("hw", MACHINES, ids=lambda hw: hw.name)
def test_random_programs_give_the_same_bits_in_the_same_cycles(hw: Hardware, tmp_path: Path) -> None:
    machine = Machine(hw, tmp_path)
    values = windows = 0

    @seed(1)
    @settings(max_examples=PROGRAMS, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
    @given(programs_with_data(50, st.just(hw)), STALLS)
    def compare(program: Program, stalls: list[int]) -> None:
        nonlocal values, windows
        compared = machine.run(program, stalls=stalls)
        values, windows = values + compared.values, windows + compared.windows

    compare()
    assert values > 10 * PROGRAMS
    assert windows > 0
