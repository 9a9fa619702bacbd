"""Output areas of a windowed layer, the input regions under their windows, and how both travel by DMA."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fxsim.isa import Instruction, Space
from fxsim.lowering.allocate import DRAM_ALIGNMENT
from fxsim.lowering.tiling import Level, Span, ceil_div, cut, even, largest, load, store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fxsim.ops import Window

EXTENT_LIMIT = (1 << 16) - 1
"""Tile heights and widths are 16-bit fields."""


PIECE_BYTES = 2048
"""Inputs and outputs of a tile travel in pieces of about so many bytes: neither end of a layer waits for all of it."""


class Area(NamedTuple):
    """Output rows and columns of one image."""

    image: int
    rows: Span
    cols: Span

    @property
    def positions(self) -> int:
        """Output positions."""
        return self.rows.size * self.cols.size


class Taps(NamedTuple):
    """Kernel rows, kernel columns and input channels of a stretch of the K stream (their bounding box)."""

    rows: Span
    cols: Span
    channels: Span


class Region(NamedTuple):
    """Pixels and channels of one input image, as they are loaded into the activation scratchpad."""

    image: int
    rows: Span
    cols: Span
    channels: Span

    @property
    def elements(self) -> int:
        """Codes in the region."""
        return self.rows.size * self.cols.size * self.channels.size


def all_taps(window: Window, channels: Span) -> Taps:
    """Every tap of the window over a range of input channels."""
    return Taps(Span(0, window.kh), Span(0, window.kw), channels)


def region(window: Window, area: Area, taps: Taps) -> Region:
    """Find the in-image pixels that `taps` of the output positions of `area` touch; empty if all lie in the padding."""
    w = window
    rows = _touched(area.rows, taps.rows, w.stride_h, w.dilation_h, w.pad_top, w.in_h)
    cols = _touched(area.cols, taps.cols, w.stride_w, w.dilation_w, w.pad_left, w.in_w)
    return Region(area.image, rows, cols, taps.channels)


def first_tap(window: Window, area: Area, loaded: Region) -> tuple[int, int]:
    """Where tap (0, 0) of the area's first position lies, relative to the loaded region: (row, column)."""
    return (
        area.rows.start * window.stride_h - window.pad_top - loaded.rows.start,
        area.cols.start * window.stride_w - window.pad_left - loaded.cols.start,
    )


def _touched(outputs: Span, taps: Span, stride: int, dilation: int, pad: int, size: int) -> Span:
    first = outputs.start * stride - pad + taps.start * dilation
    last = (outputs.stop - 1) * stride - pad + (taps.stop - 1) * dilation
    start, stop = max(first, 0), min(last + 1, size)
    return Span(start, stop) if start < stop else Span(0, 0)


def extent(window: Window, height: int, width: int, taps: Taps) -> tuple[int, int]:
    """Rows and columns of the largest region that an area of `height` x `width` positions touches."""
    rows = (height - 1) * window.stride_h + (taps.rows.size - 1) * window.dilation_h + 1
    cols = (width - 1) * window.stride_w + (taps.cols.size - 1) * window.dilation_w + 1
    return min(rows, window.in_h), min(cols, window.in_w)


def largest_area(window: Window, fits: Callable[[int, int], bool]) -> tuple[int, int] | None:
    """Height and width of the areas to cut the output into, None if not one position fits.

    As many whole output rows as fit, else part of one row; then evened out. `fits` is monotone in both arguments.
    """
    height = largest(min(window.out_h, EXTENT_LIMIT), lambda h: fits(h, window.out_w))
    if height:
        return even(window.out_h, height), window.out_w
    width = largest(min(window.out_w, EXTENT_LIMIT), lambda w: fits(1, w))
    return (1, even(window.out_w, width)) if width else None


def areas(window: Window, height: int, width: int) -> Iterator[Area]:
    """Cut the output of all images into areas of at most `height` x `width` positions, row by row."""
    for image in range(window.batch):
        for rows in cut(Span(0, window.out_h), height):
            for cols in cut(Span(0, window.out_w), width):
                yield Area(image, rows, cols)


def area_count(window: Window, height: int, width: int) -> int:
    """How many areas `areas` yields."""
    return window.batch * ceil_div(window.out_h, height) * ceil_div(window.out_w, width)


