"""How a MAC layer is cut to fit the scratchpads: row tiles, output areas, position blocks, K intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim._core.errors import HardwareError, LoweringError
from fxsim.isa import RECORD_BYTES
from fxsim.lowering.base import INSTRUCTION_LIMIT
from fxsim.lowering.tiling import Span, ceil_div, cut, largest
from fxsim.lowering.windows import EXTENT_LIMIT, Taps, all_taps, area_count, extent, largest_area, load_cost, store_cost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Timing
    from fxsim.lowering.mac_stream import Stream


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
        Positions of one MAC, at most.
    intervals
        Per part of the stream, the K interval of each MAC.
    weights_resident
        Whether all weights of a chunk are loaded at once, else interval by interval.
    x_resident
        Whether everything an area reads is loaded at once, else interval by interval (an area is one block then).
    chunk_outer
        Whether chunks are the outer loop and areas the inner one, or the other way round.
    x_bytes, out_bytes
        Room in the activation scratchpad for the input region and the output tile.
    """

    chunk: int
    height: int
    width: int
    block: int
    intervals: tuple[tuple[Span, ...], ...]
    weights_resident: bool
    x_resident: bool
    chunk_outer: bool
    x_bytes: int
    out_bytes: int

    def chunks(self, stream: Stream) -> list[Span]:
        """Ranges of row tiles."""
        return cut(Span(0, stream.row_tiles), self.chunk)

    def length(self, stream: Stream) -> int:
        """Instructions of the layer, at most."""
        window, places = stream.window, area_count(stream.window, self.height, self.width)
        blocks = places * ceil_div(self.height * self.width, self.block)
        per_block = 2 + (2 + window.kh) * sum(len(part) for part in self.intervals)
        rows, _ = extent(window, self.height, self.width, all_taps(window, Span(0, window.channels)))
        return stream.row_tiles * (blocks * per_block + places * (2 + rows + self.height))


def choose_tiling(stream: Stream, timing: Timing, code_bytes: tuple[int, int], where: str) -> MacTiling:
    """Find the cut of a layer that moves the fewest DRAM bytes.

    Whole row tiles and whole input regions are tried first; K is cut only where one row tile's weights or one
    position's inputs exceed their scratchpad.

    Parameters
    ----------
    stream, timing
        Layer and hardware.
    code_bytes
        Bytes of an input and of an output code.
    where
        The node, for messages.

    Raises
    ------
    HardwareError
        A scratchpad cannot hold the smallest tile; the message says which, what it needs and what it has.
    LoweringError
        Every cut that fits takes too many instructions.
    """
    search = _Search(stream, timing, *code_bytes)
    search.check_smallest(where)
    tilings = list(search.resident()) or list(search.by_weight_interval()) or list(search.by_interval())
    if not tilings:
        raise HardwareError(
            f"activation scratchpad must hold the {search.smallest_activations()} bytes of one output "
            f"position's smallest tile",
            got=timing.act_spad_bytes,
            where=where,
        )
    shortest = min(tiling.length(stream) for tiling in tilings)
    if shortest > INSTRUCTION_LIMIT:
        raise LoweringError(f"a layer must need at most {INSTRUCTION_LIMIT} instructions", got=shortest, where=where)
    return min((t for t in tilings if t.length(stream) <= INSTRUCTION_LIMIT), key=search.traffic)


