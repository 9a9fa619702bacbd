"""Networks become programs: tiling, allocation, instructions, tokens, and the proof that tokens suffice."""

from fxsim.lowering.base import LOWERINGS, Lowering, Site
from fxsim.lowering.explain import LayerOptions, explain
from fxsim.lowering.hazards import Hazard, check_program, find_hazards
from fxsim.lowering.lower import lower

__all__ = [
    "LOWERINGS",
    "Hazard",
    "LayerOptions",
    "Lowering",
    "Site",
    "check_program",
    "explain",
    "find_hazards",
    "lower",
]