def load_cost(window: Window, height: int, width: int, taps: Taps) -> int:
    """DRAM bytes of loading the regions of all areas once: what they hold, and a broken burst per contiguous run."""
    w = window
    rows = _covered(w.out_h, height, taps.rows, w.stride_h, w.dilation_h, w.pad_top, w.in_h)
    cols = _covered(w.out_w, width, taps.cols, w.stride_w, w.dilation_w, w.pad_left, w.in_w)
    if taps.channels.size < w.channels:
        runs = rows * cols
    else:
        runs = ceil_div(w.out_h, height) if width == w.out_w else rows * ceil_div(w.out_w, width)
    return w.batch * (rows * cols * taps.channels.size + runs * (DRAM_ALIGNMENT - 1))


def store_cost(window: Window, height: int, width: int, channels: int, chunk: int) -> int:
    """DRAM bytes of storing the output in areas of `chunk` out of `channels` output channels, as in `load_cost`."""
    w = window
    if chunk < channels:
        runs = w.out_h * w.out_w * ceil_div(channels, chunk)
    else:
        runs = ceil_div(w.out_h, height) if width == w.out_w else w.out_h * ceil_div(w.out_w, width)
    return w.batch * (w.out_h * w.out_w * channels + runs * (DRAM_ALIGNMENT - 1))


def load_region(window: Window, wanted: Region, code_bytes: int, source: int, x_addr: int) -> Iterator[Instruction]:
    """Yield the LOADs of a region of the input tensor at DRAM address `source`, densely to `x_addr`."""
    if not wanted.elements:
        return
    pixel, run = window.channels * code_bytes, wanted.channels.size * code_bytes
    start = ((wanted.image * window.in_h + wanted.rows.start) * window.in_w + wanted.cols.start) * pixel
    yield from load(
        Space.ACT,
        source + start + wanted.channels.start * code_bytes,
        x_addr,
        run,
        Level(wanted.rows.size, window.in_w * pixel, wanted.cols.size * run),
        Level(wanted.cols.size, pixel, run),
    )


def load_pieces(window: Window, wanted: Region, code_bytes: int, source: int, x_addr: int) -> Iterator[Instruction]:
    """`load_region` in pieces of whole rows, or of columns of the only row, so that work can begin on the first."""
    line = wanted.channels.size * code_bytes * (wanted.cols.size if wanted.rows.size > 1 else 1)
    if not line:
        return
    for piece in cut(wanted.rows if wanted.rows.size > 1 else wanted.cols, ceil_div(PIECE_BYTES, line)):
        if wanted.rows.size > 1:
            part, lines = wanted._replace(rows=piece), piece.start - wanted.rows.start
        else:
            part, lines = wanted._replace(cols=piece), piece.start - wanted.cols.start
        yield from load_region(window, part, code_bytes, source, x_addr + lines * line)


def sub_area(area: Area, done: Span) -> Area:
    """Part of an area, by positions: whole rows, or columns of its only row."""
    width = area.cols.size
    if area.rows.size == 1:
        return area._replace(cols=Span(area.cols.start + done.start, area.cols.start + done.stop))
    return area._replace(rows=Span(area.rows.start + done.start // width, area.rows.start + done.stop // width))


def store_area(
    window: Window, area: Area, channels: Span, pixel: int, code_bytes: int, target: int, out_addr: int
) -> Iterator[Instruction]:
    """Yield the STOREs of a dense output tile at `out_addr` into the output tensor at DRAM address `target`.

    `pixel` is the number of bytes of one output pixel in DRAM, all channels.
    """
    run = channels.size * code_bytes
    start = ((area.image * window.out_h + area.rows.start) * window.out_w + area.cols.start) * pixel
    yield from store(
        target + start + channels.start * code_bytes,
        out_addr,
        run,
        Level(area.rows.size, window.out_w * pixel, area.cols.size * run),
        Level(area.cols.size, pixel, run),
    )


def _covered(outputs: int, size: int, taps: Span, stride: int, dilation: int, pad: int, limit: int) -> int:
    start = np.arange(0, outputs, size)
    stop = np.minimum(start + size, outputs)
    first = start * stride - pad + taps.start * dilation
    last = (stop - 1) * stride - pad + (taps.stop - 1) * dilation
    return int((np.minimum(last + 1, limit) - np.maximum(first, 0)).clip(0).sum())
