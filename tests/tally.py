"""How many elements each profile was compared on, summed over all tests and test processes for the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

RecordProperty = Callable[[str, object], None]
_PREFIX = "elements compared: "


def tally(record_property: RecordProperty, profile: str, elements: int) -> None:
    """Add `elements` compared elements to the profile's sum; properties travel with reports between processes."""
    record_property(f"{_PREFIX}{profile}", elements)


def summarise(terminal: pytest.TerminalReporter) -> None:
    """Print the sums of all passed tests."""
    sums: Counter[str] = Counter()
    for report in terminal.getreports("passed"):
        for name, value in report.user_properties:
            if name.startswith(_PREFIX) and report.when == "call":
                sums[name.removeprefix(_PREFIX)] += int(str(value))
    if sums:
        terminal.write_sep("-", "elements compared with zero differences")
    for profile, count in sorted(sums.items()):
        terminal.write_line(f"{profile}: {count:,}")
