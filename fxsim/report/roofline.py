"""The roofline: MACs per cycle over MACs per DRAM byte, a dot per layer with MACs, a star for the network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from fxsim._core.tables import cell_text, short_name
from fxsim.report.canvas import COLOURS, SMALL, default_style, new_page
from fxsim.report.labels import Spot, place_labels
from fxsim.sim import Roofline, roofline_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fxsim.sim import Result

_MARKERS = "osD^vP"
_MIN_ROWS = 14
_PIECES = 200


class _Dot(NamedTuple):
    """A layer with MACs."""

    number: int
    name: str
    op: str
    roof: Roofline


@default_style
def roofline_figure(result: Result) -> Figure:
    """Every layer with MACs and the whole network under the roof of array and DRAM bus.

    Layers are numbered as in the table. One that moves nothing through DRAM stands at the right edge.
    """
    hw = result.hardware
    dots = [
        _Dot(number, layer.name, layer.op, roofline_of(layer.macs, layer.dram_bytes, layer.span_cycles, hw))
        for number, layer in enumerate(result.layers)
        if layer.macs and layer.span_cycles
    ]
    roof = result.roofline
    figure = new_page(result, "roofline", (9.0, 5.5))
    axes, names = figure.subplots(1, 2, width_ratios=(3, 1))
    _draw_roof(axes, roof, [dot.roof for dot in dots])
    spots = _draw_dots(axes, dots, roof)
    _list_names(names, dots)
    place_labels(figure, axes, _numbers(dots, spots), spots, _along(axes, roof))
    return figure


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Whole powers of two around all finite values, with room beside them."""
    finite = [value for value in values if 0 < value < math.inf]
    return 2.0 ** (math.floor(math.log2(min(finite))) - 1), 2.0 ** (math.ceil(math.log2(max(finite))) + 1)


def _draw_roof(axes: Axes, roof: Roofline, layers: Sequence[Roofline]) -> None:
    every = [roof, *layers]
    left, right = _span([roof.ridge, *(r.intensity for r in every)])
    bottom, top = _span([float(roof.peak), *(r.reached for r in every)])
    axes.plot((left, roof.ridge, right), (left * roof.bandwidth, roof.peak, roof.peak), color="black", linewidth=1.2)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.axvline(roof.ridge, color="gray", linewidth=0.6, linestyle=":")
    axes.set_xlabel("operational intensity, MACs per DRAM byte", fontsize=SMALL + 0.5)
    axes.set_ylabel("MACs per cycle", fontsize=SMALL + 0.5)
    axes.set_title(
        f"array {roof.peak:,} MACs per cycle, DRAM {roof.bandwidth:,.4g} bytes per cycle, ridge {roof.ridge:,.4g}",
        fontsize=SMALL + 0.5,
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: cell_text(float(value)))
    axes.tick_params(labelsize=SMALL)
    axes.grid(linewidth=0.3)


def _draw_dots(axes: Axes, dots: Sequence[_Dot], roof: Roofline) -> list[Spot]:
    """Draw layers by operator, then the network; where they are, in the order of `dots`, the network last."""
    edge = axes.get_xlim()[1]
    spots = [(min(at.intensity, edge), at.reached) for at in (*(dot.roof for dot in dots), roof)]
    for number, op in enumerate(dict.fromkeys(dot.op for dot in dots)):
        mine = [spot for spot, dot in zip(spots, dots, strict=False) if dot.op == op]
        style: dict[str, Any] = {
            "marker": _MARKERS[number % len(_MARKERS)],
            "color": COLOURS[number % len(COLOURS)],
            "markersize": 5,
        }
        axes.plot(*zip(*mine, strict=True), linestyle="", label=op, clip_on=False, **style)
    axes.plot(*spots[-1], linestyle="", marker="*", color="black", markersize=11, label="network", clip_on=False)
    axes.legend(loc="upper left", fontsize=SMALL)
    return spots


def _numbers(dots: Sequence[_Dot], spots: Sequence[Spot]) -> dict[Spot, str]:
    """Layer numbers by place; layers on one dot share a label."""
    labels: dict[Spot, str] = {}
    for dot, spot in zip(dots, spots, strict=False):
        labels[spot] = f"{labels[spot]}, {dot.number}" if spot in labels else str(dot.number)
    return labels


def _along(axes: Axes, roof: Roofline) -> list[Spot]:
    """Points of the roof's line, close enough that no label fits between two."""
    left, right = axes.get_xlim()
    at = [left * (right / left) ** (step / _PIECES) for step in range(_PIECES + 1)]
    return [(x, min(x * roof.bandwidth, float(roof.peak))) for x in at]


def _list_names(axes: Axes, dots: Sequence[_Dot]) -> None:
    """Numbers and names beside the plot."""
    axes.axis("off")
    rows = max(len(dots), _MIN_ROWS)
    for row, dot in enumerate(dots):
        y = 1 - (row + 0.5) / rows
        axes.text(0.12, y, str(dot.number), fontsize=SMALL, ha="right", va="center", transform=axes.transAxes)
        axes.text(0.2, y, short_name(dot.name), fontsize=SMALL, va="center", transform=axes.transAxes)
