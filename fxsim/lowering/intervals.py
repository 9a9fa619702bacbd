"""`IntervalMap`: disjoint half-open byte intervals of one address space, each with a record."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


class IntervalMap(Generic[T]):
    """A partition of [0, infinity) into intervals that carry one record each.

    Records are immutable: splitting an interval makes both halves refer to the same one.

    Parameters
    ----------
    empty
        Record of every address that nothing was assigned to.
    """

    def __init__(self, empty: T) -> None:
        self._starts = [0]
        self._records = [empty]

    def overlapping(self, start: int, end: int) -> list[T]:
        """List the records of the intervals that meet [start, end), in address order; none for an empty interval."""
        if start >= end:
            return []
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, end - 1, first)
        return self._records[first:last]

    def assign(self, start: int, end: int, record: T) -> None:
        """Give [start, end) one record, merging whatever was there."""
        if start >= end:
            return
        at = bisect_right(self._starts, start)
        if at < len(self._starts) and self._starts[at - 1] == start and self._starts[at] == end:
            self._records[at - 1] = record  # buffers are used again and again
            return
        first, last = self._cut(start, end)
        self._starts[first:last] = [start]
        self._records[first:last] = [record]

    def update(self, start: int, end: int, change: Callable[[T], T]) -> None:
        """Replace every record inside [start, end) by ``change(record)``; intervals at the ends are split."""
        if start < end:
            first, last = self._cut(start, end)
            self._records[first:last] = [change(record) for record in self._records[first:last]]

    def __iter__(self) -> Iterator[tuple[int, T]]:
        return zip(self._starts, self._records, strict=True)

    def _cut(self, start: int, end: int) -> tuple[int, int]:
        """Index range of the intervals that make up [start, end) after splitting at both ends."""
        return self._split(start), self._split(end)

    def _split(self, address: int) -> int:
        index = bisect_right(self._starts, address) - 1
        if self._starts[index] == address:
            return index
        self._starts.insert(index + 1, address)
        self._records.insert(index + 1, self._records[index])
        return index + 1
