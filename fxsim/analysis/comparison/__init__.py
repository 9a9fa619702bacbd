"""Float, fake-quantized and exact execution of one network: where they differ, by how much, and why."""

from fxsim.analysis.comparison.attribution import CAUSES, Attribution, Attributor
from fxsim.analysis.comparison.mechanisms import MEANINGS, UNEXPLAINED, Mechanism
from fxsim.analysis.comparison.paired import PairedDifference
from fxsim.analysis.comparison.record import (
    Comparison,
    Differences,
    EndToEnd,
    Fidelity,
    FirstDifference,
    LayerComparison,
)
from fxsim.analysis.comparison.run import Progress, Runtime, compare_network
from fxsim.analysis.comparison.sections import comparison_sections

__all__ = [
    "CAUSES",
    "MEANINGS",
    "UNEXPLAINED",
    "Attribution",
    "Attributor",
    "Comparison",
    "Differences",
    "EndToEnd",
    "Fidelity",
    "FirstDifference",
    "LayerComparison",
    "Mechanism",
    "PairedDifference",
    "Progress",
    "Runtime",
    "compare_network",
    "comparison_sections",
]
