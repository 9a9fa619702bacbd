"""POOL: average or maximum over windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fxsim.isa.base import Instruction, Space, Unit, instruction
from fxsim.isa.fields import choice, signed, unsigned
from fxsim.isa.footprints import ARRAYS, Arithmetic, Block, hull
from fxsim.isa.meaning import integer, put_code
from fxsim.isa.modes import PoolKind
from fxsim.isa.rules import Rule, disjoint, output_clamp, positive
from fxsim.numerics.reference import ref_average

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Timing
    from fxsim.isa.columns import Table
    from fxsim.isa.machine import Machine


@instruction("POOL", 16, Unit.VEC)
@dataclass(frozen=True, slots=True, kw_only=True)
class Pool(Instruction):
    """Average or maximum over windows of an activation tile, channel by channel.

    The window of output (oy, ox) starts at tile pixel (iy0 + oy * stride_y, ix0 + ox * stride_x); taps outside the
    tile are skipped, and every window has one inside. Average: n in-tile taps with sum s give cdiv(s + n div 2, n)
    for s > 0, else cdiv(s - n div 2, n), cdiv truncating toward zero. The result is clamped. Pixels hold `channels`
    one-byte codes at ``x_addr + pixel * pixel_pitch``; output (oy, ox), channel c goes to
    ``out_addr + oy * out_row_pitch + ox * out_pitch + c``. Input and output regions are disjoint.
    """

    kind: PoolKind = choice(PoolKind, "average or max")
    x_addr: int = unsigned(28, "activation scratchpad address of tile pixel (0, 0)")
    pixel_pitch: int = unsigned(20, "bytes between tile pixels")
    tile_h: int = unsigned(16, "tile height, pixels")
    tile_w: int = unsigned(16, "tile width, pixels")
    channels: int = unsigned(20, "channels")
    iy0: int = signed(17, "tile row of the window of output row 0")
    ix0: int = signed(17, "tile column of the window of output column 0")
    out_addr: int = unsigned(28, "activation scratchpad address of output (0, 0)")
    out_pitch: int = unsigned(20, "bytes between output columns")
    out_row_pitch: int = unsigned(28, "bytes between output rows")
    out_h: int = unsigned(16, "output rows")
    out_w: int = unsigned(16, "output columns")
    stride_y: int = unsigned(16, "rows between windows")
    stride_x: int = unsigned(16, "columns between windows")
    kh: int = unsigned(16, "window height")
    kw: int = unsigned(16, "window width")
    clamp_lo: int = signed(17, "least output code")
    clamp_hi: int = signed(17, "greatest output code")
    x_signed: int = unsigned(1, "1: codes are two's complement")

    def execute(self, machine: Machine) -> None:
        """Output by output, row major, channel fastest."""
        for oy in range(self.out_h):
            for ox in range(self.out_w):
                pixels = self._pixels(oy, ox)
                for c in range(self.channels):
                    codes = [integer(machine.read(Space.ACT, p + c, 1), signed=self.x_signed) for p in pixels]
                    value = max(codes) if self.kind is PoolKind.MAX else ref_average(sum(codes), len(codes))
                    address = self.out_addr + oy * self.out_row_pitch + ox * self.out_pitch + c
                    put_code(machine, address, min(max(value, self.clamp_lo), self.clamp_hi))

    def _pixels(self, oy: int, ox: int) -> list[int]:
        """Addresses of the in-tile pixels of one window."""
        top, left = self.iy0 + oy * self.stride_y, self.ix0 + ox * self.stride_x
        ys = range(max(top, 0), min(top + self.kh, self.tile_h))
        xs = range(max(left, 0), min(left + self.kw, self.tile_w))
        return [self.x_addr + (y * self.tile_w + x) * self.pixel_pitch for y in ys for x in xs]

    @staticmethod
    def touches(f: Any, by: Arithmetic, rows: int, cols: int) -> Iterator[Block]:
        """Yield the tile pixels under the windows, and the output pixels."""
        top, left = by.greatest(f.iy0, 0), by.greatest(f.ix0, 0)
        bottom = by.least(f.iy0 + (f.out_h - 1) * f.stride_y + f.kh, f.tile_h)
        right = by.least(f.ix0 + (f.out_w - 1) * f.stride_x + f.kw, f.tile_w)
        start = f.x_addr + (top * f.tile_w + left) * f.pixel_pitch
        yield Block(
            Space.ACT,
            False,
            "x_addr",
            start,
            f.channels,
            (right - left, f.pixel_pitch),
            (bottom - top, f.tile_w * f.pixel_pitch),
        )
        yield Block(
            Space.ACT, True, "out_addr", f.out_addr, f.channels, (f.out_w, f.out_pitch), (f.out_h, f.out_row_pitch)
        )

    @classmethod
    def rules(cls, f: Table, timing: Timing) -> Iterator[Rule]:
        """Every window has a pixel inside the tile; input and output are disjoint."""
        yield from positive(f, "tile_h", "tile_w", "channels", "out_h", "out_w", "kh", "kw")
        pixels, held = timing.act_spad_bytes // f.channels, "a number of pixels that the activation scratchpad can hold"
        yield f.tile_h * f.tile_w <= pixels, "tile_h", f"must, times tile_w, be {held}"
        yield f.out_h * f.out_w <= pixels, "out_h", f"must, times out_w, be {held}"
        for first, count, stride, window, extent in (
            ("iy0", f.out_h, f.stride_y, f.kh, f.tile_h),
            ("ix0", f.out_w, f.stride_x, f.kw, f.tile_w),
        ):
            inside = (f[first] + window > 0) & (f[first] + (count - 1) * stride < extent)
            yield inside, first, "must give every window a pixel inside the tile"
        yield from output_clamp(f, 0 * f.kind)
        source, target = (hull(block) for block in cls.touches(f, ARRAYS, timing.rows, timing.cols))
        yield disjoint(source, target), "out_addr", "must give an output region that is disjoint from the input region"
