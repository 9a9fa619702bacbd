"""Vector loops over accumulator lanes: running sums and their least and greatest prefixes.

`sums` is [3, L]: total, least, greatest. Products and additions are modular in the lane's dtype; callers choose int32
lanes only where every prefix at a rule application is proved to fit 31 bits and a sign, so the totals are exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP = 4
"""Stream positions per pass over the lanes."""


@kernel
def see(sums: NDArray[np.signedinteger], lanes: int) -> None:
    """Take the totals into the extremes."""
    total, least, greatest = sums[0], sums[1], sums[2]
    for n in range(lanes):
        least[n] = min(least[n], total[n])
        greatest[n] = max(greatest[n], total[n])


@kernel
def add_step(sums: NDArray[np.signedinteger], w: NDArray[np.int32], x: NDArray[np.int32], k: int, lanes: int) -> None:
    """Add the products of stream positions k .. k + STEP - 1, x shared by the lanes."""
    total = sums[0]
    w0, w1, w2, w3 = w[k], w[k + 1], w[k + 2], w[k + 3]
    x0, x1, x2, x3 = np.int64(x[k]), np.int64(x[k + 1]), np.int64(x[k + 2]), np.int64(x[k + 3])
    for n in range(lanes):
        total[n] += (w0[n] * x0 + w1[n] * x1) + (w2[n] * x2 + w3[n] * x3)


@kernel
def add_shared(sums: NDArray[np.signedinteger], w: NDArray[np.int32], x: np.int64, lanes: int) -> None:
    """Add the products of one stream position, x shared by the lanes."""
    total = sums[0]
    for n in range(lanes):
        total[n] += w[n] * x


@kernel
def add_private(sums: NDArray[np.signedinteger], w: NDArray[np.int32], x: NDArray[np.int32], lanes: int) -> None:
    """Add the products of one stream position, every lane with its own x."""
    total = sums[0]
    for n in range(lanes):
        total[n] += np.int64(w[n]) * np.int64(x[n])


@kernel
def chain_step(sums: NDArray[np.signedinteger], w: NDArray[np.int32], x: NDArray[np.int32], k: int, lanes: int) -> None:
    """`add_step` with a rule application after every product."""
    total, least, greatest = sums[0], sums[1], sums[2]
    w0, w1, w2, w3 = w[k], w[k + 1], w[k + 2], w[k + 3]
    x0, x1, x2, x3 = np.int64(x[k]), np.int64(x[k + 1]), np.int64(x[k + 2]), np.int64(x[k + 3])
    for n in range(lanes):
        a = total[n] + w0[n] * x0
        b = a + w1[n] * x1
        d = b + w2[n] * x2
        e = d + w3[n] * x3
        least[n] = min(least[n], a, b, d, e)
        greatest[n] = max(greatest[n], a, b, d, e)
        total[n] = e


@kernel
def sum_shared(
    sums: NDArray[np.signedinteger], w: NDArray[np.int32], x: NDArray[np.int32], count: int, group: int, lanes: int
) -> None:
    """Accumulate `count` stream positions with a rule application after every `group` of them."""
    k = 0
    if group == 1:
        while k + STEP <= count:
            chain_step(sums, w, x, k, lanes)
            k += STEP
    while k < count:
        stop = min(k + group, count)
        while k + STEP <= stop:
            add_step(sums, w, x, k, lanes)
            k += STEP
        while k < stop:
            add_shared(sums, w[k], np.int64(x[k]), lanes)
            k += 1
        see(sums, lanes)


@kernel
def sum_private(
    sums: NDArray[np.signedinteger], w: NDArray[np.int32], x: NDArray[np.int32], count: int, group: int, lanes: int
) -> None:
    """`sum_shared` where every lane has its own x, [count, L]."""
    k = 0
    while k < count:
        stop = min(k + group, count)
        while k < stop:
            add_private(sums, w[k], x[k], lanes)
            k += 1
        see(sums, lanes)


@kernel
def begin(sums: NDArray[np.signedinteger], starts: NDArray[np.int64], applied: bool, rows: int, limit: int) -> None:
    """Totals become `starts`, which are prefixes if `applied`; `limit` is the greatest value of the lanes' dtype."""
    total, least, greatest = sums[0], sums[1], sums[2]
    for n in range(rows):
        total[n] = starts[n]
        least[n] = starts[n] if applied else limit
        greatest[n] = starts[n] if applied else -limit - 1


@kernel
def begin_zero(sums: NDArray[np.signedinteger], rows: int, limit: int) -> None:
    """Totals become 0, no prefix seen yet."""
    total, least, greatest = sums[0], sums[1], sums[2]
    for n in range(rows):
        total[n] = 0
        least[n] = limit
        greatest[n] = -limit - 1
