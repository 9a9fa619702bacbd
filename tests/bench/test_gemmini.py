"""The comparison with Gemmini prints what `fxsim.estimate` says, and explains by size."""

from __future__ import annotations

import pytest

import fxsim
from tests.bench.gemmini import PRESET, RTL_CYCLES, Point, explanation, points, report


def test_predictions_are_estimates() -> None:
    found = points()
    assert [point.size for point in found] == list(RTL_CYCLES)
    for point in found:
        result = fxsim.estimate(fxsim.gemm(*point.size), PRESET)
        assert point.predicted == result.cycles == point.compute + sum(point.stalls.values())
        assert point.predicted >= result.macs // 256


def test_the_table_has_every_point_with_its_error() -> None:
    text = report()
    for (m, k, n), rtl in RTL_CYCLES.items():
        predicted = fxsim.estimate(fxsim.gemm(m, k, n), PRESET).cycles
        (line,) = (line for line in text.splitlines() if line.startswith(f"{m}x{k}x{n} "))
        words = line.split()
        assert words[2:5] == [f"{rtl:,}", f"{predicted:,}", f"{100 * (predicted - rtl) / rtl:.4g}"]
    assert "Largest error: " in text


@pytest.mark.parametrize(
    ("predicted", "words"),
    [
        (2_000, "1,810 cycles too few; unhidden weight preloads explain at most 256 of them"),
        (3_600, "210 cycles too few; a weight tile serves only M = 64 rows"),
        (4_000, "190 cycles too many; our model idles 900 cycles on token_dma"),
    ],
)
def test_the_mechanism_follows_the_size_of_the_gap(predicted: int, words: str) -> None:
    point = Point((64, 64, 64), 3_810, predicted, predicted - 1_000, {"drain": 100, "token_dma": 900})
    exact = Point((16, 16, 16), 100, 100, 100, {"drain": 0})
    assert words in explanation([exact, point])
