"""Figures and page of a comparison: what is drawn is what the record says."""

from __future__ import annotations

import dataclasses
import html
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

import fxsim
from fxsim._core.records import Records
from fxsim.analysis import CAUSES, Comparison, Differences, Fidelity, FirstDifference, LayerComparison
from fxsim.report import (
    causes_figure,
    comparison_figures,
    comparison_page,
    differences_figure,
    fidelity_figure,
    png,
    save_comparison_figures,
    worst_figure,
)
from tests.report.drawn import collisions, texts

LONG = "model/very/long/scope/of/a/block/separable_conv2d/Relu6;batch_normalization"


def side(differences: Mapping[int, int], causes: Mapping[str, int], code: int = 5) -> Differences:
    """Elements by difference, all of fake-quantized code `code` (least code -128, zero point 3)."""
    pairs = np.zeros((256, 256), np.int64)
    for difference, count in differences.items():
        pairs[code + 128, code + 128 + difference] = count
    unequal = sum(count for difference, count in differences.items() if difference)
    assert sum(causes.values()) == unequal
    first = FirstDifference((0, 1), code, code + 1, next(iter(causes)), ()) if unequal else None
    return Differences(pairs, -128, 3, dict(causes), dict(causes), first)


def layer(number: int, free: Differences, alone: Differences, db: float = 30.0, name: str = "conv") -> LayerComparison:
    to_float = {"fake_quant": Fidelity(db, 0.99), "exact": Fidelity(db - 1, 0.98)}
    return LayerComparison(number, name, f"{name}_out", "CONV_2D", 0.125, free, alone, to_float)


def comparison(*layers: LayerComparison) -> Comparison:
    hw = fxsim.Hardware.load("edge-16x16")
    return Comparison(
        network="net", profile="tflite", hardware=hw, samples=40, bias="float", layers=Records(layers), end=None
    )


EQUAL = side({0: 100}, {})


def usual() -> Comparison:
    """Own differences, inherited ones, none; the second layer is the worst."""
    return comparison(
        layer(0, side({-1: 3, 0: 96, 1: 1}, {"tie rule": 3, "clamp": 1}), side({0: 99, 1: 1}, {"clamp": 1})),
        layer(1, side({-90: 7, 0: 250_000, 2: 123_456}, {"upstream": 123_456, "overflow": 7}), EQUAL, 20.0, LONG),
        layer(2, EQUAL, EQUAL, 25.0),
    )


