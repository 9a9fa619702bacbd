"""One overflow: where, when, by how much, and what became of the output."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from fxsim.sim import Phase

if TYPE_CHECKING:
    from fxsim.analysis.replay import Trajectory
    from fxsim.sim import Output

_NOT_PLAIN = ("output", "phase", "trajectory", "place", "register")


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """A rule application (or read-out) that left its range, and what became of its output.

    Of the rule applications of one output it is the first that did; up to it the register held the exact sum.

    Attributes
    ----------
    sample, layer, output
        Where in the batch and in the network.
    phase, application, k
        What was added: the bias, products, a merge, or nothing (the read-out under readout), or products to the inner
        accumulator; number of the rule application (those of the inner one count too), -1 for a bias load; first stream
        position of what was added, -1 for the bias.
    instruction, cycle, position, row
        Where on the machine: the instruction and the cycle of its issue, position in its block, PE row.
    exact, stored
        The exact sum, and what the register (read-out: the requantizer) held instead; of the inner accumulator since
        its last spill, where that overflowed.
    code, exact_code, error
        The output code, the one of the exact sum, and their difference in output LSBs.
    excess
        How far outside `acc_bits` the output's exact sum was at its farthest (readout: in the end).
    enough_bits
        Least width (of the internal register, or of the inner accumulator, where that overflowed) at which the register
        never leaves its range for this output, whatever the inner accumulator spills.
    trajectory
        The whole sum.
    place, register
        Where and when, and what the register did, in words.
    """

    sample: int
    layer: int
    output: Output
    phase: Phase
    application: int
    k: int
    instruction: int
    cycle: int
    position: int
    row: int
    exact: int
    stored: int
    code: int
    exact_code: int
    excess: int
    enough_bits: int
    trajectory: Trajectory
    place: str
    register: str

    @property
    def error(self) -> int:
        """Output code less exact code."""
        return self.code - self.exact_code

    @property
    def masked(self) -> bool:
        """Whether rounding or the output clamp hides the overflow."""
        return self.error == 0

    def to_dict(self) -> dict[str, Any]:
        """Plain data, the trajectory left out."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _NOT_PLAIN}
        return {**plain, "output": self.output._asdict(), "phase": self.phase.name.lower(), "error": self.error,
                "sentence": self.sentence}  # fmt: skip

    @property
    def sentence(self) -> str:
        """The event in words."""
        change = f"{abs(self.error):,} LSB too {'low' if self.error < 0 else 'high'}" if self.error else "unchanged"
        inner = self.phase is Phase.INNER
        return (
            f"{self.place}: {self.register}; exact {'window ' if inner else ''}sum {self.exact:,}; output {change}; "
            f"{self.enough_bits} {'inner ' if inner else ''}bits would be enough"
        )
