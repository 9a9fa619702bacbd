"""Scalar kernels of the requantization schemes, and the entry kernel that applies one to an array.

W = max(32, acc_bits) replaces 32 in the schemes' wrap and product. An accumulator of 33..48 bits times a 32-bit
multiplier passes 64 bits; `multiply_round_up` forms it in two limbs, acc = hi * 2**16 + lo, and is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import entry_kernel, kernel
from fxsim.numerics.bit_kernels import (
    round_shift,
    rounding_divide_by_pot,
    saturate,
    saturate_bits,
    wrap,
    wrapping_shift_left,
)
from fxsim.numerics.modes import Rounding, SchemeCode

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FAR = 1 << 62
"""Results saturate at +-2**62: far outside every output code, so a clamp that follows sees no difference."""


@kernel
def multiply_round_up(value: int, multiplier: int, shift: int) -> int:
    """Value * multiplier / 2**shift, ties up, through an exact product of up to 79 bits.

    Needs |value| <= 2**47, |multiplier| <= 2**31, shift in 1..62. Overflow: saturates at +-2**62.
    """
    return _shifted_product(value, multiplier, shift, 1 << (shift - 1))


@kernel
def multiply_floor(value: int, multiplier: int, shift: int) -> int:
    """As `multiply_round_up`, toward minus infinity: the low bits of the product are dropped."""
    return _shifted_product(value, multiplier, shift, 0)


@kernel
def _shifted_product(value: int, multiplier: int, shift: int, added: int) -> int:
    """Value * multiplier + added, 0 <= added < 2**62, over 2**shift toward minus infinity; limits as its callers'."""
    low = (value & 0xFFFF) * multiplier + added
    high = (value >> 16) * multiplier + (low >> 16)
    if shift >= 16:
        return high >> (shift - 16)
    limit = _FAR >> (16 - shift)
    if high >= limit:
        return _FAR
    if high < -limit:
        return -_FAR
    return (high << (16 - shift)) + ((low & 0xFFFF) >> shift)


@kernel
def high_multiply(acc: int, multiplier: int, shift: int, width: int) -> int:
    """First stage of the double-rounding schemes: wrap(acc * 2**max(shift, 0)) * multiplier / 2**31, ties up.

    Overflow: the left shift wraps at `width` bits as TFLite's does, the product saturates there as SRDHM does.
    """
    value = wrapping_shift_left(acc, shift, width) if shift > 0 else acc
    return saturate_bits(multiply_round_up(value, multiplier, 31), width)


@kernel
def tfl_double(acc: int, multiplier: int, shift: int, width: int) -> int:
    """TFLite MultiplyByQuantizedMultiplier: ties up at 2**-31, then ties away from zero; shift in -31..30."""
    return rounding_divide_by_pot(high_multiply(acc, multiplier, shift, width), -shift if shift < 0 else 0)


@kernel
def tfl_double_up(acc: int, multiplier: int, shift: int, width: int) -> int:
    """Like `tfl_double`, with ties up in both stages (ruy's x86 kernels); shift in -31..30."""
    return round_shift(high_multiply(acc, multiplier, shift, width), -shift if shift < 0 else 0, Rounding.TIES_UP)


@kernel
def reduce_multiplier(multiplier: int) -> int:
    """Multiplier of 31 bits rounded to 15 bits, at most 0x7FFF (TFLite, int16 activations); multiplier >= 0."""
    return (multiplier + (1 << 15)) >> 16 if multiplier < 0x7FFF0000 else 0x7FFF


@kernel
def mbqm64(acc: int, multiplier: int, shift: int, width: int) -> int:
    """TFLite's int64 MultiplyByQuantizedMultiplier: 15-bit multiplier, one rounding, ties up; shift in -31..7.

    Overflow: the result wraps at `width` bits, where the library casts to int32.
    """
    product = acc * reduce_multiplier(multiplier)
    return wrap(round_shift(product, 15 - shift, Rounding.TIES_UP), width)


