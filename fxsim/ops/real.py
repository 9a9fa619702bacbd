"""What the operators' runs on real numbers share: clamps, and sums in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim.numerics import real_range

if TYPE_CHECKING:
    from fxsim.ops.base import Floats


def clamp_float(x: Floats, activation: str) -> Floats:
    """Reals after a fused activation."""
    low, high = real_range(activation)
    if low is not None:
        x = np.maximum(x, np.float32(low))
    return x if high is None else np.minimum(x, np.float32(high))


def sum_in_order(rows: Floats) -> Floats:
    """Sums over the last axis in binary32, one element after the other: NumPy's own order depends on the length."""
    total = np.zeros(rows.shape[:-1], np.float32)
    for place in range(rows.shape[-1]):
        total += rows[..., place]
    return total
