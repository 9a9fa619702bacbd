"""TFL_DOUBLE without branches, for loops over codes that are to become vector code."""

from __future__ import annotations

import numpy as np

from fxsim._core.jit import kernel

SIGN = 128
"""Top bit of a code: flipping and subtracting it turns a byte into a signed number."""
BLOCK = 1024
"""Codes between two passes: what the passes leave to each other stays in the first cache."""
_ROUND = 1 << 30


@kernel
def difference(code: int, zero: int) -> int:
    """Signed code of a byte minus a zero point."""
    return int((np.int64(code) ^ SIGN) - SIGN - zero)


@kernel
def scale(value: int, multiplier: int, right: int) -> int:
    """Value * multiplier / 2**31, ties up, then / 2**right, ties away from zero.

    Needs |value| <= 2**31 and a multiplier of 31 bits, so that the product fits 62 bits; right in 0..31.
    """
    high = (value * multiplier + _ROUND) >> 31
    return (high + ((1 << right) >> 1) + (high >> 63) * min(right, 1)) >> right
