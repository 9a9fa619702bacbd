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


PUBLISHED = {
    "Altman et al., Statistics with Confidence (2000), table 6.2": ((14, 0, 5, 22), 0.011, 0.226, 3),
    "Fagerland et al., Statistics in Medicine 33 (2014), table V": ((1, 7, 1, 12), -0.507, -0.026, 3),
    "contingencytables 3, data of Cavo et al. (2012)": ((59, 16, 6, 80), -0.1186, -0.0046, 4),
}


@pytest.mark.parametrize("source", PUBLISHED)
def test_published_tables(source: str) -> None:
    """Correlations beyond the correction (first, last) and within it, thus 0."""
    cells, *expected, digits = PUBLISHED[source]
    assert [round(end, digits) for end in PairedDifference(*cells).interval] == expected


@given(st.integers(1, 300), st.integers(1, 300))
def test_opposite_answers(first: int, second: int) -> None:
    """Where the runs never agree, correlation -1, the difference is 2 p - 1, and its ends are Wilson's: roots in p."""
    n = first + second
    for end in PairedDifference(0, first, second, 0).interval:
        p = (end + 1) / 2
        assert (second / n - p) ** 2 == pytest.approx(1.959963984540054**2 * p * (1 - p) / n)


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
