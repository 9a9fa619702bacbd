"""Lowering of the pooling operators: output areas and channel ranges that fit the activation scratchpad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim._core.errors import HardwareError
from fxsim.isa import Instruction, Pool, PoolKind
from fxsim.lowering.tiling import Span, ceil_div, cut, largest
from fxsim.lowering.windows import (
    EXTENT_LIMIT,
    Area,
    Region,
    all_taps,
    area_count,
    areas,
    extent,
    first_tap,
    largest_area,
    load_region,
    region,
    store_area,
)
from fxsim.ops import PoolParams, Window, pool_params

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.lowering.base import Emit, Homes, Site


def prepare_pool(kind: PoolKind, site: Site) -> Emit:
    """Lower one AVERAGE_POOL_2D or MAX_POOL_2D node.

    An operand that lives in the scratchpad is read there, a result that lives there is written there.

    Raises
    ------
    HardwareError
        The scratchpad's room cannot hold one window of one channel.
    LoweringError
        The layer needs too many instructions.
    """
    params = pool_params(site.net, site.node)
    window, homes = params.window, site.homes
    tiles = _choose(window, homes, double=site.double)
    if tiles is None:
        expected = f"activation scratchpad must hold the {_bytes(window, homes, 1, 1, 1)} bytes of one window"
        raise HardwareError(expected, got=homes.room.size, where=site.where)
    pieces = ceil_div(window.channels, tiles.channels)
    rows_of_copies = 2 * window.batch * window.out_h * (window.kh + 1) if pieces > 1 else 0
    site.check_length(pieces * (3 * area_count(window, tiles.height, tiles.width) + rows_of_copies))
    return PoolLayer(kind, params, tiles, homes, site.source.dtype.lo < 0).emit


@dataclass(frozen=True, slots=True)
class Tiles:
    """Areas of `height` x `width` outputs, `channels` channels at a time, in `buffers` buffers."""

    height: int
    width: int
    channels: int
    buffers: int


@dataclass(frozen=True, slots=True)
class PoolLayer:
    """A tiled pooling layer."""

    kind: PoolKind
    params: PoolParams
    tiles: Tiles
    homes: Homes
    signed: bool

    def emit(self, operands: tuple[int, ...], target: int) -> Iterator[Instruction]:
        """LOAD, POOL, STORE per channel range and area."""
        window, tiles, number = self.params.window, self.tiles, 0
        for channels in cut(Span(0, window.channels), tiles.channels):
            for area in areas(window, tiles.height, tiles.width):
                loaded = region(window, area, all_taps(window, channels))
                buffer = self.homes.room.start + number % tiles.buffers * (self.homes.room.size // tiles.buffers)
                if self.homes.operands[0] is None:
                    yield from load_region(window, loaded, 1, operands[0], buffer)
                out_addr = buffer + (loaded.elements if self.homes.operands[0] is None else 0)
                yield self._pool(area, loaded, buffer, out_addr)
                if self.homes.result is None:
                    yield from store_area(window, area, channels, window.channels, 1, target, out_addr)
                number += 1

    def _pool(self, area: Area, loaded: Region, buffer: int, out_addr: int) -> Pool:
        window = self.params.window
        return Pool(
            kind=self.kind,
            **self._input(area, loaded, buffer),
            **self._output(area, loaded.channels, out_addr),
            channels=loaded.channels.size,
            out_h=area.rows.size,
            out_w=area.cols.size,
            stride_y=window.stride_h,
            stride_x=window.stride_w,
            kh=window.kh,
            kw=window.kw,
            clamp_lo=self.params.clamp_lo,
            clamp_hi=self.params.clamp_hi,
            x_signed=int(self.signed),
        )

    def _input(self, area: Area, loaded: Region, buffer: int) -> dict[str, int]:
        """The loaded region; or its rows, in full width, of the image in the scratchpad."""
        home, window = self.homes.operands[0], self.params.window
        if home is None:
            x_addr, pitch, seen = buffer, loaded.channels.size, loaded
        else:
            seen = loaded._replace(cols=Span(0, window.in_w))
            first = (area.image * window.in_h + seen.rows.start) * window.in_w
            x_addr, pitch = home + first * window.channels + loaded.channels.start, window.channels
        iy0, ix0 = first_tap(window, area, seen)
        sizes = {"tile_h": seen.rows.size, "tile_w": seen.cols.size}
        return {"x_addr": x_addr, "pixel_pitch": pitch, "iy0": iy0, "ix0": ix0, **sizes}

    def _output(self, area: Area, channels: Span, out_addr: int) -> dict[str, int]:
        """A dense tile; or the area's place in the result in the scratchpad."""
        home, window = self.homes.result, self.params.window
        if home is None:
            return {
                "out_addr": out_addr,
                "out_pitch": channels.size,
                "out_row_pitch": area.cols.size * channels.size,
            }
        first = (area.image * window.out_h + area.rows.start) * window.out_w + area.cols.start
        return {
            "out_addr": home + first * window.channels + channels.start,
            "out_pitch": window.channels,
            "out_row_pitch": window.out_w * window.channels,
        }


def _choose(window: Window, homes: Homes, *, double: bool) -> Tiles | None:
    """Everything of an image at once if it fits, else tiles in two buffers if two fit; None if not one window fits."""
    whole = window.out_h, window.out_w, window.channels
    if window.batch == 1 and _fits(window, homes, *whole, homes.room.size):
        return Tiles(*whole, 1)
    for buffers in (2, 1) if double else (1,):
        size = _largest(window, homes, homes.room.size // buffers)
        if size is not None:
            return Tiles(*size, buffers)
    return None


def _largest(window: Window, homes: Homes, room: int) -> tuple[int, int, int] | None:
    """Height, width and channels of the largest tiles that `room` bytes hold."""

    def fits(height: int, width: int, channels: int) -> bool:
        return _fits(window, homes, height, width, channels, room)

    channels = largest(window.channels, lambda c: fits(1, 1, c))
    size = largest_area(window, lambda h, w: fits(h, w, channels)) if channels else None
    return None if size is None else (*size, channels)


def _fits(window: Window, homes: Homes, height: int, width: int, channels: int, room: int) -> bool:
    within = max(*extent(window, height, width, all_taps(window, Span(0, channels))), height, width) <= EXTENT_LIMIT
    return within and _bytes(window, homes, height, width, channels) <= room


def _bytes(window: Window, homes: Homes, height: int, width: int, channels: int) -> int:
    """Bytes of a tile's buffers; what lives in the scratchpad needs none."""
    rows, cols = extent(window, height, width, all_taps(window, Span(0, channels)))
    before = rows * cols if homes.operands[0] is None else 0
    after = height * width if homes.result is None else 0
    return (before + after) * channels
