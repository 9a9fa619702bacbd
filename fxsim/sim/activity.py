"""Operand counts of a run: what the activations and weights did to the PEs, MAC by MAC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim.kernels import ACTIVITY, COLUMNS, KIND_MAC, KIND_MERGE, Latches, Scratch, lanes_of, observe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.isa import Program
    from fxsim.sim.decode import Step
    from fxsim.sim.state import State

    Ints = NDArray[np.int64]


class Observer:
    """Counts while a program runs; `fxsim.kernels.activity` says what is counted.

    Attributes
    ----------
    counts
        int64 [n, len(ACTIVITY)], per instruction, summed over all samples.
    cuts
        Where runs must end so that a run's MACs come before everything in it that writes a scratchpad.
    """

    def __init__(self, program: Program, fields: Ints) -> None:
        timing, numerics = program.hardware.timing, program.hardware.numerics
        kind = fields[:, COLUMNS.index("kind")]
        sums = np.isin(kind, (KIND_MAC, KIND_MERGE))
        self.counts = np.zeros((len(fields), len(ACTIVITY)), np.int64)
        self.cuts: list[int] = (1 + np.flatnonzero(sums[1:] & ~sums[:-1])).tolist()
        self._fields = fields
        self._shape = timing.cols, lanes_of(timing.rows)
        self._widths = np.array([numerics.act_bits, numerics.weight_bits], np.int64)

    def start(self, samples: int) -> Latches:
        """Latches of `samples` samples before the first instruction."""
        shape = (samples, *self._shape)
        return Latches(np.zeros(shape, np.int32), np.zeros(shape, np.int32))

    def see(self, step: Step, latches: Latches, state: State, work: Scratch) -> None:
        """Count the MACs of a run that is about to be executed."""
        run = slice(step.start, step.stop)
        observe(self._fields[run], state.array, self._widths, state.memory, latches, work, self.counts[run])
