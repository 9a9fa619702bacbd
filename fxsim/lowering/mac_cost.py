"""What a cut of a MAC layer costs by closed forms: cycles, DRAM bytes, picojoules, and the bound that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fxsim.hw import BURST_BYTES, EnergyTable, Event, Kind
from fxsim.isa import RECORD_BYTES, SumShape, array_of, position_beats
from fxsim.lowering.mac_stream import chunk_taps, interval_taps, widest
from fxsim.lowering.mac_tiling import transfers
from fxsim.lowering.tiling import Span, ceil_div
from fxsim.lowering.windows import PIECE_BYTES, Taps, area_count, load_cost, store_cost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Hardware
    from fxsim.lowering.mac_stream import Stream
    from fxsim.lowering.mac_tiling import Intervals, MacTiling, Place

BOUNDS = ("compute", "weight port", "requantizer", "DRAM")
"""What can hold a layer."""


@dataclass(slots=True)
class Work:
    """Cycles that x port, weight port and requantizer are busy; `slowest`: what accumulation, or all together, take."""

    beats: int = 0
    tiles: int = 0
    requantize: int = 0
    slowest: int = 0

    def add(self, other: Work, times: int) -> None:
        """Add `times` times `other`."""
        self.beats += times * other.beats
        self.tiles += times * other.tiles
        self.requantize += times * other.requantize
        self.slowest += times * other.slowest

    @property
    def bound(self) -> str:
        """Which part is the busiest."""
        return max(zip((self.beats, self.tiles, self.requantize), BOUNDS, strict=False), key=lambda pair: pair[0])[1]


@dataclass(frozen=True, slots=True)
class Cost:
    """Estimate of one layer by itself: cycles, DRAM bytes, pJ of what depends on the cut, the bound, busy cycles."""

    cycles: int
    dram_bytes: int
    energy_pj: float
    bound: str
    work: Work


class _Run(NamedTuple):
    """Several blocks of so many positions, each within one output row or not."""

    positions: int
    slides: bool
    times: int


class _Tile(NamedTuple):
    """One output tile: its time, and the cycles that the MAC engine and the DRAM bus are busy in it."""

    cycles: int
    compute: int
    dma: int


class CostModel:
    """Costs of the tilings of one layer.

    The MAC engine takes, block by block, what the slower of accumulation and requantization takes (they overlap in the
    two bank halves); a group of the K stream takes its x-port beats or the load of its weight tile. DMA runs beside it
    where buffers are doubled, else before and after. The first output tile waits for its inputs and weights; the first
    piece of input and the last one of output cannot hide.
    """

    def __init__(self, stream: Stream, hardware: Hardware, place: Place) -> None:
        self.stream, self.place, self.timing = stream, place, hardware.timing
        self.array = array_of(hardware)
        self.hardware = hardware
        self._known: dict[tuple[Intervals, int, bool, int], Work] = {}

    def cost(self, tiling: MacTiling) -> Cost:
        """Estimate `tiling`."""
        work = self._work(tiling)
        moved = self.traffic(tiling)
        dma = ceil_div(moved, self.timing.dram_bytes_per_cycle)
        cycles = self._exposed(tiling) + work.slowest + dma
        if self._overlaps(tiling):
            first = self._first_tile(tiling)
            later = max(work.slowest - first.compute, dma - first.dma)
            cycles = self._exposed(tiling) + first.cycles + max(later, 0)
        bound = "DRAM" if dma > work.slowest else work.bound
        return Cost(cycles, moved, self._energy(tiling, moved, work), bound, work)

    def traffic(self, tiling: MacTiling) -> int:
        """DRAM bytes that the layer moves."""
        window, row_tiles = self.stream.window, self.stream.row_tiles
        weights = row_tiles * self.stream.tile_bytes + self.stream.channels * RECORD_BYTES
        places = area_count(window, tiling.height, tiling.width)
        outputs = 0 if self.place.out_home else self._stores(tiling)
        if not tiling.x_resident:
            inputs = sum(self._loads(tiling, interval_taps(self.stream, i)) for part in tiling.intervals for i in part)
            return outputs + inputs * row_tiles + weights * (1 if tiling.weights_resident else places)
        again = self._transfers(tiling)[0] // places
        inputs = 0 if self.place.x_home else again * self._loads(tiling, chunk_taps(self.stream, tiling.chunk))
        if not tiling.weights_resident:
            blocks = places * ceil_div(tiling.height * tiling.width, tiling.block)
            return outputs + inputs + weights * blocks
        reload = not tiling.chunk_outer and tiling.chunk < row_tiles
        return outputs + inputs + weights * (places if reload else 1)

    def _work(self, tiling: MacTiling) -> Work:
        full, rest = divmod(self.stream.channels, self.stream.rows)
        total = Work()
        for height, width, areas in self._area_kinds(tiling):
            runs, repeats = self._runs(tiling, height, width)
            for rows, count in ((self.stream.rows, full), (rest, 1 if rest else 0)):
                if count:
                    total.add(
                        self._sequence(tiling, runs, repeats, rows), areas * count * repeats * self.stream.window.batch
                    )
        return total

    def _area_kinds(self, tiling: MacTiling) -> Iterator[tuple[int, int, int]]:
        """Yield (height, width, how many per image)."""
        window = self.stream.window
        for height, down in _pieces(window.out_h, tiling.height):
            for width, across in _pieces(window.out_w, tiling.width):
                yield height, width, down * across

    def _runs(self, tiling: MacTiling, height: int, width: int) -> tuple[list[_Run], int]:
        """Runs of equal blocks of one row tile in an area, and how often they repeat."""
        if self.stream.private and tiling.block > 1 and not tiling.by_row:
            kinds = [(b.size, b.start // width == (b.stop - 1) // width) for b in tiling.blocks(height * width, width)]
            return [_Run(*kind, len(list(same))) for kind, same in groupby(kinds)], 1
        slides = tiling.by_row or tiling.block == 1
        full, rest = divmod(width if tiling.by_row else height * width, tiling.block)
        runs = [_Run(tiling.block, slides, full), _Run(rest, slides, 1 if rest else 0)]
        return [run for run in runs if run.times], height if tiling.by_row else 1

    def _sequence(self, tiling: MacTiling, runs: list[_Run], repeats: int, rows: int) -> Work:
        """Work of one repetition of the blocks of a row tile, which is fresh in both row files if there are but two."""
        works = [self._block(tiling.intervals, run.positions, run.slides, rows) for run in runs]
        records = rows + 1 if repeats * sum(run.times for run in runs) <= 2 else 0
        total = Work()
        for before, run, work in zip([works[-1], *works[:-1]], runs, works, strict=True):
            total.add(work, run.times)
            total.slowest += (run.times - 1) * self._pace(work, work, records) - run.times * work.slowest
            total.slowest += self._pace(before, work, records)
        return total

    def _pace(self, before: Work, work: Work, records: int) -> int:
        """Cycles from block to block: one accumulates while the one before it is requantized.

        A bank half is taken from the load of its row file to the last beat of requantization; there are two.
        """
        taken = records + work.slowest + self.array.depth + 1 + work.requantize
        return max(work.slowest, before.requantize, records, ceil_div(taken, 2))

    def _block(self, intervals: Intervals, positions: int, slides: bool, rows: int) -> Work:
        key = intervals, positions, slides, rows
        if key not in self._known:
            self._known[key] = self._new_block(*key)
        return self._known[key]

    def _new_block(self, intervals: Intervals, positions: int, slides: bool, rows: int) -> Work:
        beats = tiles = span = 0
        for interval in (i for part in intervals for i in part):
            busy, longest, groups = self._interval(self._shape(interval, positions, slides, rows))
            beats, span, tiles = beats + busy, span + longest, tiles + groups * self.array.tile
        parts = len(self.stream.parts)
        if parts > 1:
            beats += (parts - 1) * positions
            span += (parts - 1) * max(positions, self.array.distance) + self.array.distance
        return Work(beats, tiles, positions * ceil_div(rows, self.timing.requant_lanes), span)

    def _interval(self, shape: SumShape) -> tuple[int, int, int]:
        """(x-port beats, cycles, groups) of one MAC in a steady stream of them."""
        first = position_beats(shape, self.array)
        rest = shape.reused_beats or first
        group = first + (shape.positions - 1) * rest
        cycles = np.maximum(group + max(0, self.array.distance - shape.positions), self.array.tile)
        return int(group.sum()), int(cycles.sum()), len(group)

    def _shape(self, interval: Span, positions: int, slides: bool, rows: int) -> SumShape:
        """Group structure of the MAC of `interval` (`fxsim.isa.beats.mac_shapes` finds the same in the instruction)."""
        window, code, k = self.stream.window, self.place.x_code, interval.size
        groups = ceil_div(k, self.stream.cols)
        if self.stream.private:
            channels = ceil_div(rows, window.depth_mult)
            taps = ceil_div(channels * code, self.array.port)
            latched = k == window.kh * window.kw and k <= self.stream.cols and window.dilation_w == 1 and slides
            reused = taps * window.kh * min(window.stride_w, window.kw) if latched else 0
            return SumShape(positions, groups, k, 0, 0, 1, taps, reused)
        partial = self.stream.taps(interval, widest(self.stream, 1)).channels.size < window.channels
        by_tap = window.dilation_w > 1 or self.stream.reversed or partial
        run = window.channels * (1 if by_tap else window.kw)
        return SumShape(positions, groups, k, interval.start % run, run, code)

    def _overlaps(self, tiling: MacTiling) -> bool:
        """Whether the next tile can be loaded under the present one."""
        if self.timing.double_buffering == "off":
            return False
        weights = tiling.chunk * self.stream.tile_bytes
        if not tiling.weights_resident:
            weights = max(self.stream.stored(i.size) for part in tiling.intervals for i in part)
            weights *= self.stream.position_bytes
        once = tiling.weights_resident and tiling.chunk == self.stream.row_tiles
        return (once or 2 * weights <= self.timing.weight_spad_bytes) and self._tiles_overlap(tiling)

    def _tiles_overlap(self, tiling: MacTiling) -> bool:
        """Whether inputs and outputs have a second buffer wherever they need one."""
        loads, stores = self._transfers(tiling)
        return (tiling.x_buffers != 1 or loads == 1) and (tiling.out_buffers != 1 or stores == 1)

    def _transfers(self, tiling: MacTiling) -> tuple[int, int]:
        return transfers(self.stream, tiling.chunk, (tiling.height, tiling.width), tiling.chunk_outer)

    def _first_tile(self, tiling: MacTiling) -> _Tile:
        """Time of the first output tile: its first row tile waits for the inputs, every row tile for its weights."""
        runs, repeats = self._runs(tiling, tiling.height, tiling.width)
        rows = min(self.stream.rows, self.stream.channels)
        compute = repeats * self._sequence(tiling, runs, repeats, rows).slowest
        if self.place.x_home or not (tiling.weights_resident and tiling.x_resident):
            return _Tile(0, 0, 0)
        bus = self.timing.dram_bytes_per_cycle
        inputs, weights = ceil_div(tiling.x_bytes, bus), ceil_div(self.stream.tile_bytes, bus)
        cycles = max(compute, inputs + weights) + (tiling.chunk - 1) * max(compute, weights)
        return _Tile(cycles, tiling.chunk * compute, inputs + tiling.chunk * weights)

    def _exposed(self, tiling: MacTiling) -> int:
        """Cycles of the first piece of input and the last one of output, which nothing hides, and of the pipelines."""
        t, cycles = self.timing, self.array.depth + self.timing.requant_latency
        if not self.place.x_home:
            cycles += t.dram_latency + ceil_div(min(tiling.x_bytes, PIECE_BYTES), t.dram_bytes_per_cycle)
        if not self.place.out_home:
            cycles += t.dram_latency + ceil_div(min(tiling.out_bytes, PIECE_BYTES), t.dram_bytes_per_cycle)
        return cycles

    def _energy(self, tiling: MacTiling, moved: int, work: Work) -> float:
        """Price DRAM bursts and scratchpad reads; products, sums and requantization are the same for every cut."""
        burst, weight, act = self._prices
        tile_bytes = self.stream.depth * self.stream.channels * self.stream.weight_bytes
        return moved * burst + self._blocks(tiling) * tile_bytes * weight + work.beats * self.array.port * act

    def _blocks(self, tiling: MacTiling) -> int:
        """Blocks of one row tile in the whole layer: how often its weights are read."""
        kinds = [(self._runs(tiling, height, width), areas) for height, width, areas in self._area_kinds(tiling)]
        return self.stream.window.batch * sum(
            areas * repeats * sum(run.times for run in runs) for (runs, repeats), areas in kinds
        )

    @cached_property
    def _prices(self) -> tuple[float, float, float]:
        """PJ per DRAM byte, per weight byte read, per activation byte read."""
        table = EnergyTable.load()
        burst, *reads = (
            table.price(Event(kind), self.hardware).nominal
            for kind in (Kind.DRAM_BLOCK, Kind.WEIGHT_READ, Kind.ACT_READ)
        )
        return burst / BURST_BYTES, reads[0], reads[1]

    def _loads(self, tiling: MacTiling, taps: Taps) -> int:
        return load_cost(self.stream.window, tiling.height, tiling.width, taps) * self.place.x_code

    def _stores(self, tiling: MacTiling) -> int:
        window, chunk = self.stream.window, tiling.chunk * self.stream.rows
        return self.place.out_code * store_cost(window, tiling.height, tiling.width, self.stream.channels, chunk)


def _pieces(total: int, size: int) -> list[tuple[int, int]]:
    """Sizes of the pieces that `cut` makes of `total`, and how many there are of each."""
    full, rest = divmod(total, size)
    return [(size, full)] * (full > 0) + [(rest, 1)] * (rest > 0)
