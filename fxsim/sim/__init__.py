"""The cycle-level simulator: values, timing, and their meeting in `Result`; where in a program what happens."""

from fxsim.sim.carried import carried_numerics
from fxsim.sim.effects import Effect, scratchpad_effects
from fxsim.sim.estimate import estimate
from fxsim.sim.executor import Execution, execute, random_inputs, sample_inputs
from fxsim.sim.locate import Output, Phase, Places, Step, locate
from fxsim.sim.occupancy import Changes, Occupancy, Ports, occupancy, ports
from fxsim.sim.override import LayerFields, overridden, with_numerics
from fxsim.sim.result import Energy, LayerResult, Layers, Result
from fxsim.sim.roofline import Roofline, roofline_of
from fxsim.sim.simulate import simulate
from fxsim.sim.timing import CAUSES, LayerTiming, Timeline, timeline
from fxsim.sim.timing_schedule import HalfState
from fxsim.sim.timing_windows import Spans
from fxsim.sim.trace import Issues, MacTrace, ReadOuts, TrapSite, mac_trace
from fxsim.sim.words import inner_text, output_text, place_text, register_text, step_text

__all__ = [
    "CAUSES",
    "Changes",
    "Effect",
    "Energy",
    "Execution",
    "HalfState",
    "Issues",
    "LayerFields",
    "LayerResult",
    "LayerTiming",
    "Layers",
    "MacTrace",
    "Occupancy",
    "Output",
    "Phase",
    "Places",
    "Ports",
    "ReadOuts",
    "Result",
    "Roofline",
    "Spans",
    "Step",
    "Timeline",
    "TrapSite",
    "carried_numerics",
    "estimate",
    "execute",
    "inner_text",
    "locate",
    "mac_trace",
    "occupancy",
    "output_text",
    "overridden",
    "place_text",
    "ports",
    "random_inputs",
    "register_text",
    "roofline_of",
    "sample_inputs",
    "scratchpad_effects",
    "simulate",
    "step_text",
    "timeline",
    "with_numerics",
]
