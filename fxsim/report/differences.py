"""Figures of a comparison: differences in LSB, who causes them, the worst tensor, fidelity layer by layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.ticker import MaxNLocator

from fxsim._core.tables import short_name
from fxsim.analysis import CAUSES, UNEXPLAINED, Mechanism
from fxsim.report.canvas import COLOURS, SMALL, default_style, layer_axis, new_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from numpy.typing import NDArray

    from fxsim.analysis import Comparison, Differences, LayerComparison

_PANELS, _COLUMNS = 12, 4
"""Histograms of a figure, and of one row, at most."""
_ROW = 0.2
"""Inches per layer."""
_NONE, _EQUAL, _UNEQUAL = "#f4f4f4", "#bbbbbb", COLOURS[0]
_COUNTS = "viridis_r"
_DARK = 0.45
"""Place on the colour scale from which on letters are white."""
_IN_FULL = 100_000
"""Counts from here on are too wide for a cell."""
_UNITS = ((10**9, "G"), (10**6, "M"), (10**3, "k"))
_LINES: tuple[dict[str, Any], ...] = (
    {"color": COLOURS[1], "linewidth": 2.4, "alpha": 0.8, "marker": "o", "markersize": 7, "markerfacecolor": "none"},
    {"color": COLOURS[0], "linewidth": 0.9, "marker": "o", "markersize": 3},
    {"color": COLOURS[3], "linewidth": 0.9, "marker": "s", "markersize": 3, "linestyle": "--"},
)
"""Of fidelity: fake-quantized, exact, and one to the other; the first two often lie on each other."""
_BEHIND = -1
"""Order of lines that no cell of a map may be hidden by."""


@default_style
def differences_figure(comparison: Comparison) -> Figure:
    """Histograms of exact - fake-quantized in LSB, one per layer that differs; of more than a dozen the worst."""
    layers = [layer for layer in comparison.layers if layer.mismatches]
    if not layers:
        return _nothing(comparison, "differences")
    worst = sorted(layers, key=lambda layer: -layer.free.mean_abs_lsb)[:_PANELS]
    shown = sorted(worst, key=lambda layer: layer.number)
    left_out = len(layers) - len(shown)
    heading = f"differences, {comparison.samples:,} samples"
    heading += f"; the {_PANELS} worst layers, {left_out} more differ" if left_out else ""
    columns = min(_COLUMNS, len(shown))
    rows = math.ceil(len(shown) / columns)
    figure = new_page(comparison, heading, (max(6.0, 2.3 * columns), 1.0 + 1.75 * rows))
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes, layer in zip(panels, shown, strict=False):
        _histogram(axes, layer)
    for axes in panels[len(shown) :]:
        axes.remove()
    figure.supxlabel("exact - fake-quantized, LSB of the tensor (grey: equal)", fontsize=SMALL + 0.5)
    figure.supylabel("elements", fontsize=SMALL + 0.5)
    return figure


def _histogram(axes: Axes, layer: LayerComparison) -> None:
    """A bar per difference that occurs, over a log scale that starts below one element."""
    counts = layer.free.histogram
    colours = [_UNEQUAL if d else _EQUAL for d in counts]
    axes.bar(list(counts), list(counts.values()), 0.9, color=colours, edgecolor=colours, linewidth=0.5)
    axes.set_yscale("log")
    axes.set_ylim(0.5, 4.0 * max(counts.values()))
    reach = 1.04 * max(layer.max_abs_lsb, 3) + 0.6
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.tick_params(labelsize=SMALL - 1)
    axes.grid(axis="y", linewidth=0.3)
    axes.set_axisbelow(True)
    share = 100 * layer.mismatches / layer.elements
    title = f"{layer.number}  {short_name(layer.name, 24)}\n{layer.mismatches:,} differ, {share:.3g} %"
    axes.set_title(title, fontsize=SMALL)


@default_style
def causes_figure(comparison: Comparison) -> Figure:
    """Heat maps layer x cause: differing elements, the whole network beside every layer alone.

    Counts stand in the cells, their sum at the right; both maps have one scale of colours.
    """
    if not any(side.mismatches for layer in comparison.layers for side in (layer.free, layer.isolated)):
        return _nothing(comparison, "causes")
    free, isolated = _seen(comparison)
    size = (9.0 + 0.35 * max(0, len(free) + len(isolated) - 10), 2.2 + _ROW * len(comparison.layers))
    figure = new_page(comparison, f"elements that differ, by cause, {comparison.samples:,} samples", size)
    whole, alone = figure.subplots(1, 2, sharey=True, width_ratios=(len(free) + 1, len(isolated) + 1))
    sides = [layer.free for layer in comparison.layers], [layer.isolated for layer in comparison.layers]
    norm = LogNorm(1, max(10, *(side.mismatches for side in (*sides[0], *sides[1]))))
    image = _cause_map(whole, sides[0], free, norm)
    _cause_map(alone, sides[1], isolated, norm)
    whole.set_title("whole network", fontsize=SMALL + 0.5)
    alone.set_title("every layer alone", fontsize=SMALL + 0.5)
    layer_axis(whole, comparison.layers)
    alone.tick_params(axis="y", labelleft=False, left=False)
    _colour_bar(figure, image, [whole, alone], "elements (grey: none)")
    return figure


def _seen(comparison: Comparison) -> tuple[list[str], list[str]]:
    """Causes that occur, in their order; a layer alone inherits nothing."""
    occurring = {cause for layer in comparison.layers for side in (layer.free, layer.isolated) for cause in side.causes}
    free = [cause for cause in CAUSES if cause in occurring]
    return free, [cause for cause in free if cause != Mechanism.UPSTREAM] or [UNEXPLAINED]


def _cause_map(axes: Axes, sides: Sequence[Differences], causes: Sequence[str], norm: LogNorm) -> AxesImage:
    counts = np.array([[side.causes.get(cause, 0) for cause in causes] for side in sides])
    image = _map(axes, counts, norm, (-0.5, len(causes) - 0.5, len(sides) - 0.5, -0.5))
    dark = np.ma.filled(norm(counts), 0) > _DARK
    for row, column in np.argwhere(counts):
        style: dict[str, Any] = {"color": "white" if dark[row, column] else "black", "fontsize": SMALL - 1}
        words = _short_count(int(counts[row, column]))
        axes.text(column, row, words, ha="center", va="center", in_layout=False, **style)
    for row, side in enumerate(sides):
        total, edge = _short_count(side.mismatches) if side.mismatches else "", (len(causes) - 0.5, row)
        axes.annotate(total, edge, (3, 0), textcoords="offset points", va="center", fontsize=SMALL - 1)
    axes.annotate("all", (1, 1), (3, 3), xycoords="axes fraction", textcoords="offset points", fontsize=SMALL - 1)
    axes.set_xticks(range(len(causes)), causes, rotation=40, ha="right", rotation_mode="anchor")
    axes.tick_params(labelsize=SMALL)
    return image


def _short_count(count: int) -> str:
    """In full as far as a cell holds it, then three digits with a unit."""
    if count < _IN_FULL:
        return f"{count:,}"
    unit, name = next((unit, name) for unit, name in _UNITS if count >= unit)
    return f"{count / unit:.3g} {name}"


def _map(axes: Axes, counts: NDArray[np.int64], norm: LogNorm, extent: tuple[float, float, float, float]) -> AxesImage:
    """Counts as colours, zeros as background."""
    axes.set_facecolor(_NONE)
    shown = np.where(counts > 0, counts, np.nan)
    return axes.imshow(shown, aspect="auto", cmap=_COUNTS, norm=norm, extent=extent, interpolation="nearest")


def _colour_bar(figure: Figure, image: AxesImage, beside: Sequence[Axes], label: str) -> None:
    bar = figure.colorbar(image, ax=list(beside), pad=0.03)
    bar.set_label(label, fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)


@default_style
def worst_figure(comparison: Comparison) -> Figure:
    """The tensor that differs most: how often every pair of codes occurs, and the difference over the code."""
    layer = comparison.worst
    if layer is None:
        return _nothing(comparison, "the tensor that differs most")
    heading = f"layer {layer.number}, {short_name(layer.name)}, differs most; {layer.elements:,} elements"
    figure = new_page(comparison, heading, (9.0, 4.3))
    plane, drift = figure.subplots(1, 2, gridspec_kw={"wspace": 0.08})
    fake, exact = (index + layer.free.low for index in np.nonzero(layer.free.pairs))
    counts = layer.free.pairs[layer.free.pairs > 0]
    norm = LogNorm(1, max(10, int(counts.max())))
    image = _pairs(plane, fake, exact, counts, norm)
    _pairs(drift, fake, exact - fake, counts, norm)
    plane.axline((0, 0), slope=1, color=COLOURS[1], linewidth=0.8, zorder=_BEHIND)
    drift.axhline(0, color=COLOURS[1], linewidth=0.8, zorder=_BEHIND)
    plane.set_ylabel("exact code", fontsize=SMALL + 0.5)
    drift.set_ylabel("exact - fake-quantized, LSB", fontsize=SMALL + 0.5)
    for axes in (plane, drift):
        axes.set_xlabel("fake-quantized code", fontsize=SMALL + 0.5)
        axes.tick_params(labelsize=SMALL)
    _colour_bar(figure, image, [plane, drift], f"elements (red line: equal; 1 LSB = {layer.scale:.4g})")
    return figure


def _pairs(axes: Axes, x: NDArray[np.intp], y: NDArray[np.intp], counts: NDArray[np.int64], norm: LogNorm) -> AxesImage:
    """A cell per pair of integers, over the range that occurs and one more on every side."""
    left, bottom = int(x.min()) - 1, int(y.min()) - 1
    cells = np.zeros((int(y.max()) + 2 - bottom, int(x.max()) + 2 - left), np.int64)
    cells[y - bottom, x - left] = counts
    extent = (left - 0.5, left + cells.shape[1] - 0.5, bottom + cells.shape[0] - 0.5, bottom - 0.5)
    image = _map(axes, cells, norm, extent)
    axes.invert_yaxis()
    axes.locator_params(integer=True)
    return image


@default_style
def fidelity_figure(comparison: Comparison) -> Figure:
    """SQNR layer by layer: fake-quantized and exact to the float run, exact to fake-quantized."""
    layers = comparison.layers
    heading = f"fidelity, {comparison.samples:,} samples"
    figure = new_page(comparison, heading, (9.0, 1.7 + _ROW * len(layers)))
    axes = figure.subplots()
    lines = {
        "fake-quantized to float": [layer.to_float["fake_quant"].sqnr_db for layer in layers],
        "exact to float": [layer.to_float["exact"].sqnr_db for layer in layers],
        "exact to fake-quantized": [layer.sqnr_db for layer in layers],
    }
    for (label, values), style in zip(lines.items(), _LINES, strict=True):
        finite = [value if math.isfinite(value) else math.nan for value in values]
        axes.plot(finite, range(len(layers)), label=label, **style)
    layer_axis(axes, layers)
    axes.set_xlabel("SQNR, dB (no dot: no difference or no signal)", fontsize=SMALL + 0.5)
    axes.grid(linewidth=0.3)
    if not any(math.isfinite(value) for values in lines.values() for value in values):
        axes.set_xticks([])
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), fontsize=SMALL)
    return figure


def _nothing(comparison: Comparison, subject: str) -> Figure:
    """A figure that says that the two runs are equal."""
    figure = new_page(comparison, subject, (6.0, 1.0))
    axes = figure.subplots()
    axes.axis("off")
    elements = sum(layer.elements for layer in comparison.layers)
    words = f"Fake-quantized and exact run are equal\nin all {elements:,} elements, {comparison.samples:,} samples."
    axes.text(0.5, 0.5, words, ha="center", va="center", fontsize=SMALL + 1, transform=axes.transAxes)
    return figure
