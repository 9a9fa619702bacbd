"""Labels beside dots: near, and their leaders off other labels."""

from __future__ import annotations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from fxsim.report.canvas import DOTS_PER_INCH
from fxsim.report.labels import Spot, place_labels
from tests.report.drawn import extent


def labelled(dots: dict[Spot, str], line: list[Spot]) -> dict[str, Annotation]:
    """Dots in axes of 720 x 720 points."""
    figure = Figure(figsize=(10, 10), dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, 720)
    axes.set_ylim(0, 720)
    place_labels(figure, axes, dots, list(dots), line)
    figure.draw_without_rendering()
    return {text.get_text(): text for text in axes.texts if isinstance(text, Annotation)}


def test_a_lone_label_stands_above_its_dot() -> None:
    label = labelled({(300.0, 300.0): "7"}, [])["7"]
    assert label.arrowprops is None
    assert (label.xyann[0], round(label.xyann[1], 6)) == (0, 8.5)


def test_leaders_keep_off_labels() -> None:
    """Two dots at the lower edge, a line on either side: right above the first label is nearest, but behind it."""
    fence = [(float(x), 6.0) for x in (*range(284, 296), *range(308, 320))]
    found = labelled({(300.0, 6.0): "a long label", (304.0, 6.0): "another long label"}, fence)
    first, second = found.values()
    assert first.arrowprops is None
    assert second.arrowprops is not None
    (x, y), (dx, dy) = second.xy, second.xyann
    leader = [((x + n / 200 * dx) * DOTS_PER_INCH / 72, (y + n / 200 * dy) * DOTS_PER_INCH / 72) for n in range(200)]
    assert not any(extent(first).contains(*point) for point in leader)
    assert not extent(first).overlaps(extent(second))
