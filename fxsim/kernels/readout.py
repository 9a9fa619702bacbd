"""REQ: requantize the slots of a bank half into the activation scratchpad."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.jit import inner_kernel
from fxsim.kernels import columns as c
from fxsim.kernels.state import EVENT, EVENTS, OUTPUTS
from fxsim.numerics import Overflow, requantize_scalar, saturate_bits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fxsim.kernels.state import Bank, Tally


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
    """Count outputs with an event, and under overflow = readout the events of the read-out itself."""
    for n in range(f[c.ROWS]):
        if f[c.OVERFLOW] != Overflow.READOUT:
            if flags[slot, n] & EVENT:
                stats[OUTPUTS, f[c.STAT] + n] += 1
        elif saturate_bits(register[slot, n], f[c.ACC_BITS]) != register[slot, n]:
            stats[EVENTS, f[c.STAT] + n] += 1
            stats[OUTPUTS, f[c.STAT] + n] += 1


@inner_kernel
def put_block(
    f: NDArray[np.int64], register: NDArray[np.int64], word: NDArray[np.int64], real: NDArray[np.float64], slot: int,
    act: NDArray[np.uint8], address: int,
) -> None:  # fmt: skip
    """Requantize all rows of one slot and store their codes, little-endian, from `address` on."""
    scheme, acc_bits, wide = f[c.SCHEME], f[c.ACC_BITS], f[c.OUT_WIDE]
    zero, lo, hi = f[c.OUT_ZERO], f[c.CLAMP_LO], f[c.CLAMP_HI]
    for n in range(f[c.ROWS]):
        value = saturate_bits(register[slot, n], acc_bits)
        multiplier, shift = word_multiplier(word[n]), word_shift(word[n])
        code = requantize_scalar(value, multiplier, shift, real[n], scheme, acc_bits, zero, lo, hi)
        at = address + (n << wide)
        act[at] = code & 0xFF
        if wide:
            act[at + 1] = (code >> 8) & 0xFF


@inner_kernel
def requantize_block(f: NDArray[np.int64], act: NDArray[np.uint8], bank: Bank, tally: Tally) -> None:
    """REQ for all samples; a register that is not read out raw holds acc_bits already, so all are clamped to it."""
    half = f[c.HALF]
    word, real, stats = bank.word[half], bank.real[half], tally.stats
    for s in range(act.shape[0]):
        codes, register, flags = act[s], bank.register[s, half], bank.flags[s, half]
        for p in range(f[c.POSITIONS]):
            column = f[c.OX_START] + p
            grid_row = column // f[c.OUT_W]
            address = f[c.OUT_ADDR] + grid_row * f[c.OUT_ROW_PITCH] + (column - grid_row * f[c.OUT_W]) * f[c.OUT_PITCH]
            count_outputs(f, register, flags, f[c.SLOT] + p, stats)
            put_block(f, register, word, real, f[c.SLOT] + p, codes, address)