class _Search:
    """Candidate tilings of one layer, and what they cost."""

    def __init__(self, stream: Stream, timing: Timing, x_code: int, out_code: int) -> None:
        self.stream, self.timing, self.x_code, self.out_code = stream, timing, x_code, out_code
        self._reach: dict[int, Span] = {}
        self.block = 1 if timing.dataflow == "output-stationary" else timing.half_depth // len(stream.parts)

    def check_smallest(self, where: str) -> None:
        """One group of weights and one row tile's records must fit."""
        weights = self.stream.cols * self.stream.position_bytes
        records = self._records(1)
        for name, needed, room in (
            ("weight", weights, self.timing.weight_spad_bytes),
            ("parameter", records, self.timing.param_spad_bytes),
        ):
            if needed > room:
                expected = f"{name} scratchpad must hold the {needed} bytes of one tile"
                raise HardwareError(expected, got=room, where=where)

    def smallest_activations(self) -> int:
        """Activation bytes of one position, one row tile, and the K interval of one group that needs most."""
        groups = [g for part in self.stream.parts for g in cut(part, self.stream.cols)]
        return self._output(1, 1, 1) + max(self._input(1, 1, self._taps(g)) for g in groups)

    def resident(self) -> Iterator[MacTiling]:
        """Yield tilings that load whole row tiles of weights and whole input regions."""
        most = min(self.stream.row_tiles, self.timing.weight_spad_bytes // self.stream.tile_bytes)
        most = largest(most, lambda chunk: self._records(chunk) <= self.timing.param_spad_bytes)
        while most:
            chunk = ceil_div(self.stream.row_tiles, ceil_div(self.stream.row_tiles, most))
            area = self._largest_area(chunk)
            if area is not None:
                intervals = tuple((part,) for part in self.stream.parts)
                for chunk_outer in (True, False):
                    yield self._tiling(chunk, area, intervals, (True, True), chunk_outer)
            most = chunk // 2

    def by_weight_interval(self) -> Iterator[MacTiling]:
        """Yield the tiling that loads whole input regions, and weights interval by interval."""
        area = self._largest_area(1)
        if area is not None:
            groups = self.timing.weight_spad_bytes // (self.stream.cols * self.stream.position_bytes)
            intervals = tuple(tuple(cut(part, groups * self.stream.cols)) for part in self.stream.parts)
            yield self._tiling(1, area, intervals, (False, True), chunk_outer=False)

    def by_interval(self) -> Iterator[MacTiling]:
        """Yield tilings that load inputs interval by interval, for one block of one output row at a time."""
        width = min(self.block, self.stream.window.out_w)
        weights_resident = self.stream.tile_bytes <= self.timing.weight_spad_bytes
        while width:
            intervals = self._intervals(width, weights_resident)
            if intervals is not None:
                yield self._tiling(1, (1, width), intervals, (weights_resident, False), chunk_outer=True)
            width //= 2

    def traffic(self, tiling: MacTiling) -> int:
        """DRAM bytes that the layer moves."""
        window, row_tiles = self.stream.window, self.stream.row_tiles
        weights = row_tiles * self.stream.tile_bytes + self.stream.channels * RECORD_BYTES
        places, chunks = area_count(window, tiling.height, tiling.width), ceil_div(row_tiles, tiling.chunk)
        outputs = self.out_code * store_cost(
            window, tiling.height, tiling.width, self.stream.channels, tiling.chunk * self.stream.rows
        )
        if not tiling.x_resident:
            inputs = sum(self._load_cost(tiling, self._taps(i)) for part in tiling.intervals for i in part)
            return outputs + inputs * row_tiles + weights * (1 if tiling.weights_resident else places)
        inputs = self._load_cost(tiling, self._all(tiling.chunk))
        if not tiling.weights_resident:
            blocks = places * ceil_div(tiling.height * tiling.width, tiling.block)
            return outputs + inputs * (chunks if self.stream.private else 1) + weights * blocks
        again = self.stream.private or (tiling.chunk_outer and places > 1)
        reload = not tiling.chunk_outer and chunks > 1
        return outputs + inputs * (chunks if again else 1) + weights * (places if reload else 1)

    def _tiling(
        self,
        chunk: int,
        area: tuple[int, int],
        intervals: tuple[tuple[Span, ...], ...],
        resident: tuple[bool, bool],
        chunk_outer: bool,
    ) -> MacTiling:
        height, width = area
        weights_resident, x_resident = resident
        taps = [self._all(chunk)] if x_resident else [self._taps(i) for part in intervals for i in part]
        x_bytes = max(self._input(height, width, t) for t in taps)
        return MacTiling(
            chunk,
            height,
            width,
            min(self.block, height * width),
            intervals,
            weights_resident,
            x_resident,
            chunk_outer,
            x_bytes,
            self._output(height, width, chunk),
        )

    def _largest_area(self, chunk: int) -> tuple[int, int] | None:
        taps = self._all(chunk)
        return largest_area(self.stream.window, lambda height, width: self._fits(height, width, chunk, taps))

    def _intervals(self, width: int, weights_resident: bool) -> tuple[tuple[Span, ...], ...] | None:
        """Cut every part into the longest K intervals whose inputs for `width` positions (and weights) fit."""
        found = tuple(self._cut_part(part, width, weights_resident) for part in self.stream.parts)
        return found if all(found) else None

    def _cut_part(self, part: Span, width: int, weights_resident: bool) -> tuple[Span, ...]:
        """Cut one part; nothing if even one group does not fit."""
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
        """Find the end of the longest interval of whole groups at the start of `rest` that fits."""
        cols = self.stream.cols

        def fits(groups: int) -> bool:
            return self._interval_fits(
                Span(rest.start, min(rest.start + groups * cols, rest.stop)), width, weights_resident
            )

        return min(rest.start + largest(ceil_div(rest.size, cols), fits) * cols, rest.stop)

    def _interval_fits(self, interval: Span, width: int, weights_resident: bool) -> bool:
        stored = self.stream.stored(interval.size) * self.stream.position_bytes
        if not weights_resident and stored > self.timing.weight_spad_bytes:
            return False
        return self._fits(1, width, 1, self._taps(interval))

    def _fits(self, height: int, width: int, chunk: int, taps: Taps) -> bool:
        if max(*extent(self.stream.window, height, width, taps), height, width) > EXTENT_LIMIT:
            return False
        return self._input(height, width, taps) + self._output(height, width, chunk) <= self.timing.act_spad_bytes

    def _input(self, height: int, width: int, taps: Taps) -> int:
        rows, cols = extent(self.stream.window, height, width, taps)
        return rows * cols * taps.channels.size * self.x_code

    def _output(self, height: int, width: int, chunk: int) -> int:
        return height * width * min(self.stream.channels, chunk * self.stream.rows) * self.out_code

    def _records(self, chunk: int) -> int:
        return min(self.stream.channels, chunk * self.stream.rows) * RECORD_BYTES

    def _load_cost(self, tiling: MacTiling, taps: Taps) -> int:
        return load_cost(self.stream.window, tiling.height, tiling.width, taps) * self.x_code

    def _all(self, chunk: int) -> Taps:
        return all_taps(self.stream.window, self.stream.input_channels(self._widest(chunk)))

    def _taps(self, interval: Span) -> Taps:
        return self.stream.taps(interval, self._widest(1))

    def _widest(self, chunk: int) -> Span:
        """Find the chunk of output channels that reads the most input channels."""
        if not self.stream.private:
            return self.stream.row_channels(0, chunk)
        if chunk not in self._reach:
            chunks = [self.stream.row_channels(start, chunk) for start in range(0, self.stream.row_tiles, chunk)]
            self._reach[chunk] = max(chunks, key=lambda outputs: self.stream.input_channels(outputs).size)
        return self._reach[chunk]
