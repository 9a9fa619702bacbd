"""Functional coverage of the machine: how often a set of runs met each of the situations in which it can go wrong.

Counted from the simulator, not from the hardware: a run that agrees with its simulation met what the simulation met.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fxsim._core.tables import Table
from fxsim.rtl.coverage.fields import FIELD_BINS, field_bins
from fxsim.rtl.coverage.times import TIME_BINS, time_bins
from fxsim.rtl.coverage.values import VALUE_BINS, value_bins
from fxsim.sim import mac_trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fxsim.hw import Hardware
    from fxsim.isa import Program

_BINS = FIELD_BINS | TIME_BINS | VALUE_BINS


class Coverage:
    """Situations that runs of one machine met.

    Parameters
    ----------
    hw
        The machine.

    Attributes
    ----------
    counts : Counter
        Situation -> how often it was met: instructions, issues, rows, outputs or cycles, whichever it is about.
    """

    def __init__(self, hw: Hardware) -> None:
        self.hardware = hw
        self.counts: Counter[str] = Counter()

    def add(
        self,
        program: Program,
        x: NDArray[np.generic] | Mapping[str, NDArray[np.generic]] | None = None,
        *,
        stalls: Sequence[int] = (),
    ) -> None:
        """Count what a run meets; parameters and errors as those of `fxsim.rtl.run_files`."""
        trace = mac_trace(program, x)
        for found in (field_bins(program), time_bins(trace, stalls), value_bins(trace, x)):
            self.counts.update(found)

    def bins(self) -> tuple[str, ...]:
        """Situations that this machine can get into."""
        return tuple(name for name, possible in _BINS.items() if possible(self.hardware))

    def missed(self) -> tuple[str, ...]:
        """Those of `bins` that no run met."""
        return tuple(name for name in self.bins() if not self.counts[name])


def coverage_table(coverages: Iterable[Coverage]) -> Table:
    """Situations by how often they were met, by how many machines, and how many can get into them."""
    known = list(coverages)
    rows = []
    for name in _BINS:
        able = [one for one in known if name in one.bins()]
        if able:
            met = [one.counts[name] for one in able]
            rows.append((name, sum(met), sum(map(bool, met)), len(able)))
    return Table("Situations met", ("situation", "times", "machines", "of"), rows)
