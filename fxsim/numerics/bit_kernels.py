"""Scalar kernels: saturation, wrap-around, rounding shifts, gemmlowp's building blocks, the overflow rule.

Every argument and result is an int64 (or a Python int of that range in interpreted runs). Kernels never validate:
callers hold the stated ranges, and within them no intermediate leaves int64.
"""

from __future__ import annotations

from fxsim._core.jit import kernel
from fxsim.numerics.modes import Overflow, Rounding

_INT16_LO, _INT16_HI = -(1 << 15), (1 << 15) - 1
_INT32_LO, _INT32_HI = -(1 << 31), (1 << 31) - 1


@kernel
def saturate(value: int, lo: int, hi: int) -> int:
    """`value` clamped to lo..hi; needs lo <= hi."""
    if value < lo:
        return lo
    if value > hi:
        return hi
    return value


@kernel
def saturate_bits(value: int, bits: int) -> int:
    """`value` clamped to two's complement of `bits` bits, 2..64 (64: unchanged)."""
    if bits >= 64:
        return value
    half = 1 << (bits - 1)
    return saturate(value, -half, half - 1)


@kernel
def wrap(value: int, bits: int) -> int:
    """Value congruent to `value` modulo 2**bits in two's complement of `bits` bits, 1..64 (64: unchanged)."""
    if bits >= 64:
        return value
    sign = 1 << (bits - 1)
    return (value & (sign - 1)) - (value & sign)


@kernel
def wrap_unsigned(value: int, bits: int) -> int:
    """Value in 0..2**bits - 1 congruent to `value`, bits in 1..62 (`wrap_array` serves 63 and 64)."""
    return value & ((1 << bits) - 1)


@kernel
def wrapping_shift_left(value: int, shift: int, bits: int) -> int:
    """Value * 2**shift wrapped to two's complement of `bits` bits; shift >= 0, bits in 1..63.

    Only bits that survive are shifted, so the product itself never exists and cannot leave int64.
    """
    if shift >= bits:
        return 0
    return wrap(value, bits - shift) << shift


@kernel
def _increment(tie: bool, above: bool, quotient: int, value: int, rounding: int) -> bool:
    """Whether an inexact `value` with floor `quotient` rounds to quotient + 1 (rounding to nearest)."""
    if not tie:
        return above
    if rounding == Rounding.TIES_UP:
        return True
    if rounding == Rounding.TIES_DOWN:
        return False
    if rounding == Rounding.TIES_TO_ZERO:
        return value < 0
    if rounding == Rounding.TIES_AWAY:
        return value >= 0
    odd = (quotient & 1) == 1
    return odd if rounding == Rounding.TIES_EVEN else not odd


@kernel
def round_shift(value: int, shift: int, rounding: int) -> int:
    """Value / 2**shift rounded to an integer by `rounding` (a `Rounding` code); shift in 0..62.

    Overflow: none, for every int64 value. Rounding: as named; exact quotients are never changed.
    """
    quotient = value >> shift
    rest = value - (quotient << shift)
    if rest == 0 or rounding == Rounding.FLOOR:
        return quotient
    if rounding == Rounding.CEIL:
        return quotient + 1
    if rounding == Rounding.TO_ZERO:
        return quotient + 1 if value < 0 else quotient
    if rounding == Rounding.AWAY_FROM_ZERO:
        return quotient if value < 0 else quotient + 1
    half = 1 << (shift - 1)
    return quotient + 1 if _increment(rest == half, rest > half, quotient, value, rounding) else quotient


@kernel
def srdhm(a: int, b: int) -> int:
    """SaturatingRoundingDoublingHighMul of gemmlowp on two int32: a * b / 2**31, ties up.

    Overflow: INT32_MIN * INT32_MIN, the only product out of range, gives INT32_MAX.
    """
    if a == _INT32_LO and b == _INT32_LO:
        return _INT32_HI
    return (a * b + (1 << 30)) >> 31


@kernel
def srdhm16(a: int, b: int) -> int:
    """`srdhm` of two int16: a * b / 2**15, ties up; INT16_MIN * INT16_MIN gives INT16_MAX."""
    if a == _INT16_LO and b == _INT16_LO:
        return _INT16_HI
    return (a * b + (1 << 14)) >> 15


@kernel
def rounding_divide_by_pot(value: int, exponent: int) -> int:
    """RoundingDivideByPOT of gemmlowp: value / 2**exponent, ties away; exponent in 0..62, |value| <= 2**62."""
    if exponent == 0:
        return value
    nudge = 1 << (exponent - 1)
    return (value + nudge - (1 if value < 0 else 0)) >> exponent


@kernel
def saturating_rounding_multiply_by_pot(value: int, exponent: int) -> int:
    """SaturatingRoundingMultiplyByPOT of gemmlowp: int32 value * 2**exponent, exponent in -31..31.

    Overflow: saturates to int32. Rounding: ties away from zero (negative exponents).
    """
    if exponent < 0:
        return rounding_divide_by_pot(value, -exponent)
    return saturate(value << exponent, _INT32_LO, _INT32_HI)


@kernel
def rounding_half_sum(a: int, b: int) -> int:
    """RoundingHalfSum of gemmlowp: (a + b) / 2, ties away from zero; |a + b| < 2**62."""
    return rounding_divide_by_pot(a + b, 1)


@kernel
def average(total: int, count: int) -> int:
    """Total / count to nearest, ties away from code 0 (TFLite integer pooling); count >= 1, |total| < 2**62."""
    if total >= 0:
        return (total + count // 2) // count
    return -((count // 2 - total) // count)


@kernel
def apply_overflow(value: int, bits: int, mode: int, internal_bits: int) -> int:
    """Content of the accumulator register after a rule application whose exact result is `value`.

    SATURATE and TRAP clamp at `bits`, WRAP keeps the low `bits` bits, READOUT keeps the low `internal_bits` bits
    (its clamp to `bits` belongs to the requantizer's read). Widths are 2..64; `mode` is an `Overflow` code.
    """
    if mode == Overflow.WRAP:
        return wrap(value, bits)
    if mode == Overflow.READOUT:
        return wrap(value, internal_bits)
    return saturate_bits(value, bits)


@kernel
def overflowed(value: int, bits: int, mode: int, internal_bits: int) -> bool:
    """Whether the exact `value` leaves the register: `bits` wide, or `internal_bits` under READOUT."""
    width = internal_bits if mode == Overflow.READOUT else bits
    return wrap(value, width) != value
