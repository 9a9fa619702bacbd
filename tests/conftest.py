"""Hypothesis profiles: dev (default), ci and nightly, chosen by ``HYPOTHESIS_PROFILE``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import settings

from tests.tally import summarise

if TYPE_CHECKING:
    import pytest

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=300, deadline=None, derandomize=True, print_blob=True)
settings.register_profile("nightly", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many elements each profile was compared on."""
    summarise(terminalreporter)
