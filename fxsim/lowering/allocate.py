"""First-fit allocation by liveness: DRAM tensors over the layers of a program, scratchpad buffers within one layer."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DRAM_ALIGNMENT = 64
"""Bytes of a DRAM burst: tensors and constants start at multiples of it."""


@dataclass(frozen=True, slots=True)
class Request:
    """`size` bytes that must stay intact from step `first` to step `last`, both included."""

    size: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Start addresses, one per request, and the first address above all of them."""

    addresses: tuple[int, ...]
    end: int


def allocate(requests: Sequence[Request], *, base: int = 0, alignment: int = 1) -> Placement:
    """Place every request at the lowest aligned address where it meets no other request that lives at the same time.

    Requests are placed in the order of their first step (ties: the order given), so the result depends on nothing
    else. An empty request takes no room.

    Parameters
    ----------
    requests
        What to place.
    base
        Lowest address that may be used; need not be aligned.
    alignment
        Every address is a multiple of it.
    """
    addresses = [align(base, alignment)] * len(requests)
    live: list[tuple[int, int, int]] = []
    end = base
    for index in sorted(range(len(requests)), key=lambda i: requests[i].first):
        request = requests[index]
        live = [entry for entry in live if entry[2] >= request.first]
        start = _lowest_gap(live, request.size, align(base, alignment), alignment)
        if request.size:
            insort(live, (start, start + request.size, request.last))
        addresses[index] = start
        end = max(end, start + request.size)
    return Placement(tuple(addresses), end)


def align(address: int, alignment: int) -> int:
    """Return the least multiple of `alignment` that is not below `address`."""
    return -(-address // alignment) * alignment


def _lowest_gap(live: Sequence[tuple[int, int, int]], size: int, base: int, alignment: int) -> int:
    start = base
    for taken_start, taken_end, _ in live:
        if start + size <= taken_start:
            break
        start = max(start, align(taken_end, alignment))
    return start
