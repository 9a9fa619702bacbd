"""MAC engine instructions: accumulate a tile, merge split parts, requantize a bank half."""

from __future__ import annotations

from dataclasses import dataclass

from fxsim.isa.base import Instruction, Unit, instruction
from fxsim.isa.fields import choice, signed, unsigned
from fxsim.isa.modes import Init, Order, ZeroPoint
from fxsim.numerics import Overflow, Reduction, SchemeCode


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
    Private x (depthwise): k stands for (ky, kx), K = kh * kw, and row n reads channel ``(row_base + n) div depth_mult``.
    Order `reversed` maps stream position j to K - 1 - j.

    Weights of stream position j for row n: ``w_addr + ((j - k_start) * hw.rows + n) * w_bytes`` (tiles are stored
    padded to hw.rows rows and to a multiple of hw.cols positions). The product is (x or x - x_zero) * (w - w_zero).

    Groups of hw.cols consecutive stream positions starting at k_start pass through the array; the accumulator of row
    n, position p is slot ``slot + p`` of bank half `half`, updated per group (tree) or per product (chain) by
    ``A <- ovf(A + sum)``. The first group's operand is ovf(bias) (`init` = bias), 0 (zero) or the slot (keep).

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
    k_start: int = unsigned(28, "first stream position")
    k_count: int = unsigned(28, "stream positions")
    channel_base: int = unsigned(20, "channel held at byte 0 of a tile pixel")
    depth_mult: int = unsigned(12, "private x: outputs per input channel, at least 1")
    row_base: int = unsigned(20, "output channel of row 0")
    x_zero: int = signed(17, "activation zero point")
    w_zero: int = signed(17, "weight zero point")
    x_signed: int = unsigned(1, "1: activation codes are two's complement")
    w_signed: int = unsigned(1, "1: weight codes are two's complement")
    x_wide: int = unsigned(1, "1: activations take two bytes")
    w_wide: int = unsigned(1, "1: weights take two bytes")


@instruction("MERGE", 9, Unit.MAC)
@dataclass(frozen=True, slots=True, kw_only=True)
class Merge(Instruction):
    """Add the parts of a split sum: for i = 1 .. parts - 1 ascending, A[slot + p] <- ovf(A[slot + p] + A[slot + i * positions + p]).

    Operands are raw register values; every addition is one rule application.
    """

    last: int = unsigned(1, "1: its commit makes the bank half full")
    half: int = unsigned(1, "bank half")
    overflow: int = choice(Overflow, "accumulator overflow rule")
    acc_bits: int = unsigned(7, "accumulator width, 2..64")
    internal_bits: int = unsigned(7, "register width of overflow = readout")
    rows: int = unsigned(10, "active rows")
    positions: int = unsigned(12, "output positions of the block")
    slot: int = unsigned(12, "slot of part 0, position 0")
    parts: int = unsigned(12, "parts S, at least 2")
    row_base: int = unsigned(20, "output channel of row 0")
    k_start: int = unsigned(28, "first stream position of part 1 (reports name it)")


@instruction("REQ", 10, Unit.REQ)
@dataclass(frozen=True, slots=True, kw_only=True)
class Req(Instruction):
    """Requantize slots ``slot .. slot + positions - 1`` of a full bank half and free the half.

    y = clamp(out_zero + rescale(A)), where rescale is `scheme` with the row file's word; overflow = readout clamps A
    to acc_bits first. Row n of position p goes to
    ``out_addr + grid_row * out_row_pitch + grid_column * out_pitch + n * (1 or 2 bytes)`` with the grid of MAC.
    """

    half: int = unsigned(1, "bank half and row file")
    overflow: Overflow = choice(Overflow, "accumulator overflow rule")
    acc_bits: int = unsigned(7, "accumulator width, 2..64")
    scheme: SchemeCode = choice(SchemeCode, "requantization scheme")
    rows: int = unsigned(10, "active rows")
    positions: int = unsigned(12, "output positions of the block")
    slot: int = unsigned(12, "first accumulator slot in the half")
    out_addr: int = unsigned(28, "activation scratchpad address of grid (0, 0), row 0")
    out_pitch: int = unsigned(20, "bytes between grid columns")
    out_row_pitch: int = unsigned(28, "bytes between grid rows")
    ox_start: int = unsigned(16, "grid column of position 0")
    out_w: int = unsigned(16, "grid width, at least 1")
    out_zero: int = signed(17, "output zero point")
    clamp_lo: int = signed(17, "least output code")
    clamp_hi: int = signed(17, "greatest output code")
    out_wide: int = unsigned(1, "1: outputs take two bytes")
    row_base: int = unsigned(20, "output channel of row 0")
