"""Vector engine instructions: pooling, requantization, table look-up, softmax."""

from __future__ import annotations

from dataclasses import dataclass

from fxsim.isa.base import Instruction, Unit, instruction
from fxsim.isa.fields import choice, signed, unsigned
from fxsim.isa.modes import PoolKind
from fxsim.numerics import SchemeCode


@instruction("POOL", 16, Unit.VEC)
@dataclass(frozen=True, slots=True, kw_only=True)
class Pool(Instruction):
    """Average or maximum over windows of an activation tile, channel by channel.

    The window of output (oy, ox) starts at tile pixel (iy0 + oy * stride_y, ix0 + ox * stride_x); taps outside the
    tile are skipped. Average: n in-tile taps with sum s give cdiv(s + n div 2, n) for s > 0, else cdiv(s - n div 2, n),
    cdiv truncating toward zero. The result is clamped. Pixels hold `channels` one-byte codes at x_addr + pixel * pixel_pitch.
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


@instruction("VREQ", 17, Unit.VEC)
@dataclass(frozen=True, slots=True, kw_only=True)
class VReq(Instruction):
    """Requantize `count` consecutive one-byte codes: y = clamp(out_zero + rescale(x - in_zero)).

    `rescale` is an integer scheme with the multiplier and shift of the instruction and a 32-bit accumulator.
    """

    count: int = unsigned(28, "elements")
    x_addr: int = unsigned(28, "activation scratchpad address of the input")
    out_addr: int = unsigned(28, "activation scratchpad address of the output")
    scheme: SchemeCode = choice(SchemeCode, "requantization scheme")
    multiplier: int = signed(32, "integer multiplier")
    shift: int = signed(8, "left shift (negative: right shift)")
    in_zero: int = signed(17, "input zero point")
    out_zero: int = signed(17, "output zero point")
    clamp_lo: int = signed(17, "least output code")
    clamp_hi: int = signed(17, "greatest output code")
    x_signed: int = unsigned(1, "1: input codes are two's complement")


@instruction("LUT", 18, Unit.VEC)
@dataclass(frozen=True, slots=True, kw_only=True)
class Lut(Instruction):
    """Look up `count` consecutive one-byte codes in a 256-entry table of the parameter scratchpad.

    Entry ``x + 128`` (signed codes) or ``x`` (unsigned) of `entry_bytes` bytes is copied to
    ``out_addr + i * entry_bytes``.
    """

    count: int = unsigned(28, "elements")
    x_addr: int = unsigned(28, "activation scratchpad address of the input")
    out_addr: int = unsigned(28, "activation scratchpad address of the output")
    table_addr: int = unsigned(24, "parameter scratchpad address of entry 0")
    entry_bytes: int = unsigned(3, "bytes per entry: 1, 2 or 4")
    x_signed: int = unsigned(1, "1: input codes are two's complement")


@instruction("SOFTMAX", 19, Unit.VEC)
@dataclass(frozen=True, slots=True, kw_only=True)
class Softmax(Instruction):
    """Fixed-point softmax of `rows` rows of `length` int8 codes (gemmlowp arithmetic); output scale 1/256, zero point -128.

    z = SRDHM((x - max) << left_shift, multiplier) in Q5.26; entries with x - max < diff_min give -128.
    """

    rows: int = unsigned(20, "rows")
    length: int = unsigned(20, "elements per row")
    x_addr: int = unsigned(28, "activation scratchpad address of the input")
    out_addr: int = unsigned(28, "activation scratchpad address of the output")
    multiplier: int = signed(32, "input multiplier")
    left_shift: int = unsigned(6, "input left shift")
    diff_min: int = signed(32, "least difference to the maximum that contributes")
