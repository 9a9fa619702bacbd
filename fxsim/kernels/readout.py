"""REQ: requantize the slots of a bank half into the activation scratchpad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import inner_kernel
from fxsim.kernels import columns as c
from fxsim.kernels.rule import BIAS_K, count_overflow
from fxsim.kernels.state import EVENT, EVENTS, GREATEST, LEAST, OUTPUTS
from fxsim.numerics import Overflow, SchemeCode, apply_overflow, overflowed, requantize_scalar, saturate_bits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.kernels.state import Bank, Scratch, Tally


@inner_kernel
def word_multiplier(word: int) -> int:
    """Bits 0..31 of a requantization word, two's complement."""
    return ((word & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000


@inner_kernel
def word_shift(word: int) -> int:
    """Bits 32..39 of a requantization word, two's complement."""
    return (((word >> 32) & 0xFF) ^ 0x80) - 0x80


@inner_kernel
def count_outputs(
    f: NDArray[np.int64], register: NDArray[np.int64], flags: NDArray[np.uint8], slot: int, stats: NDArray[np.int64]
) -> None:
    """Count outputs with an event, and under overflow = readout the events of the read-out itself.

    A flag under readout is one of the inner accumulator.
    """
    readout, seen = f[c.OVERFLOW] == Overflow.READOUT, np.uint8(0)
    for n in range(f[c.ROWS]):
        seen |= flags[slot, n]
    if not readout and not seen & EVENT:
        return
    for n in range(f[c.ROWS]):
        event = (flags[slot, n] & EVENT) != 0
        if readout and saturate_bits(register[slot, n], f[c.ACC_BITS]) != register[slot, n]:
            stats[EVENTS, f[c.STAT] + n] += 1
            event = True
        if event:
            stats[OUTPUTS, f[c.STAT] + n] += 1


@inner_kernel
def add_biases(
    f: NDArray[np.int64], bank: Bank, tally: Tally, sample: int, position: int, values: NDArray[np.int64],
    flags: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Add the biases to the registers of one position: values[0] and flags[0], the slot stays as it is."""
    half, slot, stats = f[c.HALF], f[c.SLOT] + position, tally.stats
    for n in range(f[c.ROWS]):
        exact = bank.exact[sample, half, slot, n] + bank.bias[half, n]
        stats[LEAST, f[c.STAT] + n] = min(stats[LEAST, f[c.STAT] + n], exact)
        stats[GREATEST, f[c.STAT] + n] = max(stats[GREATEST, f[c.STAT] + n], exact)
        value = bank.register[sample, half, slot, n] + bank.bias[half, n]
        flags[0, n] = bank.flags[sample, half, slot, n]
        if overflowed(value, f[c.ACC_BITS], f[c.OVERFLOW], f[c.INTERNAL_BITS]):
            flags[0, n] |= count_overflow(f, tally, value, sample, 0, position, n, BIAS_K)
        values[0, n] = apply_overflow(value, f[c.ACC_BITS], f[c.OVERFLOW], f[c.INTERNAL_BITS])


@inner_kernel
def unpack_scales(f: NDArray[np.int64], word: NDArray[np.int64], scales: NDArray[np.int64]) -> bool:
    """Split the requantization words; whether `double_round` may take them: 32-bit TFL_DOUBLE, shifts inside int64."""
    plain: bool = f[c.SCHEME] == SchemeCode.TFL_DOUBLE and f[c.ACC_BITS] <= 32
    for n in range(f[c.ROWS]):
        shift = word_shift(word[n])
        scales[0, n] = word_multiplier(word[n])
        scales[1, n] = max(shift, 0)
        scales[2, n] = max(-shift, 0)
        scales[3, n] = (np.int64(1) << scales[2, n]) >> 1
        plain = plain and -31 <= shift <= 30
    return plain


@inner_kernel
def double_round(f: NDArray[np.int64], register: NDArray[np.int64], slot: int, scales: NDArray[np.int64]) -> None:
    """TFL_DOUBLE of all rows of one slot into scales[4], branch-free so that lanes run side by side.

    The rule of `fxsim.numerics.requantize_scalar`: RUP of the 32-bit wrapped product by 31, then RAWAY by the right
    shift, zero point, clamp. Overflow: registers clamped to acc_bits <= 32, left shifts <= 30, multipliers below 2**31.
    """
    values, codes = register[slot], scales[4]
    multiplier, left, right, half = scales[0], scales[1], scales[2], scales[3]
    top = (np.int64(1) << (f[c.ACC_BITS] - 1)) - 1
    zero, lo, hi = f[c.OUT_ZERO], f[c.CLAMP_LO], f[c.CLAMP_HI]
    for n in range(f[c.ROWS]):
        value = min(max(values[n], -top - 1), top) << left[n]
        value = ((value + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        high = (value * multiplier[n] + 0x40000000) >> 31
        sign = (high >> 63) & -min(half[n], 1)
        codes[n] = min(max(((high + half[n] + sign) >> right[n]) + zero, lo), hi)


@inner_kernel
def any_scheme(
    f: NDArray[np.int64], register: NDArray[np.int64], slot: int, word: NDArray[np.int64], real: NDArray[np.float64],
    codes: NDArray[np.int64],
) -> None:  # fmt: skip
    """Requantize all rows of one slot into `codes`, whatever the scheme."""
    scheme, acc_bits = f[c.SCHEME], f[c.ACC_BITS]
    zero, lo, hi = f[c.OUT_ZERO], f[c.CLAMP_LO], f[c.CLAMP_HI]
    for n in range(f[c.ROWS]):
        value = saturate_bits(register[slot, n], acc_bits)
        multiplier, shift = word_multiplier(word[n]), word_shift(word[n])
        codes[n] = requantize_scalar(value, multiplier, shift, real[n], scheme, acc_bits, zero, lo, hi)


@inner_kernel
def put_codes(f: NDArray[np.int64], codes: NDArray[np.int64], act: NDArray[np.uint8], address: int) -> None:
    """Store the rows' codes, little-endian, from `address` on."""
    rows = f[c.ROWS]
    if f[c.OUT_WIDE]:
        for n in range(rows):
            act[address + 2 * n] = codes[n] & 0xFF
            act[address + 2 * n + 1] = (codes[n] >> 8) & 0xFF
    else:
        into = act[address : address + rows]
        for n in range(rows):
            into[n] = codes[n] & 0xFF


@inner_kernel
def pixel_address(f: NDArray[np.int64], position: int) -> int:
    """Where the codes of one position of the block begin."""
    column = f[c.OX_START] + position
    grid_row = column // f[c.OUT_W]
    address: int = f[c.OUT_ADDR] + grid_row * f[c.OUT_ROW_PITCH] + (column - grid_row * f[c.OUT_W]) * f[c.OUT_PITCH]
    return address


@inner_kernel
def requantize_block(
    f: NDArray[np.int64], act: NDArray[np.uint8], bank: Bank, tally: Tally, scales: NDArray[np.int64]
) -> None:
    """REQ for all samples; a register that is not read out raw holds acc_bits already, so all are clamped to it."""
    half = f[c.HALF]
    word, real, stats, codes = bank.word[half], bank.real[half], tally.stats, scales[4]
    plain = unpack_scales(f, word, scales)
    for s in range(act.shape[0]):
        out, register, flags = act[s], bank.register[s, half], bank.flags[s, half]
        for p in range(f[c.POSITIONS]):
            count_outputs(f, register, flags, f[c.SLOT] + p, stats)
            if plain:
                double_round(f, register, f[c.SLOT] + p, scales)
            else:
                any_scheme(f, register, f[c.SLOT] + p, word, real, codes)
            put_codes(f, codes, out, pixel_address(f, p))


@inner_kernel
def requantize_biased(f: NDArray[np.int64], act: NDArray[np.uint8], bank: Bank, tally: Tally, work: Scratch) -> None:
    """REQ that adds the biases first; sums stand in `work` then, and the bank stays as it is."""
    word, real, codes = bank.word[f[c.HALF]], bank.real[f[c.HALF]], work.scales[4]
    for s in range(act.shape[0]):
        for p in range(f[c.POSITIONS]):
            add_biases(f, bank, tally, s, p, work.wide, work.marks)
            count_outputs(f, work.wide, work.marks, 0, tally.stats)
            any_scheme(f, work.wide, 0, word, real, codes)
            put_codes(f, codes, act[s], pixel_address(f, p))
