"""What all figures share: a page with a heading, colours, PNG bytes. No global state of matplotlib is read or changed.

The colours are Tol's and CARTO's "safe" ones, which stay apart for colour-blind eyes; from the thirteenth series on
they come again, hatched.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fxsim._core.errors import MissingDependencyError
from fxsim._core.tables import short_name

try:
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
except ImportError as error:
    raise MissingDependencyError("matplotlib must be installed: pip install 'fxsim[plot]'") from error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fxsim.hw import Hardware

_F = TypeVar("_F", bound=Callable[..., Any])

DOTS_PER_INCH = 150
SMALL = 7.5
"""Points of all text but headings."""
COLOURS = (
    "#332288", "#CC6677", "#DDCC77", "#117733", "#88CCEE", "#AA4499",
    "#44AA99", "#999933", "#882255", "#661100", "#6699CC", "#888888",
)  # fmt: skip
_HATCHES = ("", "////", "....")


def default_style(function: _F) -> _F:
    """Run `function` under matplotlib's own defaults, whatever the user's settings are."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams["hatch.linewidth"] = 0.5
            return function(*args, **kwargs)

    return wrapped  # type: ignore[return-value]


class Subject(Protocol):
    """What a figure is about: a network on a hardware."""

    @property
    def network(self) -> str: ...  # noqa: D102
    @property
    def hardware(self) -> Hardware: ...  # noqa: D102


def new_page(of: Subject, subject: str, size: tuple[float, float]) -> Figure:
    """An empty figure of `size` inches with a heading: network, subject, hardware."""
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{of.network} on {of.hardware.name}: {subject}", fontsize=10)
    return figure


class Row(Protocol):
    """What stands in a row of a figure."""

    @property
    def number(self) -> int: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102


def layer_axis(axes: Axes, layers: Sequence[Row], *, labelled: bool = True) -> None:
    """Numbers and names of `layers` from the top down, a row each."""
    names = [f"{layer.number}  {short_name(layer.name)}" for layer in layers]
    axes.set_yticks(range(len(names)), names if labelled else [""] * len(names))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(labelsize=SMALL)


def series_style(number: int) -> dict[str, Any]:
    """Fill of the series with this number in its vocabulary."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "hatch": _HATCHES[number // len(COLOURS) % len(_HATCHES)],
        "edgecolor": "white",
        "linewidth": 0.3,
    }


@default_style
def png(figure: Figure) -> bytes:
    """The figure as a PNG file, the same bytes for the same result."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
