"""An accumulator report with its figures: PNG files, or one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.analysis import sections
from fxsim.report.page import html_page, placed
from fxsim.report.save import write_figures
from fxsim.report.widths import bits_figure, curves_figure, overflow_figure, trajectory_figure

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from fxsim.analysis import AccumulatorReport

_PLACES = {
    "bits": "Bits needed",
    "curves": "Width sweep",
    "overflow": "Width sweep",
    "trajectory": "What overflows on this hardware",
}
"""Section of every figure."""


def accumulator_figures(report: AccumulatorReport) -> dict[str, Figure]:
    """The figures that `report` has data for, by file stem.

    ``bits`` always; ``curves`` and ``overflow`` with samples; ``trajectory``, of the worst event, where one happened.
    """
    figures = {"bits": bits_figure(report)}
    if report.network_sweep is not None:
        figures["curves"] = curves_figure(report)
    if report.layer_sweep is not None:
        figures["overflow"] = overflow_figure(report)
    if report.forensics is not None and report.forensics.worst is not None:
        figures["trajectory"] = trajectory_figure(report, report.forensics.worst)
    return figures


def save_accumulator_figures(report: AccumulatorReport, folder: str | Path) -> list[Path]:
    """Write `accumulator_figures` as PNG files to `folder`, made if it does not exist; the paths written."""
    return write_figures(accumulator_figures(report), folder)


def accumulator_page(report: AccumulatorReport) -> str:
    """The whole report as one HTML file that needs no other."""
    body = placed(sections(report), accumulator_figures(report), _PLACES)
    hw, n = report.hardware, report.hardware.numerics
    rule = f"{n.acc_bits} bits, {n.overflow}, {n.reduction} of {n.group_size}, order {n.order}, split-K {n.split_k}"
    if n.inner_bits:
        rule += f"; inner {n.inner_bits} bits over {n.inner_products} products, {n.inner_overflow}"
    facts = [
        ("network", f"{report.network}, profile {report.profile}"),
        ("hardware", f"{hw.name}: {hw.timing.rows} x {hw.timing.cols} PEs"),
        ("accumulators", rule),
        ("samples", f"{report.samples:,}" if report.samples else "none: bounds only"),
    ]
    return html_page(f"Accumulators of {report.network} on {hw.name}", facts, body)
