"""A plugin of pytest: tests marked slow run last, as most faults are seen without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the order but for that."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
