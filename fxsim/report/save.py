"""`save_figures`: every figure of a result, as PNG files in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fxsim._core.files import write_atomically
from fxsim.report.bars import cycles_figure, energy_figure, utilization_figure
from fxsim.report.canvas import png
from fxsim.report.roofline import roofline_figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from fxsim.sim import Result

FIGURES = {
    "cycles": cycles_figure,
    "energy": energy_figure,
    "utilization": utilization_figure,
    "roofline": roofline_figure,
}
"""File stem and what draws it."""


def save_figures(result: Result, folder: str | Path) -> list[Path]:
    """Write ``cycles.png``, ``energy.png``, ``utilization.png`` and, with MACs, ``roofline.png`` to `folder`.

    Parameters
    ----------
    result
        Of `fxsim.run`, `fxsim.simulate` or `fxsim.estimate`.
    folder
        Made if it does not exist.

    Returns
    -------
    list of Path
        The files written.
    """
    drawn = {stem: draw(result) for stem, draw in FIGURES.items() if stem != "roofline" or result.macs}
    return write_figures(drawn, folder)


def write_figures(figures: Mapping[str, Figure], folder: str | Path) -> list[Path]:
    """Write figures as PNG files by their stems; the paths written."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    paths = [target / f"{stem}.png" for stem in figures]
    for path, figure in zip(paths, figures.values(), strict=True):
        write_atomically(path, png(figure))
    return paths
