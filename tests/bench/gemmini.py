"""Gemmini's RTL beside our preset ``gemmini-like-16x16-ws``: part of ``make bench``. Nothing is fitted to these points.

Cycles: yonseicasl/NPUsim@2a371fd, validation/phase2/golden_rtl_cycles.csv. They are Chipyard's GemminiRocketConfig
(16 x 16, int8, 32-bit accumulators, weight-stationary) under Verilator, read by the CPU's cycle counter right after a
flush of the TLB and again behind `tiled_matmul_auto` (gemm_sweep.c in the same folder; ucb-bar/gemmini-rocc-tests,
include/gemmini.h): the tile search and the commands of the Rocket core are in the figure. Our prediction has no host.
"""

from __future__ import annotations

from dataclasses import dataclass

import fxsim
from fxsim._core.tables import format_table

PRESET = "gemmini-like-16x16-ws"
RTL_CYCLES = {
    (64, 64, 64): 3_810,
    (128, 128, 128): 10_530,
    (256, 256, 256): 69_653,
    (16, 512, 512): 32_506,
    (512, 512, 64): 74_413,
    (512, 512, 512): 543_240,
}
"""M, K, N of the product of an M x K matrix and K x N weights."""
SIDE = 16
"""Rows and columns of the array, and cycles that a weight tile takes to be preloaded."""


@dataclass(frozen=True, slots=True)
class Point:
    """One GEMM: what the RTL took, what our model says, and what its stalls wait for."""

    size: tuple[int, int, int]
    rtl: int
    predicted: int
    compute: int
    stalls: dict[str, int]

    @property
    def name(self) -> str:
        """``MxKxN``."""
        return "x".join(map(str, self.size))

    @property
    def error(self) -> float:
        """Prediction against RTL, %."""
        return 100 * (self.predicted / self.rtl - 1)

    @property
    def preloads(self) -> int:
        """Cycles of all weight preloads: what they cost if none is hidden behind the product before it."""
        _, k, n = self.size
        return -(-k // SIDE) * -(-n // SIDE) * SIDE

    @property
    def main_stall(self) -> tuple[str, int]:
        """The cause that most of our idle cycles are charged to."""
        cause = max(self.stalls, key=lambda name: self.stalls[name])
        return cause, self.stalls[cause]


def points() -> list[Point]:
    """Predict every public point."""
    out = []
    for size, rtl in RTL_CYCLES.items():
        result = fxsim.estimate(fxsim.gemm(*size), PRESET)
        (layer,) = result.layers
        out.append(Point(size, rtl, result.cycles, layer.compute_cycles, layer.stalls))
    return out


def explanation(found: list[Point]) -> str:
    """Name the mechanism behind the largest error, by its size.

    Both machines stream M rows through K/16 x N/16 weight tiles. What Gemmini has and our model has not: preloads that
    are not hidden (at most `Point.preloads` cycles; ExecuteController.scala of ucb-bar/gemmini@8c3f992 overlaps a
    preload with the product before it only while a third command waits behind both), and the host. What our model has
    and Gemmini has not shows up in our own stalls.
    """
    worst = max(found, key=lambda point: abs(point.error))
    gap = worst.rtl - worst.predicted
    cause, cycles = worst.main_stall
    if gap < 0:
        reason = (
            f"{-gap:,} cycles too many; our model idles {cycles:,} cycles on {cause}, where Gemmini's loop_ws "
            "double-buffers (ucb-bar/gemmini README)."
        )
    elif gap > worst.preloads:
        reason = (
            f"{gap:,} cycles too few; unhidden weight preloads explain at most {worst.preloads:,} of them. The rest "
            "is what our model has not: tile search and commands on the Rocket core, a TLB flushed before, a fence."
        )
    else:
        reason = (
            f"{gap:,} cycles too few; a weight tile serves only M = {worst.size[0]} rows, and Gemmini hides a preload "
            f"of {SIDE} cycles only while a third command waits (ExecuteController.scala): unhidden ones cost up to "
            f"{worst.preloads:,} cycles. Our weight port always loads the next tile behind the current one."
        )
    return f"Largest error: {worst.name}, {worst.error:+.1f} %, {reason}"


def report() -> str:
    """The table and the explanation."""
    found = points()
    headers = [
        "M x K x N",
        "MACs / 256",
        "RTL cycles",
        "predicted",
        "error %",
        "compute",
        "preloads",
        "main stall",
        "cycles",
    ]
    rows: list[list[object]] = [
        [
            point.name,
            point.size[0] * point.size[1] * point.size[2] // SIDE**2,
            point.rtl,
            point.predicted,
            point.error,
            point.compute,
            point.preloads,
            *point.main_stall,
        ]
        for point in found
    ]
    mean = sum(abs(point.error) for point in found) / len(found)
    table = format_table(headers, rows, title=f"Gemmini RTL (Verilator) and {PRESET}, int8 GEMMs; nothing fitted")
    return f"{table}\n\nMean absolute error {mean:.1f} %. {explanation(found)}"


if __name__ == "__main__":
    print(report())
