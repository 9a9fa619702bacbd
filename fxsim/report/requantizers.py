"""The figure of a requantizer study: what a requantizer costs over what it changes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import NullFormatter, NullLocator

from fxsim._core.tables import cell_text
from fxsim.analysis import OWN
from fxsim.report.canvas import COLOURS, DOTS_PER_INCH, SMALL, default_style, new_page
from fxsim.report.labels import Spot, place_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fxsim.analysis import RequantizerStudy

_ROW, _MARGIN = 0.19, 1.3
"""Inches per name, and around the names."""
_STAR = 11
"""Points across the star."""
_LOW, _MORE = -0.5, 3.0
"""Lower limit of the elements, below 0; room above and beside the dots, as a factor."""
_PIECES = 60
"""Points of a straight piece of the front, close enough that no label fits between two."""


@default_style
def requantizers_figure(study: RequantizerStudy) -> Figure:
    """Elements that differ over the energy of one output, a dot per requantizer, numbered by rank.

    Nothing is both cheaper than the front and nearer to the reference. The diamond is the cheapest equal requantizer
    of every layer; it differs nowhere. What costs nothing stands at the left edge.
    """
    runs = list(study.runs)
    pairs = [*((run.requant_pj, run.mismatches) for run in runs), (study.assignment.requant_pj, 0)]
    edge = min((pj for pj, _ in pairs if pj > 0), default=1.0) / _MORE
    *spots, best = ((max(pj, edge), float(count)) for pj, count in pairs)
    heading = f"requantizers, {study.samples:,} samples"
    figure = new_page(study, heading, (9.0, max(4.5, _MARGIN + _ROW * len(runs))))
    axes, names = figure.subplots(1, 2, width_ratios=(3, 1))
    _scales(axes, [*spots, best], edge)
    front = _front([*spots, best])
    axes.plot(*zip(*front, strict=True), color=COLOURS[11], linewidth=0.8, label="front")
    own = spots[[run.name for run in runs].index(OWN)]
    _draw_dots(axes, spots, own, best)
    _list_names(names, [run.name for run in runs])
    handles, words = axes.get_legend_handles_labels()
    figure.legend(handles, words, loc="outside lower center", ncols=len(words), fontsize=SMALL)
    place_labels(figure, axes, _ranks(spots), [*spots, best], [*_along(axes, front), *_around(axes, own)])
    return figure


def _scales(axes: Axes, spots: Sequence[Spot], edge: float) -> None:
    """Logarithmic both, the elements with room for 0."""
    dearest, most = (max(values) for values in zip(*spots, strict=True))
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=1, linscale=0.4)
    axes.set_xlim(edge, _MORE * dearest)
    axes.set_ylim(_LOW, _MORE * max(most, 1))
    axes.set_xlabel("requantization of one output, pJ", fontsize=SMALL + 0.5)
    axes.set_ylabel("elements that differ from the hardware's own requantizer", fontsize=SMALL + 0.5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: cell_text(float(value)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=SMALL)
    axes.grid(linewidth=0.3)


def _front(spots: Sequence[Spot]) -> list[Spot]:
    """Corners of the staircase under which no spot lies, from the cheapest to the dearest."""
    corners: list[Spot] = []
    for pj, count in sorted(spots):
        if corners and count < corners[-1][1]:
            corners += [(pj, corners[-1][1]), (pj, count)]
        corners = corners or [(pj, count)]
    return [*corners, (max(pj for pj, _ in spots), corners[-1][1])]


def _draw_dots(axes: Axes, spots: Sequence[Spot], own: Spot, best: Spot) -> None:
    style: dict[str, Any] = {"linestyle": "", "clip_on": False}
    axes.plot(*zip(*spots, strict=True), marker="o", markersize=4.5, color=COLOURS[0], label="requantizer", **style)
    axes.plot(*own, marker="*", markersize=_STAR, color="black", label="the hardware's own", **style)
    hollow: dict[str, Any] = {"marker": "D", "markersize": 6, "markerfacecolor": "none", "color": COLOURS[1]}
    axes.plot(*best, label="cheapest equal one, layer by layer", **hollow, **style)


def _ranks(spots: Sequence[Spot]) -> dict[Spot, str]:
    """Ranks by place, from 1; of neighbours in one place the first and the last."""
    found: dict[Spot, list[list[int]]] = {}
    for rank, spot in enumerate(spots, 1):
        spans = found.setdefault(spot, [])
        if spans and spans[-1][-1] == rank - 1:
            spans[-1] = [spans[-1][0], rank]
        else:
            spans.append([rank])
    return {spot: ", ".join("-".join(map(str, span)) for span in spans) for spot, spans in found.items()}


def _along(axes: Axes, front: Sequence[Spot]) -> list[Spot]:
    """Points of the front, evenly on paper."""
    corners = axes.transData.transform(front)
    steps = np.linspace(0, 1, _PIECES)[:, None]
    pieces = [one + steps * (two - one) for one, two in itertools.pairwise(corners)]
    return [(float(x), float(y)) for x, y in axes.transData.inverted().transform(np.concatenate(pieces))]


def _around(axes: Axes, own: Spot) -> list[Spot]:
    """Points of the star's outline, which is wider than a dot's."""
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = _STAR / 2 * DOTS_PER_INCH / 72 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return [(float(x), float(y)) for x, y in axes.transData.inverted().transform(axes.transData.transform(own) + ring)]


def _list_names(axes: Axes, names: Sequence[str]) -> None:
    """Ranks and names beside the plot."""
    axes.axis("off")
    for row, name in enumerate(names):
        y = 1 - (row + 0.5) / len(names)
        axes.text(0.1, y, str(row + 1), fontsize=SMALL, ha="right", va="center", transform=axes.transAxes)
        axes.text(0.17, y, name, fontsize=SMALL, va="center", transform=axes.transAxes)
