"""Other requantizers on a network: ranked, and the cheapest equal one of every layer."""

from fxsim.analysis.requantizers.record import (
    OWN,
    LayerRequantizers,
    RequantizerAssignment,
    RequantizerRun,
    RequantizerStudy,
)
from fxsim.analysis.requantizers.study import study_requantizers

__all__ = [
    "OWN",
    "LayerRequantizers",
    "RequantizerAssignment",
    "RequantizerRun",
    "RequantizerStudy",
    "study_requantizers",
]
