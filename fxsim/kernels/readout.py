"""REQ: requantize the slots of a bank half into the activation scratchpad."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.jit import kernel
from fxsim.kernels import columns as c
from fxsim.kernels.state import EVENT, EVENTS, OUTPUTS, Memory
from fxsim.numerics import Overflow, requantize_scalar, saturate_bits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@kernel
def read_out(f: NDArray[np.int64], m: Memory, sample: int, slot: int, row: int) -> int:
    """Return the accumulator as the requantizer sees it; count outputs with an event and the read-out's own events."""
    value: int = m.register[sample, f[c.HALF], slot, row]
    if f[c.OVERFLOW] != Overflow.READOUT:
        if m.flags[sample, f[c.HALF], slot, row] & EVENT:
            m.stats[OUTPUTS, f[c.STAT] + row] += 1
        return value
    clamped = saturate_bits(value, f[c.ACC_BITS])
    if clamped != value:
        m.stats[EVENTS, f[c.STAT] + row] += 1
        m.stats[OUTPUTS, f[c.STAT] + row] += 1
    return clamped


@kernel
def word_multiplier(word: int) -> int:
    """Bits 0..31 of a requantization word, two's complement."""
    return ((word & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000


@kernel
def word_shift(word: int) -> int:
    """Bits 32..39 of a requantization word, two's complement."""
    return (((word >> 32) & 0xFF) ^ 0x80) - 0x80


@kernel
def put_code(target: NDArray[np.uint8], address: int, code: int, wide: int) -> None:
    """Store the low byte or two of `code`, little-endian."""
    target[address] = code & 0xFF
    if wide:
        target[address + 1] = (code >> 8) & 0xFF


@kernel
def requantize_block(f: NDArray[np.int64], m: Memory) -> None:
    """REQ for all samples."""
    half, size = f[c.HALF], 1 + f[c.OUT_WIDE]
    for s in range(m.act.shape[0]):
        act = m.act[s]
        for p in range(f[c.POSITIONS]):
            column = f[c.OX_START] + p
            grid_row = column // f[c.OUT_W]
            address = f[c.OUT_ADDR] + grid_row * f[c.OUT_ROW_PITCH] + (column - grid_row * f[c.OUT_W]) * f[c.OUT_PITCH]
            for n in range(f[c.ROWS]):
                value = read_out(f, m, s, f[c.SLOT] + p, n)
                code = requantize_scalar(
                    value, word_multiplier(m.word[half, n]), word_shift(m.word[half, n]), m.real[half, n],
                    f[c.SCHEME], f[c.ACC_BITS], f[c.OUT_ZERO], f[c.CLAMP_LO], f[c.CLAMP_HI],
                )  # fmt: skip
                put_code(act, address + n * size, code, f[c.OUT_WIDE])
