"""The paired interval: its coverage by enumeration of every outcome, its symmetries, its ends."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim.analysis import PairedDifference

COUNTS = st.tuples(*[st.integers(0, 200)] * 4).filter(any)
SAMPLES = 24


def outcomes() -> list[tuple[int, int, int, int]]:
    """Every way in which `SAMPLES` samples can fall into the four cells."""
    return [(a, b, c, SAMPLES - a - b - c) for a, b, c in product(range(SAMPLES + 1), repeat=3) if a + b + c <= SAMPLES]


INTERVALS = {cells: PairedDifference(*cells).interval for cells in outcomes()}


def probability(cells: tuple[int, ...], chances: tuple[float, ...]) -> float:
    ways = math.factorial(SAMPLES)
    for count in cells:
        ways //= math.factorial(count)
    return ways * math.prod(p**n for p, n in zip(chances, cells, strict=True))


CHANCES = [
    (0.8, 0.05, 0.1, 0.05),
    (0.7, 0.1, 0.1, 0.1),
    (0.4, 0.2, 0.1, 0.3),
    (0.25, 0.25, 0.25, 0.25),
    (0.6, 0.3, 0.05, 0.05),
]


@pytest.mark.parametrize("chances", CHANCES)
def test_coverage(chances: tuple[float, float, float, float]) -> None:
    """The true difference is inside with a probability of 95 %, not much less and not much more."""
    true = chances[2] - chances[1]
    covered = sum(probability(cells, chances) for cells, (low, high) in INTERVALS.items() if low <= true <= high)
    assert 0.94 <= covered <= 0.995


def test_a_published_table() -> None:
    """Altman et al., Statistics with Confidence (2000), table 6.2: 14, 5, 0 and 22 of 41 pairs."""
    low, high = PairedDifference(14, 0, 5, 22).interval
    assert (round(low, 3), round(high, 3)) == (0.011, 0.226)


@given(COUNTS)
def test_symmetries_and_ends(cells: tuple[int, int, int, int]) -> None:
    both, first, second, neither = cells
    found = PairedDifference(*cells)
    low, high = found.interval
    assert -1 <= low <= found.difference <= high <= 1
    swapped, failures = PairedDifference(both, second, first, neither), PairedDifference(neither, second, first, both)
    for other in (swapped, failures):
        assert other.interval == pytest.approx((-high, -low), abs=1e-12)


def test_more_samples_say_more() -> None:
    widths = [
        high - low for low, high in (PairedDifference(90 * n, 2 * n, 3 * n, 5 * n).interval for n in (1, 10, 100))
    ]
    assert widths == sorted(widths, reverse=True)
