"""The cycle-level simulator: values, timing, and their meeting in `Result`."""

from fxsim.sim.estimate import estimate
from fxsim.sim.override import with_numerics
from fxsim.sim.result import Energy, LayerResult, Layers, Result
from fxsim.sim.roofline import Roofline, roofline_of
from fxsim.sim.simulate import simulate

__all__ = [
    "Energy",
    "LayerResult",
    "Layers",
    "Result",
    "Roofline",
    "estimate",
    "roofline_of",
    "simulate",
    "with_numerics",
]
