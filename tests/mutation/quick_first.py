"""A plugin of pytest for mutants: tests marked slow run last, and one that does not end is a fault that was seen."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUICK_S, _SLOW_S = 40, 400
"""Ten times what the longest tests take."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the order but for the slow ones: most faults are seen without them."""
    items.sort(key=_is_slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let the signal end the process: a search for a smaller example would only run into the loop again."""
    signal.setitimer(signal.ITIMER_REAL, _SLOW_S if _is_slow(item) else _QUICK_S)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None
