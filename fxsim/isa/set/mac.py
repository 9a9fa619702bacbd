"""MAC: accumulate one weight tile over a block of output positions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fxsim.isa.base import Instruction, Space, Unit, instruction
from fxsim.isa.fields import choice, signed, unsigned
from fxsim.isa.footprints import Arithmetic, Block, grid_span
from fxsim.isa.meaning import BIAS_K, Site, add, add_inner, integer, load_bias, spill
from fxsim.isa.modes import Init, InnerOverflow, Order, ZeroPoint
from fxsim.isa.rules import Rule, accumulator_block, code_bounds, overflow_widths, positive
from fxsim.numerics import Overflow, Reduction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Numerics, Timing
    from fxsim.isa.columns import Table
    from fxsim.isa.machine import Accumulator, Machine

RECORD_BYTES = 16
"""Bytes of one row record: bias int64, requantization word."""


@instruction("MAC", 8, Unit.MAC)
@dataclass(frozen=True, slots=True, kw_only=True)
class Mac(Instruction):
    """Accumulate K-stream positions k_start .. k_start + k_count - 1 of `rows` outputs at `positions` positions.

    Output position p (0 <= p < positions) lies at column ``(ox_start + p) mod out_w`` and row
    ``(ox_start + p) div out_w`` of a row-major grid; its window starts at tile pixel
    ``(iy0 + row * stride_y, ix0 + column * stride_x)``. Tap (ky, kx) reads tile pixel
    ``(+ ky * dil_y, + kx * dil_x)``; a tap outside the tile is padding and is fed ``x_zero`` (fold) or 0 (subtract).

    Shared x: stream index k stands for (ky, kx, channel), channel fastest, K = kh * kw * channels, and every row
    reads the same x at byte ``x_addr + (ty * tile_w + tx) * pixel_pitch + (channel - channel_base) * x_bytes``.
    Private x (depthwise): k stands for (ky, kx), K = kh * kw, and row n reads channel
    ``(row_base + n) div depth_mult``. Order `reversed` maps stream position j to K - 1 - j.

    Weights of stream position j for row n: ``w_addr + ((j - k_start) * hw.rows + n) * w_bytes`` (tiles are stored
    padded to hw.rows rows and to a multiple of hw.cols positions). The product is (x or x - x_zero) * (w - w_zero).

    Groups of hw.cols consecutive stream positions starting at k_start pass through the array; the accumulator of row
    n, position p is slot ``slot + p`` of bank half `half`, updated per group (tree) or per product (chain) by
    ``A <- ovf(A + sum)``. The first group's operand is ovf(bias) (`init` = bias), 0 (zero) or the slot (keep).

    With `inner_bits` sums pass through an inner accumulator first, one per slot, which starts at 0: every group (tree)
    or product (chain) does ``I <- ovf_inner(I + sum)``, and behind every `inner_groups` groups from k_start on, and
    behind the last one, it spills: ``A <- ovf(A + I)`` and I is 0 again. Only spills are rule applications of A then:
    acc_min and acc_max see the exact sums at them, and a trap reports the spill's last group and the first k that it
    adds. An event of the inner accumulator is counted apart, does not trap, and is an event of the output. Both adders
    stand in the accumulate stage, so that timing is as without.

    Groups run in ascending order; within a group positions, then rows, then k ascend: this is the order in which a trap
    finds its first event.

    `load_params` copies `rows` 16-byte records from ``p_addr`` of the parameter scratchpad into row file `half`:
    bias (int64), then the requantization word: multiplier (int32), shift (int8), 3 zero bytes; or one binary64 scale
    where the scheme is a float one.
    """

    first: int = unsigned(1, "1: waits until its bank half is free, then fills it")
    last: int = unsigned(1, "1: its commit makes the bank half full")
    load_params: int = unsigned(1, "1: loads row file `half` from p_addr")
    private_x: int = unsigned(1, "1: depthwise, every row latches its own operands")
    init: Init = choice(Init, "accumulate operand of the first group")
    half: int = unsigned(1, "bank half and row file")
    reduction: Reduction = choice(Reduction, "tree: one rule application per group; chain: one per product")
    zero_point: ZeroPoint = choice(ZeroPoint, "fold or subtract")
    overflow: Overflow = choice(Overflow, "accumulator overflow rule")
    order: Order = choice(Order, "accumulation order")
    acc_bits: int = unsigned(7, "accumulator width, 2..64")
    internal_bits: int = unsigned(7, "register width of overflow = readout")
    rows: int = unsigned(10, "active rows (outputs)")
    positions: int = unsigned(12, "output positions B of the block")
    slot: int = unsigned(12, "first accumulator slot in the half")
    x_addr: int = unsigned(28, "activation scratchpad address of tile pixel (0, 0)")
    w_addr: int = unsigned(28, "weight scratchpad address")
    p_addr: int = unsigned(24, "parameter scratchpad address")
    pixel_pitch: int = unsigned(20, "bytes between tile pixels")
    tile_h: int = unsigned(16, "tile height, pixels")
    tile_w: int = unsigned(16, "tile width, pixels")
    iy0: int = signed(17, "tile row of the window of grid row 0")
    ix0: int = signed(17, "tile column of the window of grid column 0")
    ox_start: int = unsigned(16, "grid column of position 0")
    out_w: int = unsigned(16, "grid width, at least 1")
    stride_y: int = unsigned(10, "rows between windows")
    stride_x: int = unsigned(10, "columns between windows")
    dil_y: int = unsigned(10, "rows between taps")
    dil_x: int = unsigned(10, "columns between taps")
    kh: int = unsigned(10, "kernel height")
    kw: int = unsigned(10, "kernel width")
    channels: int = unsigned(20, "channels per tap of the K stream (private x: 1)")
    k_start: int = unsigned(22, "first stream position")
    k_count: int = unsigned(22, "stream positions")
    channel_base: int = unsigned(20, "channel held at byte 0 of a tile pixel")
    depth_mult: int = unsigned(12, "private x: outputs per input channel, at least 1")
    row_base: int = unsigned(20, "output channel of row 0")
    x_zero: int = signed(17, "activation zero point")
    w_zero: int = signed(17, "weight zero point")
    x_signed: int = unsigned(1, "1: activation codes are two's complement")
    w_signed: int = unsigned(1, "1: weight codes are two's complement")
    x_wide: int = unsigned(1, "1: activations take two bytes")
    w_wide: int = unsigned(1, "1: weights take two bytes")
    inner_bits: int = unsigned(6, "inner accumulator width, 2..63; 0: none")
    inner_groups: int = unsigned(9, "groups that the inner accumulator sums between spills")
    inner_overflow: InnerOverflow = choice(InnerOverflow, "overflow rule of the inner accumulator")

    @property
    def k_total(self) -> int:
        """Length K of the whole stream."""
        return self.kh * self.kw * self.channels

    def step(self, cols: int) -> int:
        """Stream positions that one rule application adds."""
        if self.inner_bits:
            return self.inner_groups * cols
        return cols if self.reduction is Reduction.TREE else 1

    def execute(self, machine: Machine) -> None:
        """Run groups ascending; within a group positions, within a position rows ascending."""
        if self.load_params:
            self._load_row_file(machine)
        for group, start in enumerate(range(0, self.k_count, machine.cols)):
            stop = min(start + machine.cols, self.k_count)
            for position in range(self.positions):
                for row in range(self.rows):
                    self._run_group(machine, group, position, row, range(self.k_start + start, self.k_start + stop))

    def _load_row_file(self, machine: Machine) -> None:
        for row in range(self.rows):
            record = machine.read(Space.PARAM, self.p_addr + row * RECORD_BYTES, RECORD_BYTES)
            machine.load_row(self.half, row, integer(record[:8], signed=1), integer(record[8:], signed=0))

    def _run_group(self, machine: Machine, group: int, position: int, row: int, stream: range) -> None:
        slot = machine.accumulator(self.half, row, self.slot + position)
        channel = self.row_base + row
        if group == 0:
            self._start(machine, slot, Site(0, position, row, BIAS_K, channel))
        operands = [self.operands(machine, position, row, j) for j in stream]
        products = [x * w for x, w in operands]
        sums = [sum(products)] if self.reduction is Reduction.TREE else products
        if self.inner_bits:
            self._run_inner(machine, slot, Site(group, position, row, stream.stop, channel), sums)
            return
        for j, total in zip(stream, sums, strict=False):
            add(machine, self, Site(group, position, row, j, channel), slot, total, total)

    def _run_inner(self, machine: Machine, slot: Accumulator, site: Site, sums: list[int]) -> None:
        """Add the sums of a group that ends before ``site.k`` to the inner accumulator, which may spill then."""
        for total in sums:
            add_inner(machine, self, site.channel, slot, total)
        done = site.k - self.k_start
        step = self.step(machine.cols)
        if done % step == 0 or done == self.k_count:
            spill(machine, self, replace(site, k=self.k_start + (done - 1) // step * step), slot)

    def operands(self, machine: Machine, position: int, row: int, j: int) -> tuple[int, int]:
        """Return (x, w) of stream position j as they enter the PE of `row`."""
        return self._x(machine, position, row, j), self._w(machine, row, j)

    def _start(self, machine: Machine, slot: Accumulator, site: Site) -> None:
        if self.init is Init.BIAS:
            load_bias(machine, self, site, slot, machine.row(self.half, site.row)[0])
        elif self.init is Init.ZERO:
            slot.value, slot.exact, slot.event = 0, 0, False

    def _tap(self, j: int, row: int) -> tuple[int, int, int]:
        """(ky, kx, input channel) of stream position j for `row`."""
        k = self.k_total - 1 - j if self.order is Order.REVERSED else j
        tap, channel = (k, (self.row_base + row) // self.depth_mult) if self.private_x else divmod(k, self.channels)
        return *divmod(tap, self.kw), channel

    def _x(self, machine: Machine, position: int, row: int, j: int) -> int:
        """Return the activation operand as it enters the PE."""
        grid_y, grid_x = divmod(self.ox_start + position, self.out_w)
        ky, kx, channel = self._tap(j, row)
        ty = self.iy0 + grid_y * self.stride_y + ky * self.dil_y
        tx = self.ix0 + grid_x * self.stride_x + kx * self.dil_x
        code = self.x_zero
        if 0 <= ty < self.tile_h and 0 <= tx < self.tile_w:
            size = 1 + self.x_wide
            address = self.x_addr + (ty * self.tile_w + tx) * self.pixel_pitch + (channel - self.channel_base) * size
            code = integer(machine.read(Space.ACT, address, size), signed=self.x_signed)
        return code - self.x_zero if self.zero_point is ZeroPoint.SUBTRACT else code

    def _w(self, machine: Machine, row: int, j: int) -> int:
        size = 1 + self.w_wide
        address = self.w_addr + ((j - self.k_start) * machine.rows + row) * size
        return integer(machine.read(Space.WEIGHT, address, size), signed=self.w_signed) - self.w_zero

    @staticmethod
    def touches(f: Any, by: Arithmetic, rows: int, cols: int) -> Iterator[Block]:
        """Row records, the weight tile with its padding, and the tile pixels under the windows."""
        yield Block(Space.PARAM, False, "p_addr", f.p_addr, f.rows * RECORD_BYTES, (f.load_params, 0))
        padded = (f.k_count + cols - 1) // cols * cols
        yield Block(Space.WEIGHT, False, "w_addr", f.w_addr, padded * rows * (1 + f.w_wide))
        yield _touched_pixels(f, by)

    @classmethod
    def rules(cls, f: Table, timing: Timing) -> Iterator[Rule]:
        """Block, tile, window and K interval are well formed; zero points are codes."""
        yield from accumulator_block(f, timing, f.positions)
        yield from overflow_widths(f)
        yield f.inner_bits != 1, "inner_bits", "must be 0 or in 2..63"
        yield (f.inner_bits == 0) | (f.inner_groups >= 1), "inner_groups", "must be at least 1 with inner_bits"
        yield from positive(f, "tile_h", "tile_w", "out_w", "kh", "kw", "channels", "k_count", "depth_mult")
        yield (f.private_x == 0) | (f.channels == 1), "channels", "must be 1 for private x"
        k_total = f.kh * f.kw * f.channels
        yield f.k_start + f.k_count <= k_total, "k_count", "must leave the interval inside the K stream"
        for name, wide, is_signed in (("x_zero", f.x_wide, f.x_signed), ("w_zero", f.w_wide, f.w_signed)):
            lo, hi = code_bounds(wide, is_signed)
            yield (f[name] >= lo) & (f[name] <= hi), name, "must be a code of its operand"


def inner_fields(numerics: Numerics, cols: int) -> dict[str, Any]:
    """Fields of a MAC that say what inner accumulator `numerics` asks for, on `cols` columns."""
    if not numerics.inner_bits:
        return {}
    return {
        "inner_bits": numerics.inner_bits,
        "inner_groups": numerics.inner_products // cols,
        "inner_overflow": InnerOverflow[numerics.inner_overflow.upper()],
    }


def _touched_pixels(f: Any, by: Arithmetic) -> Block:
    """Return the box of tile pixels and channels under the windows of the block, for the taps of the K interval."""
    row0, row1, column0, column1 = grid_span(f.ox_start, f.ox_start + f.positions - 1, f.out_w, by)
    k_total = f.kh * f.kw * f.channels
    first = by.choose(f.order == Order.REVERSED, k_total - f.k_start - f.k_count, f.k_start)
    tap0, tap1, shared0, shared1 = grid_span(first, first + f.k_count - 1, f.channels, by)
    ky0, ky1, kx0, kx1 = grid_span(tap0, tap1, f.kw, by)
    channel0 = by.choose(f.private_x, f.row_base // f.depth_mult, shared0)
    channel1 = by.choose(f.private_x, (f.row_base + f.rows - 1) // f.depth_mult, shared1)
    top = by.greatest(f.iy0 + row0 * f.stride_y + ky0 * f.dil_y, 0)
    bottom = by.least(f.iy0 + row1 * f.stride_y + ky1 * f.dil_y, f.tile_h - 1)
    left = by.greatest(f.ix0 + column0 * f.stride_x + kx0 * f.dil_x, 0)
    right = by.least(f.ix0 + column1 * f.stride_x + kx1 * f.dil_x, f.tile_w - 1)
    size = 1 + f.x_wide
    start = f.x_addr + (top * f.tile_w + left) * f.pixel_pitch + (channel0 - f.channel_base) * size
    return Block(
        Space.ACT,
        False,
        "x_addr",
        start,
        (channel1 - channel0 + 1) * size,
        (right - left + 1, f.pixel_pitch),
        (bottom - top + 1, f.tile_w * f.pixel_pitch),
    )
