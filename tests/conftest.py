"""Hypothesis profiles, chosen by ``HYPOTHESIS_PROFILE``: dev (default), few (for another reading), ci and nightly."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import settings

from fxsim._core.jit import specialisations
from tests.tally import summarise

if TYPE_CHECKING:
    import pytest

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True, print_blob=True)
settings.register_profile("few", max_examples=25, deadline=None, derandomize=True, database=None)
settings.register_profile("nightly", max_examples=20_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many elements each profile was compared on."""
    summarise(terminalreporter)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Entry kernels have one signature each: a second one is a dtype or layout that slipped through a boundary."""
    several = {name: count for name, count in specialisations().items() if count > 1}
    if several:
        session.exitstatus = 1
        raise RuntimeError(f"entry kernels must have one specialisation each, not {several}")
