"""Figures of a `Result`, of an accumulator report and of a comparison, and HTML pages. Needs the extra ``plot``."""

from fxsim.report.accumulators import accumulator_figures, accumulator_page, save_accumulator_figures
from fxsim.report.bars import cycles_figure, energy_figure, utilization_figure
from fxsim.report.canvas import png
from fxsim.report.comparison import comparison_figures, comparison_page, save_comparison_figures
from fxsim.report.differences import causes_figure, differences_figure, fidelity_figure, worst_figure
from fxsim.report.requantizers import requantizers_figure
from fxsim.report.roofline import roofline_figure
from fxsim.report.save import save_figures
from fxsim.report.widths import bits_figure, curves_figure, overflow_figure, trajectory_figure

__all__ = [
    "accumulator_figures",
    "accumulator_page",
    "bits_figure",
    "causes_figure",
    "comparison_figures",
    "comparison_page",
    "curves_figure",
    "cycles_figure",
    "differences_figure",
    "energy_figure",
    "fidelity_figure",
    "overflow_figure",
    "png",
    "requantizers_figure",
    "roofline_figure",
    "save_accumulator_figures",
    "save_comparison_figures",
    "save_figures",
    "trajectory_figure",
    "utilization_figure",
    "worst_figure",
]
