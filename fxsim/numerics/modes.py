"""Codes of the numeric modes; kernels see them as plain integers."""

from __future__ import annotations

from enum import IntEnum


class Overflow(IntEnum):
    """What an accumulator does with an exact A + sum outside its range."""

    SATURATE = 0
    """Clamp to the nearer end at every rule application."""
    WRAP = 1
    """Two's complement: keep the low acc_bits bits."""
    TRAP = 2
    """Saturate and record the first event; the result withholds its outputs."""
    READOUT = 3
    """Wrap at the internal register width, clamp to acc_bits when the requantizer reads."""


class Reduction(IntEnum):
    """How the products of one group meet the accumulator."""

    TREE = 0
    """The group is summed exactly, then one rule application."""
    CHAIN = 1
    """One rule application per product."""


class Rounding(IntEnum):
    """What becomes of the discarded bits; each name says the rule."""

    FLOOR = 0
    """Toward minus infinity (truncation of two's complement)."""
    CEIL = 1
    """Toward plus infinity."""
    TO_ZERO = 2
    """Toward zero (truncation of sign-magnitude)."""
    AWAY_FROM_ZERO = 3
    """Away from zero whenever anything is discarded."""
    TIES_UP = 4
    """To nearest, ties toward plus infinity."""
    TIES_DOWN = 5
    """To nearest, ties toward minus infinity."""
    TIES_TO_ZERO = 6
    """To nearest, ties toward zero."""
    TIES_AWAY = 7
    """To nearest, ties away from zero."""
    TIES_EVEN = 8
    """To nearest, ties to the even neighbour."""
    TIES_ODD = 9
    """To nearest, ties to the odd neighbour."""


class SchemeCode(IntEnum):
    """Requantization schemes, one exact rule each (`fxsim.numerics.schemes` states them)."""

    TFL_DOUBLE = 0
    """gemmlowp double rounding, the second stage half away from zero."""
    TFL_SINGLE = 1
    """One rounding of the 64-bit product, half up."""
    TFL_DOUBLE_UP = 2
    """Double rounding, both stages half up (ruy on x86)."""
    RNDNU = 3
    """24-bit mantissa, one rounding half up (XNNPACK on Arm)."""
    MBQM64 = 4
    """15-bit multiplier, one rounding half up (TFLite int16 activations)."""
    RHAWAY_SHIFT = 5
    """16-bit multiplier and shift, half away from zero (NVDLA converters)."""
    REVEN_SHIFT = 6
    """Shift only, half to even (Gemmini PE)."""
    TFL_DOUBLE_FP = 7
    """binary64 product, half away from zero (LiteRT reference FULLY_CONNECTED)."""
    FP32_RNE = 8
    """binary32 conversion, product and clamp, half to even (XNNPACK, ONNX Runtime)."""
    FLOOR = 9
    """One product whose low bits are dropped, no rounding (VTA's shift right, with a multiplier before it)."""
