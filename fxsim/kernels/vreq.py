"""VREQ: requantize consecutive one-byte codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import entry_kernel
from fxsim.numerics import requantize_scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray

VREQ_COLUMNS = (
    "count", "x_addr", "out_addr", "scheme", "multiplier", "shift", "in_zero", "out_zero", "clamp_lo", "clamp_hi",
    "x_signed",
)  # fmt: skip
(
    COUNT, X_ADDR, OUT_ADDR, SCHEME, MULTIPLIER, SHIFT, IN_ZERO, OUT_ZERO, CLAMP_LO, CLAMP_HI, X_SIGNED,
) = range(len(VREQ_COLUMNS))  # fmt: skip

ACC_BITS = 32
"""Width that the requantization schemes see."""

CODES = 256
"""One-byte codes."""


@entry_kernel
def run_vreq(f: NDArray[np.int64], act: NDArray[np.uint8]) -> None:
    """Execute VREQ for all samples: the 256 results once, then a look-up.

    Parameters
    ----------
    f : int64 [len(VREQ_COLUMNS)]
        The instruction's fields.
    act : uint8 [S, bytes]
        Activation scratchpads, changed in place.
    """
    flip = 128 if f[X_SIGNED] else 0
    table = np.empty(CODES, np.uint8)
    for code in range(CODES):
        value = (np.int64(code) ^ flip) - flip - f[IN_ZERO]
        table[code] = 0xFF & requantize_scalar(
            value, f[MULTIPLIER], f[SHIFT], 0.0, f[SCHEME], ACC_BITS, f[OUT_ZERO], f[CLAMP_LO], f[CLAMP_HI]
        )
    for s in range(act.shape[0]):
        for i in range(f[COUNT]):
            act[s, f[OUT_ADDR] + i] = table[act[s, f[X_ADDR] + i]]
