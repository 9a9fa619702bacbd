"""A bound on the work of Python code, the same on every machine: calls and returns, as a profiler sees them."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def at_most(calls: int) -> Iterator[None]:
    """Fail as soon as the block has called and returned, functions of C included, more than `calls` times."""
    left = calls

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise AssertionError(f"expected at most {calls} calls and returns")

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)


def calls_to_read(data: bytes) -> int:
    """What reading or refusing a file may take: 14 a byte were seen, and the parsers start with a few thousand."""
    return 10_000 + 20 * len(data)
