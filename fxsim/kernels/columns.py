"""Columns of the field matrix that the tile kernels walk: one row per instruction, int64 [n, len(COLUMNS)].

The first three are made by the decoder, the others are fields of LOAD, STORE, MAC, MERGE and REQ by their own names
(0 where an instruction has no such field).
"""

from __future__ import annotations

COLUMNS = (
    "kind", "index", "stat",
    "space", "dram_addr", "spad_addr", "rows", "row_bytes", "dram_stride", "spad_stride",
    "load_params", "private_x", "init", "half", "reduction", "zero_point", "overflow", "order", "acc_bits",
    "internal_bits", "positions", "slot", "x_addr", "w_addr", "p_addr", "pixel_pitch", "tile_h", "tile_w", "iy0", "ix0",
    "ox_start", "out_w", "stride_y", "stride_x", "dil_y", "dil_x", "kh", "kw", "channels", "k_start", "k_count",
    "channel_base", "depth_mult", "row_base", "x_zero", "w_zero", "x_signed", "w_signed", "x_wide", "w_wide",
    "inner_bits", "inner_groups", "inner_overflow",
    "parts", "scheme", "add_bias", "out_addr", "out_pitch", "out_row_pitch", "out_zero", "clamp_lo", "clamp_hi",
    "out_wide",
)  # fmt: skip

(
    KIND, INDEX, STAT,
    SPACE, DRAM_ADDR, SPAD_ADDR, ROWS, ROW_BYTES, DRAM_STRIDE, SPAD_STRIDE,
    LOAD_PARAMS, PRIVATE_X, INIT, HALF, REDUCTION, ZERO_POINT, OVERFLOW, ORDER, ACC_BITS,
    INTERNAL_BITS, POSITIONS, SLOT, X_ADDR, W_ADDR, P_ADDR, PIXEL_PITCH, TILE_H, TILE_W, IY0, IX0,
    OX_START, OUT_W, STRIDE_Y, STRIDE_X, DIL_Y, DIL_X, KH, KW, CHANNELS, K_START, K_COUNT,
    CHANNEL_BASE, DEPTH_MULT, ROW_BASE, X_ZERO, W_ZERO, X_SIGNED, W_SIGNED, X_WIDE, W_WIDE,
    INNER_BITS, INNER_GROUPS, INNER_OVERFLOW,
    PARTS, SCHEME, ADD_BIAS, OUT_ADDR, OUT_PITCH, OUT_ROW_PITCH, OUT_ZERO, CLAMP_LO, CLAMP_HI,
    OUT_WIDE,
) = range(len(COLUMNS))  # fmt: skip

KIND_LOAD, KIND_STORE, KIND_MAC, KIND_MERGE, KIND_REQ = range(5)
"""Values of column `kind`; `index` is the instruction's place in the program, `stat` its first statistics column."""

INIT_BIAS, INIT_ZERO, INIT_KEEP = range(3)
"""Values of column `init`; a test holds them equal to `fxsim.isa.Init`, which lies above this layer."""

SPACE_ACT, SPACE_WEIGHT, SPACE_PARAM = range(3)
"""Values of column `space` (`fxsim.isa.Space`)."""

SUBTRACT = 1
"""Value of column `zero_point` that subtracts (`fxsim.isa.ZeroPoint`)."""

REVERSED = 1
"""Value of column `order` that walks K backwards (`fxsim.isa.Order`)."""

LANE_BLOCK = 16
"""Lanes come in multiples of this: whole vector operations (`fxsim.kernels.intrinsics.LANES`)."""
