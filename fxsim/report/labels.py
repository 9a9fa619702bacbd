"""Short labels beside dots, none on another label, dot or line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fxsim.report.canvas import DOTS_PER_INCH, SMALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Spot = tuple[float, float]
Box = tuple[float, float, float, float]
"""Centre and half sides, points."""

_DOT, _LINE = 4.0, 1.0
"""Half the side of the square that a dot, a piece of a line takes, points."""
_HEIGHT, _CHARACTER = SMALL + 0.5, 0.6 * SMALL
"""Box of a character, rounded up."""
_GAP, _STEP, _RINGS, _DIRECTIONS = 4.5, 3.0, 25, 16
"""Distances between a dot and its label, points, and how many directions are tried at each."""


def place_labels(
    figure: Figure, axes: Axes, labels: Mapping[Spot, str], dots: Sequence[Spot], line: Sequence[Spot]
) -> None:
    """Write `labels` near their spots, off all `dots`, the `line` and each other; far ones get a thin leader.

    The limits of `axes` must be set; its margins are fixed here, since labels are placed by distances on paper.
    Leaders keep off labels where there is a place for that.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    taken = [(*_points(axes, dot), _DOT, _DOT) for dot in dots] + [(*_points(axes, at), _LINE, _LINE) for at in line]
    written: list[Box] = []
    frame = _frame(axes)
    for spot, label in labels.items():
        here = _points(axes, spot)
        half = (_CHARACTER * len(label) / 2, _HEIGHT / 2)
        places = (found for found in _candidates(here, half) if _inside(found[1], frame))
        gap, box = _choose(here, places, taken, written) or (_GAP, (*here, *half))
        written += [box, *_leader(here, gap, box)]
        _write(axes, spot, label, (box[0] - here[0], box[1] - here[1]), leader=gap > _GAP)


def _choose(
    spot: Spot, places: Iterable[tuple[float, Box]], taken: Sequence[Box], written: Sequence[Box]
) -> tuple[float, Box] | None:
    """The first free place with a leader that crosses nothing `written`; if there is none, the first free one."""
    first = None
    for gap, box in places:
        if _free(box, taken) and _free(box, written):
            if all(_free(piece, written) for piece in _leader(spot, gap, box)):
                return gap, box
            first = first or (gap, box)
    return first


def _write(axes: Axes, spot: Spot, label: str, offset: Spot, *, leader: bool) -> None:
    line = {"arrowstyle": "-", "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2} if leader else None
    axes.annotate(
        label, spot, offset, textcoords="offset points", ha="center", va="center", fontsize=SMALL, arrowprops=line,
        annotation_clip=False,
    )  # fmt: skip


def _leader(spot: Spot, gap: float, box: Box) -> list[Box]:
    """What the line from `spot` to the edge of the label takes; nothing where there is none."""
    (x, y), (cx, cy, w, h) = spot, box
    dx, dy = cx - x, cy - y
    if gap <= _GAP:
        return []
    inside = min(side / abs(d) for side, d in ((w, dx), (h, dy)) if d)
    pieces = math.ceil(math.hypot(dx, dy) * (1 - inside) / _LINE)
    steps = [(1 - inside) * piece / pieces for piece in range(pieces)]
    return [(x + step * dx, y + step * dy, _LINE, _LINE) for step in steps]


def _points(axes: Axes, spot: Spot) -> Spot:
    x, y = axes.transData.transform(spot) * 72 / DOTS_PER_INCH
    return float(x), float(y)


def _frame(axes: Axes) -> Box:
    left, bottom, width, height = (side * 72 / DOTS_PER_INCH for side in axes.bbox.bounds)
    return left + width / 2, bottom + height / 2, width / 2, height / 2


def _candidates(spot: Spot, half: Spot) -> Iterator[tuple[float, Box]]:
    """Boxes around `spot`, nearest first, above first; with their distance from it."""
    (x, y), (w, h) = spot, half
    for ring in range(_RINGS):
        gap = _GAP + ring * _STEP
        for turn in range(_DIRECTIONS):
            angle = math.pi / 2 - 2 * math.pi * turn / _DIRECTIONS
            yield gap, (x + (gap + w) * math.cos(angle), y + (gap + h) * math.sin(angle), w, h)


def _inside(box: Box, frame: Box) -> bool:
    (x, y, w, h), (fx, fy, fw, fh) = box, frame
    return abs(x - fx) + w <= fw and abs(y - fy) + h <= fh


def _free(box: Box, taken: Sequence[Box]) -> bool:
    x, y, w, h = box
    return all(abs(x - tx) >= w + tw or abs(y - ty) >= h + th for tx, ty, tw, th in taken)
