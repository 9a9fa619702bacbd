"""Step twin of the timing model: every register of the machine, stepped cycle by cycle in plain Python.

A cycle has two halves. First every unit evaluates its conditions on the present register values (`Register.now`)
and sets the next ones (`Register.next`); then all registers take their next values at once. Nothing here knows a
formula for a start or an end: they are read off the registers. It shares no code with `fxsim.sim.timing`.
"""

from fxsim.sim.reference.bench import Stalls
from fxsim.sim.reference.machine import Steps, step

__all__ = ["Stalls", "Steps", "step"]
