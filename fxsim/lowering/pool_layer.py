"""Lowering of the pooling operators: output areas and channel ranges that fit the activation scratchpad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim._core.errors import HardwareError
from fxsim.isa import Instruction, Pool, PoolKind
from fxsim.lowering.allocate import Request, allocate
from fxsim.lowering.tiling import Span, ceil_div, cut, largest
from fxsim.lowering.windows import (
    EXTENT_LIMIT,
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

    from fxsim.lowering.base import Emit, Site


def prepare_pool(kind: PoolKind, site: Site) -> Emit:
    """Lower one AVERAGE_POOL_2D or MAX_POOL_2D node.

    Raises
    ------
    HardwareError
        The activation scratchpad cannot hold one window of one channel.
    LoweringError
        The layer needs too many instructions.
    """
    params, room = pool_params(site.net, site.node), site.hardware.timing.act_spad_bytes
    window = params.window
    channels = largest(window.channels, lambda c: _fits(window, 1, 1, c, room))
    size = largest_area(window, lambda h, w: _fits(window, h, w, channels, room)) if channels else None
    if size is None:
        raise HardwareError(
            f"activation scratchpad must hold the {_bytes(window, 1, 1, 1)} bytes of one window",
            got=room,
            where=site.where,
        )
    pieces = ceil_div(window.channels, channels)
    rows_of_copies = 2 * window.batch * window.out_h * (window.kh + 1) if pieces > 1 else 0
    site.check_length(pieces * (3 * area_count(window, *size) + rows_of_copies))
    return PoolLayer(kind, params, *size, channels, site.source.dtype.lo < 0).emit


@dataclass(frozen=True, slots=True)
class PoolLayer:
    """A tiled pooling layer: areas of `height` x `width` outputs, `channels` channels at a time."""

    kind: PoolKind
    params: PoolParams
    height: int
    width: int
    channels: int
    signed: bool

    def emit(self, operands: tuple[int, ...], target: int) -> Iterator[Instruction]:
        """LOAD, POOL, STORE per channel range and area."""
        window = self.params.window
        for channels in cut(Span(0, window.channels), self.channels):
            taps = all_taps(window, channels)
            for area in areas(window, self.height, self.width):
                loaded = region(window, area, taps)
                sizes = (loaded.elements, area.positions * channels.size)
                x_addr, out_addr = allocate([Request(size, 0, 0) for size in sizes]).addresses
                yield from load_region(window, loaded, 1, operands[0], x_addr)
                iy0, ix0 = first_tap(window, area, loaded)
                yield Pool(
                    kind=self.kind,
                    x_addr=x_addr,
                    pixel_pitch=channels.size,
                    tile_h=loaded.rows.size,
                    tile_w=loaded.cols.size,
                    channels=channels.size,
                    iy0=iy0,
                    ix0=ix0,
                    out_addr=out_addr,
                    out_pitch=channels.size,
                    out_row_pitch=area.cols.size * channels.size,
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
                yield from store_area(window, area, channels, window.channels, 1, target, out_addr)


def _fits(window: Window, height: int, width: int, channels: int, room: int) -> bool:
    within = max(*extent(window, height, width, all_taps(window, Span(0, channels))), height, width) <= EXTENT_LIMIT
    return within and _bytes(window, height, width, channels) <= room


def _bytes(window: Window, height: int, width: int, channels: int) -> int:
    rows, cols = extent(window, height, width, all_taps(window, Span(0, channels)))
    return (rows * cols + height * width) * channels