@kernel
def tfl_double_fp(acc: int, real: float) -> int:
    """Product acc * real in binary64, ties away from zero; |acc| <= 2**53, so its conversion is exact.

    Overflow: the magnitude is clamped to 2**62 in float, so the conversion to integer is always defined.
    """
    magnitude = min(abs(np.float64(acc) * np.float64(real)), 4611686018427387904.0)
    whole = int(magnitude)
    nearest = whole + 1 if magnitude - whole >= 0.5 else whole
    return -nearest if acc < 0 else nearest


@kernel
def fp32_rne(acc: int, real: float, lo: int, hi: int) -> int:
    """Product f32(acc) * f32(real) in binary32, clamped to f32(lo)..f32(hi), then ties to even.

    Every step rounds once to binary32. Overflow: the clamp precedes the conversion; |lo|, |hi| <= 2**62.
    """
    product = np.float32(np.int64(acc)) * np.float32(real)
    low, high = np.float32(np.int64(lo)), np.float32(np.int64(hi))
    if product < low:
        product = low
    if product > high:
        product = high
    return int(np.rint(product))


@kernel
def rescale(acc: int, multiplier: int, shift: int, real: float, scheme: int, acc_bits: int) -> int:
    """Accumulator scaled to the output's step by `scheme` (a `SchemeCode`), before the zero point is added.

    Integer schemes read `multiplier` and `shift` as their `Scheme.derive` made them, float schemes `real`.
    Overflow: only where a scheme's own rule wraps or saturates at W = max(32, acc_bits), else at +-2**62.
    """
    width = max(32, acc_bits)
    if scheme == SchemeCode.TFL_DOUBLE:
        return tfl_double(acc, multiplier, shift, width)
    if scheme == SchemeCode.TFL_SINGLE:
        return multiply_round_up(acc, multiplier, 31 - shift)
    if scheme == SchemeCode.TFL_DOUBLE_UP:
        return tfl_double_up(acc, multiplier, shift, width)
    if scheme == SchemeCode.RNDNU:
        return multiply_round_up(acc, multiplier, shift)
    if scheme == SchemeCode.MBQM64:
        return mbqm64(acc, multiplier, shift, width)
    if scheme == SchemeCode.RHAWAY_SHIFT:
        return rounding_divide_by_pot(acc * multiplier, shift)
    if scheme == SchemeCode.REVEN_SHIFT:
        return round_shift(acc, shift, Rounding.TIES_EVEN)
    if scheme == SchemeCode.TFL_DOUBLE_FP:
        return tfl_double_fp(acc, real)
    if scheme == SchemeCode.FLOOR:
        return multiply_floor(acc, multiplier, 31 - shift)
    return fp32_rne(acc, real, -_FAR, _FAR)


@kernel
def requantize_scalar(
    acc: int, multiplier: int, shift: int, real: float, scheme: int, acc_bits: int, zero: int, lo: int, hi: int
) -> int:
    """Output code of one accumulator: clamp(rescale(acc) + zero, lo, hi).

    The zero point is added without overflow (the result needs W + 1 bits), then the sum is clamped. FP32_RNE clamps
    to lo - zero .. hi - zero in binary32 before it rounds, as XNNPACK and ONNX Runtime do.
    """
    if scheme == SchemeCode.FP32_RNE:
        return saturate(fp32_rne(acc, real, lo - zero, hi - zero) + zero, lo, hi)
    return saturate(rescale(acc, multiplier, shift, real, scheme, acc_bits) + zero, lo, hi)


@entry_kernel
def requantize_flat(
    acc: NDArray[np.int64],
    multiplier: NDArray[np.int64],
    shift: NDArray[np.int64],
    real: NDArray[np.float64],
    out: NDArray[np.int64],
    scheme: int,
    acc_bits: int,
    zero: int,
    lo: int,
    hi: int,
) -> None:
    """Requantize flat `acc` into `out`; element i belongs to channel i mod n, n the length of the three records."""
    channels = multiplier.size
    channel = 0
    for i in range(acc.size):
        out[i] = requantize_scalar(
            acc[i], multiplier[channel], shift[channel], real[channel], scheme, acc_bits, zero, lo, hi
        )
        channel += 1
        if channel == channels:
            channel = 0
