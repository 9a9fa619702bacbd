"""`save_figures`: every figure of a result, as PNG files in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fxsim._core.files import write_atomically
from fxsim.report.bars import cycles_figure, energy_figure, utilization_figure
from fxsim.report.canvas import png
from fxsim.report.roofline import roofline_figure

if TYPE_CHECKING:
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
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for stem, draw in FIGURES.items():
        if stem == "roofline" and not result.macs:
            continue
        written.append(target / f"{stem}.png")
        write_atomically(written[-1], png(draw(result)))
    return written
