"""How a MAC layer can be cut to fit the scratchpads: row tiles, output areas, position blocks, K intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim._core.errors import HardwareError
from fxsim.isa import RECORD_BYTES
from fxsim.lowering.mac_stream import Stream, chunk_taps, interval_taps
from fxsim.lowering.tiling import Span, ceil_div, cut, even, halvings, largest
from fxsim.lowering.windows import EXTENT_LIMIT, Taps, all_taps, area_count, extent, largest_area

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Timing

Intervals = tuple[tuple[Span, ...], ...]
AREA_SIZES = 6
"""Areas that are considered: the largest, and with half the height (of a single row: the width) each time."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a layer finds in the activation scratchpad.

    Attributes
    ----------
    room
        Bytes for the layer's own tiles.
    x_code, out_code
        Bytes of an input and of an output code.
    x_home, out_home
        Whether the whole input, the whole output lives in the scratchpad and needs no tile.
    """

    room: int
    x_code: int
    out_code: int
    x_home: bool
    out_home: bool


@dataclass(frozen=True, slots=True)
class MacTiling:
    """The cut of one layer.

    Attributes
    ----------
    chunk
        Row tiles whose outputs share one output tile.
    height, width
        Output rows and columns of an area, at most.
    block
        Positions of one MAC, at most: 1 is output-stationary, more is weight-stationary.
    by_row
        Whether a block ends with its output row (so that depthwise windows slide along a row).
    intervals
        Per part of the stream, the K interval of each MAC.
    weights_resident
        Whether all weights of a chunk stay while its areas are worked on, else they come interval by interval.
    x_resident
        Whether everything an area reads is there at once, else interval by interval (an area is one block then).
    chunk_outer
        Whether chunks are the outer loop and areas the inner one, or the other way round.
    x_bytes, out_bytes
        One buffer of the input region, one of the output tile.
    x_buffers, out_buffers
        How many of them: 0 where the whole tensor lives in the scratchpad.
    """

    chunk: int
    height: int
    width: int
    block: int
    by_row: bool
    intervals: Intervals
    weights_resident: bool
    x_resident: bool
    chunk_outer: bool
    x_bytes: int
    out_bytes: int
    x_buffers: int
    out_buffers: int

    def chunks(self, stream: Stream) -> list[Span]:
        """Ranges of row tiles."""
        return cut(Span(0, stream.row_tiles), self.chunk)

    def blocks(self, positions: int, width: int) -> Iterator[Span]:
        """Cut the positions of an area that is `width` columns wide."""
        stride = width if self.by_row else positions
        for row in range(0, positions, stride):
            yield from cut(Span(row, row + stride), self.block)

    def length(self, stream: Stream) -> int:
        """Instructions of the layer, at most."""
        window, places = stream.window, area_count(stream.window, self.height, self.width)
        rows_of_blocks = self.height if self.by_row else 1
        blocks = places * rows_of_blocks * ceil_div(self.height * self.width // rows_of_blocks, self.block)
        per_block = 2 + (2 + window.kh) * sum(len(part) for part in self.intervals)
        rows, _ = extent(window, self.height, self.width, all_taps(window, Span(0, window.channels)))
        return stream.row_tiles * (blocks * per_block + places * (2 + rows + self.height))


def transfers(stream: Stream, chunk: int, area: tuple[int, int], chunk_outer: bool) -> tuple[int, int]:
    """How many input tiles are loaded and output tiles stored."""
    places, chunks = area_count(stream.window, *area), ceil_div(stream.row_tiles, chunk)
    again = stream.private or (chunk_outer and places > 1)
    return places * (chunks if again else 1), places * chunks


class Candidates:
    """The tilings of one layer that fit."""

    def __init__(self, stream: Stream, timing: Timing, place: Place) -> None:
        self.stream, self.timing, self.place = stream, timing, place
        self.double = timing.double_buffering == "on"
        self.half = timing.half_depth // len(stream.parts)

    def check_smallest(self) -> None:
        """The weights of the shortest K interval and one row tile's records must fit; `HardwareError` if not."""
        weights = self.stream.step * self.stream.position_bytes
        for name, needed, room in (
            ("weight", weights, self.timing.weight_spad_bytes),
            ("parameter", self._records(1), self.timing.param_spad_bytes),
        ):
            if needed > room:
                expected = f"{name} scratchpad must hold the {needed} bytes of one tile"
                raise HardwareError(expected, got=room)

    def smallest_activations(self) -> int:
        """Activation bytes of one position, one row tile, and the shortest K interval that needs most."""
        groups = [g for part in self.stream.parts for g in cut(part, self.stream.step)]
        return self._output(1, 1, 1) + max(self._input(1, 1, interval_taps(self.stream, g)) for g in groups)

    def all(self) -> list[MacTiling]:
        """Whole row tiles and input regions; K is cut only where these exceed their scratchpad, or a second buffer."""
        found = list(self._resident())
        if not found or (self.double and 2 * self.stream.tile_bytes > self.timing.weight_spad_bytes):
            found += self._by_weight_interval()
        return found or list(self._by_interval())

    def _resident(self) -> Iterator[MacTiling]:
        """Yield tilings that hold whole row tiles of weights and whole input regions."""
        intervals = tuple((part,) for part in self.stream.parts)
        for chunk in self._chunks():
            for area, buffers in self._areas(chunk):
                orders = (True, False) if self._has_orders(chunk, area) else (True,)
                for block, by_row in self._blocks(*area):
                    for chunk_outer in orders:
                        yield self._tiling(chunk, area, (block, by_row), intervals, (True, True), chunk_outer, buffers)

    def _by_weight_interval(self) -> Iterator[MacTiling]:
        """Yield tilings that hold whole input regions, and weights interval by interval."""
        room = self.timing.weight_spad_bytes // (self.stream.step * self.stream.position_bytes)
        steps = room // 2 if self.double and room > 1 else room
        intervals = tuple(tuple(cut(part, steps * self.stream.step)) for part in self.stream.parts)
        for area, buffers in self._areas(1):
            for block in self._blocks(*area):
                yield self._tiling(1, area, block, intervals, (False, True), False, buffers)

    def _by_interval(self) -> Iterator[MacTiling]:
        """Yield tilings that load inputs interval by interval, for one block of one output row at a time."""
        if self.place.x_home:
            return
        most = 1 if self.timing.dataflow == "output-stationary" else self.half
        resident = self.stream.tile_bytes <= self.timing.weight_spad_bytes
        for width in halvings(min(most, self.stream.window.out_w)):
            found = tuple(self._cut_part(part, width, resident) for part in self.stream.parts)
            if all(found):
                yield self._tiling(1, (1, width), (width, False), found, (resident, False), True, self._buffers(1))

    def _chunks(self) -> Iterator[int]:
        """Yield numbers of row tiles, evened out: as many as fit and halvings, the smallest (first to start) first."""
        most = min(self.stream.row_tiles, self.timing.weight_spad_bytes // self.stream.tile_bytes)
        most = largest(most, lambda chunk: self._records(chunk) <= self.timing.param_spad_bytes)
        yield from sorted({even(self.stream.row_tiles, chunk) for chunk in halvings(most)})

    def _areas(self, chunk: int) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Yield (height, width) of areas and their buffers (input, output)."""
        taps = chunk_taps(self.stream, chunk)
        single = self._buffers(1)
        area = largest_area(self.stream.window, lambda h, w: self._fits((h, w), chunk, taps, single))
        if area is not None:
            yield area, single
        if not self.double or single == (0, 0):
            return
        twice = self._buffers(2)
        area = largest_area(self.stream.window, lambda h, w: self._fits((h, w), chunk, taps, twice))
        if area is not None:
            window = self.stream.window
            shapes = [(even(window.out_h, height), area[1]) for height in halvings(area[0])]
            shapes += [(1, even(window.out_w, width)) for width in halvings(area[1] // 2)]
            yield from ((shape, twice) for shape in shapes[:AREA_SIZES])

    def _blocks(self, height: int, width: int) -> Iterator[tuple[int, bool]]:
        """Yield (positions, whether a block ends with its row) for the dataflows to choose from."""
        total = height * width
        if self.timing.dataflow != "weight-stationary":
            yield 1, False
        if self.timing.dataflow != "output-stationary":
            yield min(self.half, total), False
        if self.timing.dataflow == "auto":
            yield even(total, min(self.half, total)), False
            if self.stream.private:
                yield even(width, min(self.half, width)), True

    def _has_orders(self, chunk: int, area: tuple[int, int]) -> bool:
        return chunk < self.stream.row_tiles and area_count(self.stream.window, *area) > 1

    def _tiling(
        self,
        chunk: int,
        area: tuple[int, int],
        block: tuple[int, bool],
        intervals: Intervals,
        resident: tuple[bool, bool],
        chunk_outer: bool,
        buffers: tuple[int, int],
    ) -> MacTiling:
        loads, stores = transfers(self.stream, chunk, area, chunk_outer)
        buffers = min(buffers[0], loads), min(buffers[1], stores)
        taps = (
            [chunk_taps(self.stream, chunk)]
            if resident[1]
            else [interval_taps(self.stream, i) for part in intervals for i in part]
        )
        x_bytes = max(self._input(*area, t) for t in taps)
        out_bytes = self._output(*area, chunk)
        return MacTiling(chunk, *area, *block, intervals, *resident, chunk_outer, x_bytes, out_bytes, *buffers)

    def _cut_part(self, part: Span, width: int, weights_resident: bool) -> tuple[Span, ...]:
        """Cut one part into the longest intervals whose inputs (and weights) fit; nothing if the shortest does not."""
        spans: list[Span] = []
        start = part.start
        while start < part.stop:
            stop = self._furthest(Span(start, part.stop), width, weights_resident)
            if stop == start:
                return ()
            spans.append(Span(start, stop))
            start = stop
        return tuple(spans)

    def _furthest(self, rest: Span, width: int, weights_resident: bool) -> int:
        """Find the end of the longest interval of whole steps at the start of `rest` that fits."""
        step = self.stream.step

        def fits(steps: int) -> bool:
            return self._interval_fits(
                Span(rest.start, min(rest.start + steps * step, rest.stop)), width, weights_resident
            )

        return min(rest.start + largest(ceil_div(rest.size, step), fits) * step, rest.stop)

    def _interval_fits(self, interval: Span, width: int, weights_resident: bool) -> bool:
        stored = self.stream.stored(interval.size) * self.stream.position_bytes
        if not weights_resident and stored > self.timing.weight_spad_bytes:
            return False
        return self._fits((1, width), 1, interval_taps(self.stream, interval), self._buffers(1))

    def _buffers(self, count: int) -> tuple[int, int]:
        return 0 if self.place.x_home else count, 0 if self.place.out_home else count

    def _fits(self, area: tuple[int, int], chunk: int, taps: Taps, buffers: tuple[int, int]) -> bool:
        if max(*extent(self.stream.window, *area, taps), *area) > EXTENT_LIMIT:
            return False
        needed = buffers[0] * self._input(*area, taps) + buffers[1] * self._output(*area, chunk)
        return needed <= self.place.room

    def _input(self, height: int, width: int, taps: Taps) -> int:
        rows, cols = extent(self.stream.window, height, width, taps)
        return rows * cols * taps.channels.size * self.place.x_code

    def _output(self, height: int, width: int, chunk: int) -> int:
        return height * width * min(self.stream.channels, chunk * self.stream.rows) * self.place.out_code

    def _records(self, chunk: int) -> int:
        return min(self.stream.channels, chunk * self.stream.rows) * RECORD_BYTES
