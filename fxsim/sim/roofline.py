"""Roofline: how many MACs per cycle array and DRAM bus admit for the traffic of some work, and how many it reached."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim.hw import BURST_BYTES

if TYPE_CHECKING:
    from fxsim.hw import Hardware


@dataclass(frozen=True, slots=True)
class Roofline:
    """A network or layer under the roof of its hardware.

    Attributes
    ----------
    macs, dram_bytes, cycles
        The work. The loads of a layer may run in an earlier layer's window: a layer, unlike a network, can lie above
        the slope.
    peak
        MACs per cycle of the whole array, rows * cols.
    bandwidth
        DRAM bytes per cycle while whole bursts pass.
    """

    macs: int
    dram_bytes: int
    cycles: int
    peak: int
    bandwidth: float

    @property
    def intensity(self) -> float:
        """MACs per DRAM byte; infinite without traffic."""
        return self.macs / self.dram_bytes if self.dram_bytes else math.inf

    @property
    def ridge(self) -> float:
        """MACs per DRAM byte from which on the array is the roof."""
        return self.peak / self.bandwidth

    @property
    def attainable(self) -> float:
        """MACs per cycle that the roof admits."""
        return min(float(self.peak), self.intensity * self.bandwidth)

    @property
    def reached(self) -> float:
        """MACs per cycle."""
        return self.macs / self.cycles if self.cycles else 0.0

    @property
    def bound(self) -> str:
        """Which roof is the lower one: ``"compute"`` or ``"DRAM"``."""
        return "compute" if self.intensity >= self.ridge else "DRAM"


def roofline_of(macs: int, dram_bytes: int, cycles: int, hardware: Hardware) -> Roofline:
    """Place work under the roof of `hardware`."""
    t = hardware.timing
    return Roofline(macs, dram_bytes, cycles, t.rows * t.cols, BURST_BYTES / -(-BURST_BYTES // t.dram_bytes_per_cycle))
