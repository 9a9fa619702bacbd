"""Figures of an accumulator report: needed bits per channel, curves over the width, layer x width, one accumulator."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LogNorm

from fxsim.report.canvas import COLOURS, SMALL, default_style, layer_axis, new_page
from fxsim.sim import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from fxsim.analysis import AccumulatorReport, Event, WidthSweep

_ROW = 0.2
_MODES = {"wrap": COLOURS[1], "saturate": COLOURS[0], "readout": COLOURS[3]}
_BOUNDS = {"type": "operand types", "l1": "L1 norm", "exact_saturate": "exact, every prefix", "observed": "observed"}
"""Columns drawn into the curves, and their names."""
_STYLES = ("-", "--", "-.", ":")


@default_style
def bits_figure(report: AccumulatorReport) -> Figure:
    """Histogram of the bits that channels need: all layers together, and layer by layer."""
    columns = [name for name in ("exact_saturate", "observed") if _column(report, name)]
    spread = _spread(report, columns)
    rows = len(report.layers)
    figure = new_page(report, "accumulator bits needed, per channel", (9.0, 4.0 + _ROW * rows))
    grid = figure.add_gridspec(2, len(columns), height_ratios=(2.4, max(1.2, _ROW * rows)))
    top = figure.add_subplot(grid[0, :])
    maps = [figure.add_subplot(grid[1, place]) for place in range(len(columns))]
    for place, name in enumerate(columns):
        values = np.concatenate(_column(report, name))
        counts = [int(np.count_nonzero(values == bits)) for bits in spread]
        offset = (place - (len(columns) - 1) / 2) * 0.4
        top.bar([b + offset for b in spread], counts, 0.4, label=_BOUNDS[name], color=COLOURS[place])
        _layer_map(maps[place], report, name, spread)
    top.set_ylabel("channels", fontsize=SMALL)
    top.set_xticks(list(spread))
    top.tick_params(labelsize=SMALL)
    top.legend(fontsize=SMALL)
    return figure


def _column(report: AccumulatorReport, name: str) -> list[NDArray[np.int64]]:
    """Channel widths of every layer; empty where they were not asked for."""
    columns = [getattr(layer.channel_bits, name) for layer in report.layers]
    return [] if any(column is None for column in columns) else columns


def _spread(report: AccumulatorReport, columns: Sequence[str]) -> range:
    values = np.concatenate([part for name in columns for part in _column(report, name)])
    return range(int(values.min()), int(values.max()) + 1)


def _layer_map(axes: Axes, report: AccumulatorReport, name: str, spread: range) -> None:
    """Share of a layer's channels that need so many bits, a row per layer."""
    shares = np.array([[np.mean(column == bits) for bits in spread] for column in _column(report, name)])
    axes.imshow(
        np.where(shares > 0, shares, np.nan),
        aspect="auto",
        cmap="viridis_r",
        vmin=0,
        vmax=1,
        extent=(spread.start - 0.5, spread.stop - 0.5, len(shares) - 0.5, -0.5),
        interpolation="nearest",
    )
    for row, column in enumerate(_column(report, name)):
        axes.text(spread.stop - 0.4, row, f"{int(column.max())}", va="center", fontsize=SMALL - 1)
    layer_axis(axes, report.layers, labelled=name == "exact_saturate")
    axes.set_xticks(list(spread))
    axes.set_xlabel(f"bits: {_BOUNDS[name]} (darker: more channels; right: the widest)", fontsize=SMALL)


@default_style
def curves_figure(report: AccumulatorReport) -> Figure:
    """Accuracy, SQNR and overflow rate of the network over the width, one line per overflow rule, the bounds drawn in.

    `report` must hold a sweep of the network.
    """
    sweep = _network(report)
    figure = new_page(report, f"one width in every layer, {sweep.samples:,} samples", (9.0, 7.0))
    score, quality, rate = figure.subplots(3, 1, sharex=True)
    curves = {mode: sweep.curve(mode) for mode in sweep.modes}
    labelled = all(point.accuracy is not None for point in curves[sweep.modes[0]])
    for mode, points in curves.items():
        style: dict[str, Any] = {"color": _MODES[mode], "marker": ".", "label": mode}
        widths = [point.width for point in points]
        score.plot(widths, _scores(sweep, mode, labelled), **style)
        finite = [point for point in points if math.isfinite(point.sqnr_db)]
        quality.plot([p.width for p in finite], [p.sqnr_db for p in finite], **style)
        over = [point for point in points if point.rate]
        rate.plot([p.width for p in over], [100 * p.rate for p in over], **style)
    score.set_ylabel("accuracy, %" if labelled else "samples unchanged, %", fontsize=SMALL)
    quality.set_ylabel("SQNR of the outputs, dB\n(no point: no error)", fontsize=SMALL)
    rate.set_ylabel("outputs that overflow, %\n(bias loads apart; no point: none)", fontsize=SMALL)
    rate.set_yscale("log")
    rate.set_xlabel("accumulator bits", fontsize=SMALL)
    for axes in (score, quality, rate):
        _draw_bounds(axes, report)
        axes.grid(linewidth=0.3)
        axes.tick_params(labelsize=SMALL)
    score.set_xticks(list(sweep.widths))
    handles, names = score.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), fontsize=SMALL)
    return figure


