"""A comparison with its figures: PNG files, or one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.analysis import comparison_sections
from fxsim.report.differences import causes_figure, differences_figure, fidelity_figure, worst_figure
from fxsim.report.page import html_page, placed
from fxsim.report.requantizers import requantizers_figure
from fxsim.report.save import write_figures

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from fxsim.analysis import Comparison

_PLACES = {
    "differences": "Layers",
    "fidelity": "Layers",
    "causes": "Causes",
    "worst": "The layer that differs most",
    "requantizers": "Other requantizers",
}
"""Section of every figure."""
_BIASES = {"float": "real: the stored bias, dequantized", "grid": "on the accumulator's int32 grid"}
"""How fake quantization takes biases, in words."""


def comparison_figures(comparison: Comparison) -> dict[str, Figure]:
    """The figures that `comparison` has data for, by file stem.

    ``differences``, ``fidelity`` and ``causes`` always, and where the runs are equal they say so; ``worst`` where they
    are not; ``requantizers`` where others were tried.
    """
    figures = {
        "differences": differences_figure(comparison),
        "fidelity": fidelity_figure(comparison),
        "causes": causes_figure(comparison),
    }
    if comparison.worst is not None:
        figures["worst"] = worst_figure(comparison)
    if comparison.requantizers is not None:
        figures["requantizers"] = requantizers_figure(comparison.requantizers)
    return figures


def save_comparison_figures(comparison: Comparison, folder: str | Path) -> list[Path]:
    """Write `comparison_figures` as PNG files to `folder`, made if it does not exist; the paths written."""
    return write_figures(comparison_figures(comparison), folder)


def comparison_page(comparison: Comparison) -> str:
    """The whole comparison as one HTML file that needs no other."""
    body = placed(comparison_sections(comparison), comparison_figures(comparison), _PLACES)
    hw, n = comparison.hardware, comparison.hardware.numerics
    rule = "the profile's" if n.requantizer == "profile" else n.requantizer
    facts = [
        ("network", f"{comparison.network}, profile {comparison.profile}"),
        ("hardware", f"{hw.name}: {hw.timing.rows} x {hw.timing.cols} PEs"),
        ("accumulators", f"{n.acc_bits} bits, {n.overflow}"),
        ("requantizer", f"{rule}, multipliers of {n.multiplier_bits} bits, one per {n.multipliers}"),
        ("fake-quantized bias", _BIASES[comparison.bias]),
        ("samples", f"{comparison.samples:,}"),
    ]
    title = f"Fake quantization against exact integers: {comparison.network} on {hw.name}"
    return html_page(title, facts, body)
