"""Codes as hexadecimal words: the text that ``$readmemh`` reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_CHUNK_BITS = 1 << 23
"""Bits that are unpacked at a time, one byte each."""


def readmemh_text(codes: NDArray[np.integer], bits: int) -> str:
    """Text of a ``$readmemh`` file: two's complement in hexadecimal, most significant digit first, a word per line.

    Parameters
    ----------
    codes : integers [n] or [n, lanes]
        One word per code, or one word per line of lanes: lane 0 lowest, lane i in bits i * bits .. (i + 1) * bits - 1.
    bits
        Width of a code, 1..64. Words are padded with zeros to whole digits.

    Returns
    -------
    str
        n lines of ceil(lanes * bits / 4) digits each.

    Raises
    ------
    InputError
        `codes` has another number of dimensions, is no integer array, or holds a number that is neither a signed nor
        an unsigned integer of `bits` bits.
    """
    if codes.ndim not in (1, 2) or not np.issubdtype(codes.dtype, np.integer) or 0 in codes.shape[1:]:
        raise InputError("codes must be integers [n] or [n, lanes]", got=f"{codes.dtype}{list(codes.shape)}")
    if not 1 <= bits <= 64:
        raise InputError("bits must be in 1..64", got=bits)
    if codes.size:
        _check_range(int(codes.min()), int(codes.max()), bits)
    lines = codes[:, None] if codes.ndim == 1 else codes
    return b"".join(_hex_lines(part, bits) for part in _chunks(lines, bits)).decode("ascii")


def word_digits(lanes: int, bits: int) -> int:
    """Hexadecimal digits of a word."""
    return -(-lanes * bits // 4)


def _check_range(least: int, greatest: int, bits: int) -> None:
    if least < -(1 << (bits - 1)) or greatest >= 1 << bits:
        raise InputError(f"codes must be integers of {bits} bits", got=(least, greatest))


def _chunks(lines: NDArray[np.integer], bits: int) -> Iterator[NDArray[np.integer]]:
    step = max(1, _CHUNK_BITS // max(1, lines.shape[1] * bits))
    for first in range(0, len(lines), step):
        yield lines[first : first + step]


def _hex_lines(lines: NDArray[np.integer], bits: int) -> bytes:
    """Unpack the bits of every line, least significant first, and take them together four by four."""
    count, lanes = lines.shape
    digits = word_digits(lanes, bits)
    flat = np.zeros((count, 4 * digits), np.uint8)
    raw = lines.astype(np.uint64)
    for bit in range(bits):
        flat[:, bit : lanes * bits : bits] = raw >> np.uint64(bit) & np.uint64(1)
    nibbles = flat.reshape(count, digits, 4) @ np.array([1, 2, 4, 8], np.uint8)
    text = np.full((count, digits + 1), ord("\n"), np.uint8)
    text[:, :digits] = _DIGITS[nibbles[:, ::-1]]
    return text.tobytes()