def _network(report: AccumulatorReport) -> WidthSweep:
    if report.network_sweep is None:
        raise ValueError("curves are drawn of a report with samples")
    return report.network_sweep


def _scores(sweep: WidthSweep, mode: str, labelled: bool) -> list[float]:
    """Percent of the samples, width by width: right, or without a changed output."""
    if labelled:
        return [100 * (point.accuracy or 0.0) for point in sweep.curve(mode)]
    assert sweep.effects is not None
    changed = sweep.effects.samples_changed[sweep.modes.index(mode)]
    return [100 * (1 - int(samples) / sweep.samples) for samples in changed]


def _draw_bounds(axes: Axes, report: AccumulatorReport) -> None:
    """The width that every layer needs by each bound, as a vertical line."""
    for place, (name, label) in enumerate(_BOUNDS.items()):
        widths = [getattr(layer.bits, name) for layer in report.layers]
        if None not in widths:
            axes.axvline(
                max(widths), color=COLOURS[11], linestyle=_STYLES[place], linewidth=1, label=f"{label}: {max(widths)}"
            )


@default_style
def overflow_figure(report: AccumulatorReport) -> Figure:
    """Heat map layer x width: share of the outputs that overflow, their bias loads included, under the hardware's rule.

    A step marks the width that is proved safe. Every layer runs alone, on the exact IFM.
    """
    sweep = report.layer_sweep
    if sweep is None:
        raise ValueError("the heat map is drawn of a report with samples")
    rule = report.hardware.numerics.overflow
    mode = rule if rule in sweep.modes else "saturate"
    figure = new_page(report, f"outputs that overflow, {mode}", (9.0, 2.0 + _ROW * len(report.layers)))
    axes = figure.subplots()
    shares = sweep.touched()[:, sweep.modes.index(mode), :] / sweep.outputs[:, None]
    lowest = min(1e-3, float(shares[shares > 0].min(initial=1.0)))
    image = axes.imshow(
        np.where(shares > 0, 100 * shares, np.nan),
        aspect="auto",
        cmap="inferno_r",
        norm=LogNorm(100 * lowest, 100),
        extent=(sweep.widths[0] - 0.5, sweep.widths[-1] + 0.5, len(shares) - 0.5, -0.5),
        interpolation="nearest",
    )
    for row, layer in enumerate(report.layers):
        axes.plot([layer.proved(mode) - 0.5] * 2, [row - 0.5, row + 0.5], color=COLOURS[3], linewidth=2)
    axes.set_facecolor("#f4f4f4")
    layer_axis(axes, report.layers)
    axes.set_xticks(list(sweep.widths))
    axes.set_xlim(sweep.widths[0] - 0.5, sweep.widths[-1] + 0.5)
    axes.set_xlabel("accumulator bits; green: proved safe from here on", fontsize=SMALL)
    bar = figure.colorbar(image, ax=axes)
    bar.set_label("% of the outputs (grey: none)", fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)
    return figure


@default_style
def trajectory_figure(report: AccumulatorReport, event: Event) -> Figure:
    """The accumulator of `event` over its products: the exact sum, what the registers hold, and where they clip."""
    path = event.trajectory
    figure = new_page(report, "one accumulator over k", (9.0, 4.2))
    axes = figure.subplots()
    sums = path.phase != Phase.READ
    steps = np.arange(int(np.count_nonzero(sums)))
    at = np.where(path.stop[sums] >= 0, path.stop[sums], 0) if path.part.max() == 0 else steps
    axes.fill_between([at.min(), at.max()], path.low, path.high, color="#eeeeee", label=f"{path.acc_bits} bits")
    axes.plot(at, path.exact[sums], color=COLOURS[3], linewidth=1, label="exact sum")
    axes.plot(at, path.stored[sums], color=COLOURS[0], linewidth=1, label="register")
    if path.inner_bits:
        axes.plot(at, path.inner[sums], color=COLOURS[2], linewidth=1, label=f"inner register, {path.inner_bits} bits")
    clipped = path.events[sums]
    held = np.where(path.phase == Phase.INNER, path.inner, path.stored)[sums]
    axes.plot(at[clipped], held[clipped], "x", color=COLOURS[1], label="out of range")
    unit = "products accumulated" if path.part.max() == 0 else "rule applications"
    axes.set_xlabel(f"{unit}\n{_wrapped(event.sentence)}", fontsize=SMALL)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.tick_params(labelsize=SMALL)
    axes.grid(linewidth=0.3)
    axes.legend(fontsize=SMALL)
    return figure


def _wrapped(sentence: str) -> str:
    return "\n".join(textwrap.wrap(sentence, 150))
