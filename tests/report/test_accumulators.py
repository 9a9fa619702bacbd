"""Figures of an accumulator report: what is drawn is what the report says."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

import fxsim
from fxsim.analysis import AccumulatorReport, forensics
from fxsim.ops import FullyConnected
from fxsim.report import accumulator_figures, bits_figure, curves_figure, overflow_figure, png, trajectory_figure
from fxsim.report.page import Section, html_page
from tests.ops.networks import single, tensor, weights

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).resolve().parents[2] / "models" / "digits"


@functools.cache
def report(overflow: str = "saturate") -> AccumulatorReport:
    x = np.load(FOLDER / "x_eval_flat.npy")[:10]
    hw = fxsim.Hardware(name="narrow", acc_bits=14, bias_policy="apply", overflow=overflow)
    found: AccumulatorReport = fxsim.accumulators(FOLDER / "digits_fc.tflite", x, hw=hw)
    return found


def filled(axes: Axes) -> np.ndarray[Any, Any]:
    """The image of `axes`, 0 where nothing is drawn."""
    return np.nan_to_num(np.ma.filled(np.ma.asarray(axes.images[0].get_array()), np.nan))


def test_the_histogram_counts_channels() -> None:
    top, *maps = bits_figure(report()).axes
    for bars, name in zip(top.containers, ("exact_saturate", "observed"), strict=True):
        values = np.concatenate([getattr(layer.channel_bits, name) for layer in report().layers])
        heights = [int(bar.get_height()) for bar in bars]
        assert sum(heights) == values.size == 106
        assert heights == [int((values == bits).sum()) for bits in range(top.get_xticks()[0], top.get_xticks()[-1] + 1)]
    shares = filled(maps[1])
    assert np.allclose(shares.sum(axis=1), 1)


def test_the_curves_are_the_sweep() -> None:
    sweep = report().network_sweep
    assert sweep is not None
    score, quality, rate = curves_figure(report()).axes
    for mode in sweep.modes:
        points = sweep.curve(mode)
        lines = {axes: next(line for line in axes.lines if line.get_label() == mode) for axes in (score, quality, rate)}
        assert np.allclose(np.asarray(lines[rate].get_ydata()), [100 * p.rate for p in points if p.rate])
        assert np.allclose(
            np.asarray(lines[quality].get_ydata()), [p.sqnr_db for p in points if np.isfinite(p.sqnr_db)]
        )
        assert np.asarray(lines[score].get_xdata()).tolist() == list(sweep.widths)
        assert np.asarray(lines[score].get_ydata())[-1] == 100
    bounds = {
        str(line.get_label()): float(np.asarray(line.get_xdata())[0])
        for line in score.lines
        if ":" in str(line.get_label())
    }
    for words, column in (("operand types", "type"), ("L1 norm", "l1"), ("exact", "exact_saturate")):
        width = max(getattr(layer.bits, column) for layer in report().layers)
        assert [x for label, x in bounds.items() if label.startswith(words)] == [width]


def test_the_heat_map_is_the_isolated_sweep() -> None:
    sweep = report().layer_sweep
    assert sweep is not None
    axes = overflow_figure(report()).axes[0]
    drawn = filled(axes)
    mode = sweep.modes.index("saturate")
    assert np.allclose(drawn, 100 * sweep.touched()[:, mode] / sweep.outputs[:, None])
    marks = [float(np.asarray(line.get_xdata())[0]) + 0.5 for line in axes.lines]
    assert marks == [layer.bits.propagated for layer in report().layers]


@pytest.mark.parametrize("overflow", ["saturate", "wrap", "readout"])
def test_the_trajectory_is_the_worst_event(overflow: str) -> None:
    found = report(overflow).forensics
    assert found is not None
    assert found.worst is not None
    path = found.worst.trajectory
    axes = trajectory_figure(report(overflow), found.worst).axes[0]
    lines = {str(line.get_label()): np.asarray(line.get_ydata()) for line in axes.lines}
    assert lines["exact sum"][-1] == path.exact[-1]
    assert lines["register"].tolist() == path.stored[:-1].tolist()
    assert len(lines["out of range"]) == int(path.events[:-1].sum())


def test_the_trajectory_of_two_stages() -> None:
    """100 + 100 - 60 in eight bits inside, two products per spill."""
    net = single(
        "FULLY_CONNECTED", FullyConnected(), tensor((1, 3), 1.0), tensor((1, 1), 1.0), weights([[50, 50, -60]])
    )
    hw = fxsim.Hardware(rows=1, cols=2, reduction="chain", inner_bits=8, inner_products=2)
    event = forensics(fxsim.lower(net, hw), np.array([[2, 2, 1]], np.int8), net=net).first
    assert event is not None
    lines = {
        str(line.get_label()): np.asarray(line.get_ydata()) for line in trajectory_figure(report(), event).axes[0].lines
    }
    assert lines["inner register, 8 bits"].tolist() == [0, 100, 127, 0, -60, 0]
    assert lines["register"].tolist() == [0, 0, 0, 127, 127, 67]
    assert lines["out of range"].tolist() == [127]


def test_every_figure_draws_the_same_bytes_twice() -> None:
    for stem, figure in accumulator_figures(report()).items():
        assert png(figure) == png(accumulator_figures(report())[stem])


def test_pages_escape_what_they_show() -> None:
    text = html_page("<i>", [("a&b", "<script>")], [Section("x<y", "1<2", sentences=["<b>"])])
    for raw in ("<i>", "<script>", "x<y", "1<2", "<b>"):
        assert raw not in text
