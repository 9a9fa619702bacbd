"""What a figure shows, read back from it."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

_TOUCH = 2
"""Pixels by which boxes may overlap."""


def texts(figure: Figure) -> list[Text]:
    """All text that is drawn: not the ticks beyond the limits of their axis, nor those of axes that hold words only."""
    figure.draw_without_rendering()
    hidden: set[Text] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if tick.get_loc() < low or tick.get_loc() > high or not (axes.lines or axes.containers or axes.images):
                    hidden |= {tick.label1, tick.label2}
    found = figure.findobj(Text)
    return [t for t in found if t not in hidden and t.get_visible() and t.get_text().strip()]


def extent(text: Text) -> Bbox:
    """Box of the letters; of an annotation without its leader."""
    return Text.get_window_extent(text) if isinstance(text, Annotation) else text.get_window_extent()


def collisions(figure: Figure) -> list[tuple[str, str]]:
    """Texts that lie on one another, or off the page (the second is then empty)."""
    found = texts(figure)
    names = [text.get_text() for text in found]
    x0, y0, x1, y1 = np.array([extent(text).extents for text in found]).T
    off = (x0 < 0) | (y0 < 0) | (x1 > figure.bbox.x1) | (y1 > figure.bbox.y1)
    wide = np.minimum.outer(x1, x1) - np.maximum.outer(x0, x0)
    high = np.minimum.outer(y1, y1) - np.maximum.outer(y0, y0)
    both = np.argwhere(np.triu((wide > _TOUCH) & (high > _TOUCH), 1)).tolist()
    hits = [(names[i], names[j]) for i, j in both if not _slanted_apart(found[i], found[j])]
    return [(names[i], "") for i in np.flatnonzero(off)] + hits


def _slanted_apart(one: Text, two: Text) -> bool:
    """Whether two texts on parallel slanted lines are a line's height apart, whatever their upright boxes say."""
    angle = np.deg2rad(one.get_rotation())
    if not angle or one.get_rotation() != two.get_rotation():
        return False
    (ax, ay), (bx, by) = (text.get_transform().transform(text.get_position()) for text in (one, two))
    assert one.figure is not None
    return bool(
        abs((bx - ax) * np.sin(angle) - (by - ay) * np.cos(angle)) > float(one.get_fontsize()) * one.figure.dpi / 72
    )
