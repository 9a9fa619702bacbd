"""The K stream of a MAC layer: split parts, stored weight tiles, row records, and which taps an interval stands for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import HardwareError, LoweringError
from fxsim.lowering.allocate import align
from fxsim.lowering.tiling import Span, ceil_div
from fxsim.lowering.windows import Taps, all_taps

if TYPE_CHECKING:
    from fxsim.hw import Hardware, Numerics
    from fxsim.ops import MacParams, Window


@dataclass(frozen=True, slots=True)
class Stream:
    """Geometry of the K stream and of its stored weight tiles.

    A row tile (up to `rows` output channels) stores its parts one after the other, each padded to a multiple of
    `cols` positions; a position holds `rows` weights. `part_offsets` are the first bytes of the parts in their row
    tile, and `tile_bytes` its size. A part may be cut at multiples of `step` positions.
    """

    window: Window
    channels: int
    rows: int
    cols: int
    parts: tuple[Span, ...]
    reversed: bool
    weight_bytes: int
    part_offsets: tuple[int, ...]
    tile_bytes: int
    step: int

    @property
    def depth(self) -> int:
        """Products per output K."""
        return self.window.depth

    @property
    def private(self) -> bool:
        """Whether every row reads its own input channel (depthwise)."""
        return self.window.depth_mult > 0

    @property
    def row_tiles(self) -> int:
        """Row tiles that make up all output channels."""
        return ceil_div(self.channels, self.rows)

    @property
    def position_bytes(self) -> int:
        """Stored bytes of one stream position of one row tile."""
        return self.rows * self.weight_bytes

    def stored(self, positions: int) -> int:
        """Pad a number of stream positions to whole groups."""
        return align(positions, self.cols)

    def offset(self, part: int, k: int) -> int:
        """Byte of stream position `k` of part number `part` in its stored row tile."""
        return self.part_offsets[part] + (k - self.parts[part].start) * self.position_bytes

    def row_channels(self, first_row: int, count: int) -> Span:
        """Output channels of row tiles first_row .. first_row + count - 1."""
        return Span(first_row * self.rows, min((first_row + count) * self.rows, self.channels))

    def input_channels(self, outputs: Span) -> Span:
        """Input channels that a range of output channels reads."""
        mult = self.window.depth_mult
        return Span(outputs.start // mult, (outputs.stop - 1) // mult + 1) if mult else Span(0, self.window.channels)

    def taps(self, interval: Span, outputs: Span) -> Taps:
        """Bounding box of the taps that the stream positions of `interval` stand for."""
        start, stop = interval
        if self.reversed:
            start, stop = self.depth - stop, self.depth - start
        per_tap = 1 if self.private else self.window.channels
        (tap0, c0), (tap1, c1) = divmod(start, per_tap), divmod(stop - 1, per_tap)
        (ky0, kx0), (ky1, kx1) = divmod(tap0, self.window.kw), divmod(tap1, self.window.kw)
        columns = Span(kx0, kx1 + 1) if ky0 == ky1 else Span(0, self.window.kw)
        one_tap = tap0 == tap1 and not self.private
        return Taps(Span(ky0, ky1 + 1), columns, Span(c0, c1 + 1) if one_tap else self.input_channels(outputs))


@lru_cache(maxsize=256)
def widest(stream: Stream, chunk: int) -> Span:
    """Find the output channels of `chunk` row tiles that read the most input channels."""
    if not stream.private:
        return stream.row_channels(0, chunk)
    chunks = [stream.row_channels(start, chunk) for start in range(0, stream.row_tiles, chunk)]
    return max(chunks, key=lambda outputs: stream.input_channels(outputs).size)


def chunk_taps(stream: Stream, chunk: int) -> Taps:
    """All taps of `chunk` row tiles, of those that read the most input channels."""
    return all_taps(stream.window, stream.input_channels(widest(stream, chunk)))


def interval_taps(stream: Stream, interval: Span) -> Taps:
    """Taps of `interval` for one row tile, of the one that reads the most input channels."""
    return stream.taps(interval, widest(stream, 1))


def make_stream(params: MacParams, hardware: Hardware, weight_bytes: int, where: str) -> Stream:
    """Make the stream of a layer on `hardware`, whose numerics are the layer's own.

    Raises
    ------
    HardwareError
        A bank half has fewer slots than the sum has parts.
    """
    timing, numerics = hardware.timing, hardware.numerics
    parts = split_parts(params.window.depth, numerics)
    if len(parts) > timing.half_depth:
        raise HardwareError(
            f"a bank half must hold split_k = {len(parts)} accumulators per row", got=timing.half_depth, where=where
        )
    sizes = [align(part.size, timing.cols) * timing.rows * weight_bytes for part in parts]
    *offsets, tile_bytes = accumulate(sizes, initial=0)
    step = min(numerics.inner_products, align(parts[0].size, timing.cols)) if numerics.inner_bits else timing.cols
    return Stream(
        params.window,
        params.channels,
        timing.rows,
        timing.cols,
        parts,
        numerics.order == "reversed",
        weight_bytes,
        tuple(offsets),
        tile_bytes,
        step,
    )


def split_parts(depth: int, numerics: Numerics) -> tuple[Span, ...]:
    """Cut the stream into ``split_k`` parts of whole groups, fewer where a part would be empty."""
    groups = ceil_div(depth, numerics.group_size)
    length = ceil_div(groups, numerics.split_k) * numerics.group_size
    return tuple(Span(start, min(start + length, depth)) for start in range(0, depth, length))


def pack_weights(params: MacParams, stream: Stream) -> bytes:
    """Lay out the stored weight tiles: row tile, part, stream position, row; zeros past K and past the last channel."""
    codes = params.weights.reshape(params.channels, -1)
    codes = codes[:, ::-1] if stream.reversed else codes
    positions = stream.tile_bytes // stream.position_bytes
    stored = np.zeros((stream.row_tiles * stream.rows, positions), f"<i{stream.weight_bytes}")
    at = 0
    for part in stream.parts:
        stored[: params.channels, at : at + part.size] = codes[:, part.start : part.stop]
        at += stream.stored(part.size)
    return stored.reshape(stream.row_tiles, stream.rows, positions).transpose(0, 2, 1).tobytes()


def pack_records(params: MacParams) -> bytes:
    """One 16-byte record per output channel: exact initial value, requantization word."""
    records = np.empty((params.channels, 2), "<i8")
    records[:, 0] = params.initial
    records[:, 1] = params.requant.words()
    return records.tobytes()


def weight_zero(params: MacParams, outputs: Span, where: str) -> int:
    """Return the one zero point of a row tile's weights; `LoweringError` if its channels differ."""
    zeros = params.w_zero[outputs.start : outputs.stop]
    if (zeros != zeros[0]).any():
        raise LoweringError(
            "channels of one row tile must share their weight zero point", got=zeros.tolist(), where=where
        )
    return int(zeros[0])