def many() -> Comparison:
    """60 layers, 59 of which differ, by every cause; the later, the more."""
    found = [layer(0, EQUAL, EQUAL)]
    for number in range(1, 60):
        causes = {cause: number + 10 ** (place // 2) for place, cause in enumerate(CAUSES)}
        total, inherited = sum(causes.values()), causes["upstream"]
        own = {cause: count for cause, count in causes.items() if cause != "upstream"}
        free = side({0: 9, number: total}, causes)
        found.append(layer(number, free, side({1: total - inherited}, own), name=LONG))
    return comparison(*found)


def bars(axes: Axes) -> dict[int, float]:
    """Height of the bars by the difference that they stand at."""
    return {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in axes.containers[0]}


def cells(axes: Axes) -> list[list[float]]:
    """The map of `axes`, 0 where nothing is drawn."""
    drawn: Any = np.ma.asarray(axes.images[0].get_array())
    found: list[list[float]] = np.nan_to_num(np.ma.filled(drawn, np.nan)).tolist()
    return found


def test_a_histogram_for_every_layer_that_differs() -> None:
    first, second = differences_figure(usual()).axes
    assert bars(first) == {-1: 3, 0: 96, 1: 1}
    assert bars(second) == {-90: 7, 0: 250_000, 2: 123_456}
    minus, zero, plus = (bar.get_facecolor() for bar in first.containers[0])
    assert minus == plus != zero
    assert zero[0] == zero[1] == zero[2]
    assert first.get_title() == "0  conv\n4 differ, 4 %"
    assert second.get_title().endswith("\n123,463 differ, 33.1 %")
    for axes in (first, second):
        assert axes.get_yscale() == "log"
        low, high = axes.get_xlim()
        assert low < min(bars(axes)) - 0.5
        assert max(bars(axes)) + 0.5 < high
        assert axes.get_ylim()[0] < 1


def test_the_dozen_worst_histograms() -> None:
    figure = differences_figure(many())
    assert [axes.get_title().split()[0] for axes in figure.axes] == [str(number) for number in range(48, 60)]
    assert figure.get_suptitle().endswith("40 samples; the 12 worst layers, 47 more differ")


def test_the_map_of_causes() -> None:
    whole, alone, _ = causes_figure(usual()).axes
    ticks = [[label.get_text() for label in axes.get_xticklabels()] for axes in (whole, alone)]
    assert ticks == [["upstream", "tie rule", "overflow", "clamp"], ["tie rule", "overflow", "clamp"]]
    assert cells(whole) == [[0, 3, 0, 1], [123_456, 0, 7, 0], [0, 0, 0, 0]]
    assert cells(alone) == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert {t.get_position(): t.get_text() for t in whole.texts if t.get_horizontalalignment() == "center"} == {
        (1, 0): "3", (3, 0): "1", (0, 1): "123 k", (2, 1): "7",
    }  # fmt: skip
    assert [t.get_text() for t in whole.texts if t.get_horizontalalignment() == "left"] == ["4", "123 k", "", "all"]
    norms = [axes.images[0].norm for axes in (whole, alone)]
    assert norms[0] is norms[1]
    assert (norms[0].vmin, norms[0].vmax) == (1, 123_463)


@pytest.mark.parametrize(
    ("count", "text"), [(99_999, "99,999"), (100_000, "100 k"), (1_234_567, "1.23 M"), (5_000_000_000, "5 G")]
)
def test_counts_in_cells(count: int, text: str) -> None:
    axes = causes_figure(comparison(layer(0, side({1: count}, {"clamp": count}), EQUAL))).axes[0]
    assert [t.get_text() for t in axes.texts] == [text, text, "all"]


def test_layers_alone_inherit_nothing() -> None:
    found = causes_figure(comparison(layer(0, side({1: 2}, {"upstream": 2}), EQUAL)))
    whole, alone, _ = found.axes
    assert cells(whole) == [[2]]
    assert cells(alone) == [[0]]
    assert [label.get_text() for label in alone.get_xticklabels()] == ["unexplained"]


def test_the_pairs_of_the_worst_tensor() -> None:
    plane, drift, _ = worst_figure(usual()).axes
    for axes, offset in ((plane, 5), (drift, 0)):
        image = axes.images[0]
        left, right, top, bottom = image.get_extent()
        drawn = np.array(cells(axes))
        rows, columns = np.nonzero(drawn)
        found = {
            (round(left + 0.5) + int(c), round(bottom + 0.5) + int(r)): drawn[r, c]
            for r, c in zip(rows, columns, strict=True)
        }
        assert found == {(5, offset - 90): 7, (5, offset): 250_000, (5, offset + 2): 123_456}
        assert (right - left, top - bottom) == drawn.shape[::-1] == (3, 95)
        assert axes.get_ylim()[0] < axes.get_ylim()[1]
    assert "layer 1, " in worst_figure(usual()).get_suptitle()


def test_fidelity_is_that_of_the_layers() -> None:
    axes = fidelity_figure(usual()).axes[0]
    lines = {str(line.get_label()): line for line in axes.lines}
    assert [list(np.asarray(line.get_ydata())) for line in axes.lines] == [[0, 1, 2]] * 3
    assert np.asarray(lines["fake-quantized to float"].get_xdata()).tolist() == [30, 20, 25]
    assert np.asarray(lines["exact to float"].get_xdata()).tolist() == [29, 19, 24]
    drawn = np.asarray(lines["exact to fake-quantized"].get_xdata()).tolist()
    assert drawn[0] == pytest.approx(10 * math.log10(100 * 2**2 / 4), rel=1e-12)
    assert math.isnan(drawn[2])


def test_equal_runs_are_said_to_be_equal() -> None:
    found = dataclasses.replace(comparison(layer(0, EQUAL, EQUAL, math.inf)), bias="grid")
    figures = comparison_figures(found)
    assert list(figures) == ["differences", "fidelity", "causes"]
    for figure in (figures["differences"], figures["causes"], worst_figure(found)):
        assert "Fake-quantized and exact run are equal\nin all 100 elements, 40 samples." in [
            text.get_text() for text in texts(figure)
        ]
    assert "accumulator&#39;s int32 grid" in comparison_page(found)
    assert "Fake-quantized and exact run are equal in every element" in comparison_page(found)


@pytest.mark.slow
@pytest.mark.parametrize("make", [usual, many])
def test_no_text_lies_on_another_or_off_the_page(make: Any) -> None:
    for stem, figure in comparison_figures(make()).items():
        assert (stem, collisions(figure)) == (stem, [])


def test_files_are_the_same_every_time(tmp_path: Path) -> None:
    found = comparison(layer(0, side({0: 3, 1: 2}, {"tie rule": 2}), EQUAL))
    paths = save_comparison_figures(found, tmp_path / "new")
    assert [path.name for path in paths] == ["differences.png", "fidelity.png", "causes.png", "worst.png"]
    again = comparison_figures(found)
    assert [path.read_bytes() for path in paths] == [png(again[path.stem]) for path in paths]


def test_the_page_holds_everything_and_needs_nothing() -> None:
    found = dataclasses.replace(usual(), network="<net> & co")
    text = comparison_page(found)
    assert "<net>" not in text
    assert "&lt;net&gt; &amp; co" in text
    for table in found.tables():
        assert table.html() in text
        assert html.escape(table.title, quote=False).replace("'", "&#39;") in text
    assert text.count("<img ") == len(comparison_figures(found)) == 4
    assert re.findall(r'(?:src|href)="(?!data:)', text) == []
    assert "real: the stored bias, dequantized" in text
    assert "the profile&#39;s, multipliers of 32 bits, one per channel" in text
