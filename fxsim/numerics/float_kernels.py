"""Sums of products in binary32, in a fixed order: the same bits on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.jit import entry_kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@entry_kernel
def multiply_rows(x: NDArray[np.float32], stream: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Add x [P, K] times stream [K, N] to out [P, N], k ascending; all float32 in C order.

    Each product and each sum is rounded to binary32. Outputs are side by side in the inner loop, so that it runs in
    vector lanes without another order of any sum. Overflow: infinities, and NaN where they meet.
    """
    for p in range(x.shape[0]):
        for k in range(x.shape[1]):
            factor = x[p, k]
            for n in range(stream.shape[1]):
                out[p, n] += factor * stream[k, n]
