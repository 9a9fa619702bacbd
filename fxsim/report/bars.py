"""Horizontal bars, one row per layer: cycles by cause, energy by event group, utilization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fxsim._core.tables import cell_text, short_name
from fxsim.hw import GROUPS
from fxsim.report.canvas import SMALL, default_style, new_page, series_style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fxsim.sim import Result

_MARGIN, _ROW = 1.5, 0.2
"""Inches around the bars, and per layer."""
_WIDTH = 9.0
_UNITS = ((1e6, "uJ"), (1e3, "nJ"), (1.0, "pJ"))


@default_style
def cycles_figure(result: Result) -> Figure:
    """Cycles per layer: computing, and idle by cause."""
    causes = {cause: None for layer in result.layers for cause in layer.stalls}
    series = {"compute": [float(layer.compute_cycles) for layer in result.layers]}
    series |= {cause: [float(layer.stalls[cause]) for layer in result.layers] for cause in causes}
    figure = new_page(result, f"{result.cycles:,} cycles per sample", _size(result))
    axes = figure.subplots()
    _stack(axes, series)
    _finish(axes, result, "cycles per sample", [f"{layer.cycles:,}" for layer in result.layers])
    _legend(figure, axes)
    return figure


@default_style
def energy_figure(result: Result) -> Figure:
    """Energy per layer by event group: everything, and without DRAM, which dwarfs the rest."""
    scale, unit = _unit(max((layer.energy_pj for layer in result.layers), default=0.0))
    total_scale, total_unit = _unit(result.energy_pj)
    heading = f"{cell_text(result.energy_pj / total_scale)} {total_unit} per sample"
    figure = new_page(result, heading, _size(result))
    everything, chip = figure.subplots(1, 2, sharey=True)
    series = {group: [layer.energy_by_event[group] for layer in result.layers] for group in GROUPS}
    _stack(everything, _scaled(series, scale))
    totals = [layer.energy_pj for layer in result.layers]
    _finish(everything, result, f"energy, {unit} per sample", [cell_text(total / scale) for total in totals])
    inside = [total - layer.energy_by_event["dram"] for total, layer in zip(totals, result.layers, strict=True)]
    scale, unit = _unit(max(inside, default=0.0))
    _stack(chip, _scaled(series | {"dram": [0.0] * len(totals)}, scale))
    _finish(chip, result, f"energy without DRAM, {unit} per sample", [cell_text(e / scale) for e in inside])
    _legend(figure, everything)
    return figure


@default_style
def utilization_figure(result: Result) -> Figure:
    """Share of the array's products that each layer's cycles are used for; no bar for a layer without products."""
    array = result.hardware.timing
    figure = new_page(result, f"utilization of {array.rows} x {array.cols} PEs", _size(result))
    axes = figure.subplots()
    shares = [100 * layer.utilization for layer in result.layers]
    _stack(axes, {"utilization": shares})
    labels = [f"{share:.3g} %" if layer.macs else "" for share, layer in zip(shares, result.layers, strict=True)]
    _finish(axes, result, "utilization, % of MACs per cycle", labels)
    axes.set_xlim(0, 112)
    axes.set_xticks(range(0, 101, 10))
    return figure


def _size(result: Result) -> tuple[float, float]:
    return _WIDTH, _MARGIN + _ROW * len(result.layers)


def _unit(pj: float) -> tuple[float, str]:
    """pJ of the largest unit that leaves at least one of it."""
    return next(((scale, unit) for scale, unit in _UNITS if pj >= scale), _UNITS[-1])


def _scaled(series: Mapping[str, Sequence[float]], scale: float) -> dict[str, list[float]]:
    return {name: [value / scale for value in values] for name, values in series.items()}


def _stack(axes: Axes, series: Mapping[str, Sequence[float]]) -> None:
    """Bars of all series that are not zero throughout; a series has its colour by its place, drawn or not."""
    left = [0.0] * len(next(iter(series.values())))
    for number, (name, values) in enumerate(series.items()):
        if any(values):
            style: dict[str, Any] = series_style(number)
            axes.barh(range(len(values)), values, left=left, height=0.75, label=name, **style)
        left = [a + b for a, b in zip(left, values, strict=True)]


def _finish(axes: Axes, result: Result, unit: str, labels: Sequence[str]) -> None:
    """Layer names from the top down, totals behind the bars, grid, unit."""
    names = [f"{number}  {short_name(layer.name)}" for number, layer in enumerate(result.layers)]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    ends = [0.0] * len(names)
    for bars in axes.containers:
        for row, bar in enumerate(bars):
            ends[row] = max(ends[row], bar.get_x() + bar.get_width())
    for row, (end, label) in enumerate(zip(ends, labels, strict=True)):
        axes.annotate(label, (end, row), (3, 0), textcoords="offset points", va="center", fontsize=SMALL - 1)
    axes.set_xlim(0, 1.14 * max(ends, default=0.0) or 1.0)
    axes.set_xlabel(unit, fontsize=SMALL + 0.5)
    axes.tick_params(labelsize=SMALL)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.grid(axis="x", linewidth=0.3)
    axes.set_axisbelow(True)


def _legend(figure: Figure, axes: Axes) -> None:
    handles, names = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 9), fontsize=SMALL)
