"""Every network on every preset, and why their cycles differ: part of ``make bench``. No data, nothing timed.

The cycles of a row are a sum: cycles with an x or MERGE beat, other cycles with a REQ beat, cycles in which only the
vector engine works (these three are the compute cycles), and the idle cycles by cause. So the difference between two
rows is the sum of the differences of these parts, and the sentences below the table say which of them make it.
The MAC beats in turn are MACs / PEs / (share of the PEs that an issue fills) x (x-port beats of an issue).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import fxsim
from fxsim._core.tables import format_table
from fxsim.hw import DEFAULT_PRESET, presets
from fxsim.isa import Mac, MacArray, Merge, Req, array_of
from fxsim.sim import Result, estimate
from fxsim.sim.timing import CAUSES
from fxsim.sim.timing_costs import costs_of
from fxsim.sim.timing_schedule import schedule
from fxsim.sim.timing_windows import Runs, busy_runs, sweep
from tests.bench.networks import models

if TYPE_CHECKING:
    from fxsim.hw import Timing
    from fxsim.isa import Program

BEATS, REQUANTIZE, VECTOR = "MAC beats", "REQ alone", "vector alone"
_WORTH_SAYING = 0.05
"""Share of the summed differences from which on a part is named."""


@dataclass(frozen=True, slots=True)
class Row:
    """One network on one preset; `parts` add up to the cycles, `issues` are blocks of products that the array takes."""

    network: str
    preset: str
    result: Result
    parts: dict[str, int]
    issues: int

    @property
    def compute(self) -> int:
        """Cycles in which an engine works."""
        return sum(self.parts[name] for name in (BEATS, REQUANTIZE, VECTOR))

    @property
    def most(self) -> str:
        """The part that takes most cycles."""
        return max(self.parts, key=lambda name: self.parts[name])

    @property
    def timing(self) -> Timing:
        """Shape and latencies of the machine."""
        return self.result.hardware.timing

    @property
    def array(self) -> MacArray:
        """What follows from them for the array."""
        return array_of(self.result.hardware)

    def total(self, field: str) -> int:
        """A field of the layers, summed."""
        return sum(getattr(layer, field) for layer in self.result.layers)


def make_row(path: Path, preset: str) -> Row:
    """Lower and time one network."""
    program = fxsim.lower(path, preset)
    result = estimate(program)
    stalls: Counter[str] = Counter()
    for layer in result.layers:
        stalls.update(layer.stalls)
    macs = program.columns.table(Mac)
    issues = int((macs.positions * -(-macs.k_count // program.hardware.timing.cols)).sum())
    return Row(path.stem, preset, result, _working(program) | {cause: stalls[cause] for cause in CAUSES}, issues)


def _working(program: Program) -> dict[str, int]:
    """Compute cycles by what works in them."""
    columns = program.columns
    costs = costs_of(columns, program.hardware)
    runs = busy_runs(columns, costs, schedule(columns, costs, program.hardware))
    opcode = columns.opcode[runs.owner]
    beats, reads = np.isin(opcode, (Mac.opcode, Merge.opcode)), opcode == Req.opcode
    summed, read, total = (_covered(part) for part in (runs.take(beats), runs.take(beats | reads), runs))
    return {BEATS: summed, REQUANTIZE: read - summed, VECTOR: total - read}


def _covered(runs: Runs) -> int:
    """Cycles in at least one run."""
    edges = np.array([0, runs.hi.max(initial=0)], np.int64)
    return int(sweep(runs, edges)[0].between(edges).sum())


def table(rows: Iterable[Row]) -> str:
    """All rows; a cause has a column if some row waits for it."""
    found = list(rows)
    causes = [cause for cause in CAUSES if any(row.parts[cause] for row in found)]
    headers = ["network", "preset", "MACs", "cycles", "compute", REQUANTIZE, VECTOR, *causes]
    headers += ["util %", "DRAM B", "DRAM saved", "uJ", "most cycles"]
    return format_table(headers, [_cells(row, causes) for row in found], title="Networks on presets, per sample")


def _cells(row: Row, causes: list[str]) -> list[object]:
    result = row.result
    parts = [row.parts[name] for name in (REQUANTIZE, VECTOR, *causes)]
    utilization = 100 * result.roofline.reached / result.roofline.peak
    memory = [row.total("dram_bytes"), row.total("dram_bytes_saved"), result.energy_pj / 1e6]
    return [row.network, row.preset, result.macs, result.cycles, row.compute, *parts, utilization, *memory, row.most]


def explanation(rows: list[Row]) -> str:
    """How the other presets differ from the default one on one network, part by part."""
    (base,) = (row for row in rows if row.preset == DEFAULT_PRESET)
    lines = [f"  {row.preset} {_difference(row, base)}" for row in rows if row is not base]
    return "\n".join([f"{base.network} beside its {base.result.cycles:,} cycles on {base.preset}:", *lines])


def _difference(row: Row, base: Row) -> str:
    change = {name: row.parts[name] - base.parts[name] for name in row.parts}
    least = max(1, _WORTH_SAYING * sum(map(abs, change.values())))
    named = sorted((name for name in change if abs(change[name]) >= least), key=lambda name: -abs(change[name]))
    terms = [f"{name} {change[name]:+,}{_reason(name, row, base)}" for name in named]
    rest = sum(change.values()) - sum(change[name] for name in named)
    ratio, gap = row.result.cycles / base.result.cycles, row.result.cycles - base.result.cycles
    return f"takes {ratio:.3g}x, {gap:+,} = {'; '.join(terms)}{f'; others {rest:+,}' if rest else ''}."


def _reason(name: str, row: Row, base: Row) -> str:
    """The figure behind a part on both machines, the base last."""
    if name not in _FIGURES:
        return ""
    what, figure = _FIGURES[name]
    return f" ({what} {figure(row)}, not {figure(base)})"


def _filling(row: Row) -> str:
    """PEs, the share of them that an issue fills, and beats per issue."""
    if not row.issues:
        return "none"
    filled = 100 * row.result.macs / (row.result.roofline.peak * row.issues)
    return f"{row.result.roofline.peak:,} PEs {filled:.3g} % filled x {row.parts[BEATS] / row.issues:.3g}"


def _bus(row: Row) -> str:
    return f"{row.total('dram_bytes') / row.result.roofline.bandwidth:,.0f} + {row.timing.dram_latency}"


_FIGURES: dict[str, tuple[str, Callable[[Row], str]]] = {
    BEATS: ("x beats an issue:", _filling),
    REQUANTIZE: ("lanes:", lambda row: f"{row.timing.requant_lanes}"),
    VECTOR: ("lanes:", lambda row: f"{row.timing.vector_lanes}"),
    "token_dma": ("bus cycles + latency:", _bus),
    "row_file": ("array rows:", lambda row: f"{row.timing.rows}"),
    "w_port": ("cycles a weight tile:", lambda row: f"{row.array.tile}"),
    "r_gap": ("cycles between uses of a slot:", lambda row: f"{row.array.distance}"),
    "drain": ("array stages + DRAM latency:", lambda row: f"{row.array.depth} + {row.timing.dram_latency}"),
}
"""What to say of a part, and its figure."""


def report(paths: list[Path]) -> str:
    """The table, and why the presets differ, network by network."""
    rows = [[make_row(path, preset) for preset in presets()] for path in paths]
    return "\n\n".join([table(row for group in rows for row in group), *map(explanation, rows)])


if __name__ == "__main__":
    print(report(models()))
