"""Figures of a `Result`: cycles, energy and utilization per layer, roofline. Needs the extra ``plot``."""

from fxsim.report.bars import cycles_figure, energy_figure, utilization_figure
from fxsim.report.canvas import png
from fxsim.report.roofline import roofline_figure
from fxsim.report.save import save_figures

__all__ = ["cycles_figure", "energy_figure", "png", "roofline_figure", "save_figures", "utilization_figure"]
