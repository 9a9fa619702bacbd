"""Loops over the accumulator lanes of the checked MAC: running sums and their least and greatest prefixes.

`sums` is [3, L]: total, least, greatest; with an inner accumulator three more rows say the same of it.
Overflow: the proof at load keeps every exact sum inside 63 bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import inner_kernel
from fxsim.kernels import columns as c
from fxsim.kernels.rule import step_of
from fxsim.numerics import Reduction

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INT64_MAX = (1 << 63) - 1

STEP = 4
"""Stream positions per pass over the lanes."""


@inner_kernel
def begin(
    f: NDArray[np.int64], bias: NDArray[np.int64], exact: NDArray[np.int64], position: int,
    sums: NDArray[np.int64],
) -> None:  # fmt: skip
    """Start the rows at the bias (a prefix itself), 0 or the slot's sum."""
    total, least, greatest = sums[0], sums[1], sums[2]
    biases, slots = bias[f[c.HALF]], exact[f[c.SLOT] + position]
    for n in range(f[c.ROWS]):
        least[n], greatest[n] = _INT64_MAX, -_INT64_MAX - 1
    if f[c.INIT] == c.INIT_BIAS:
        for n in range(f[c.ROWS]):
            total[n] = least[n] = greatest[n] = biases[n]
    elif f[c.INIT] == c.INIT_ZERO:
        for n in range(f[c.ROWS]):
            total[n] = 0
    else:
        for n in range(f[c.ROWS]):
            total[n] = slots[n]


@inner_kernel
def sum_tree(
    sums: NDArray[np.int64], w: NDArray[np.int32], operands: NDArray[np.int32], count: int, group: int, lanes: int
) -> None:
    """Accumulate `count` stream positions, operands [K] shared by the lanes, a rule application after every `group`."""
    total, least, greatest = sums[0], sums[1], sums[2]
    for start in range(0, count, group):
        stop = min(start + group, count)
        whole = start + (stop - start) // STEP * STEP
        for k in range(start, whole, STEP):
            w0, w1, w2, w3 = w[k], w[k + 1], w[k + 2], w[k + 3]
            x0, x1 = np.int64(operands[k]), np.int64(operands[k + 1])
            x2, x3 = np.int64(operands[k + 2]), np.int64(operands[k + 3])
            for n in range(lanes):
                total[n] += (w0[n] * x0 + w1[n] * x1) + (w2[n] * x2 + w3[n] * x3)
        for k in range(whole, stop):
            w0, x0 = w[k], np.int64(operands[k])
            for n in range(lanes):
                total[n] += w0[n] * x0
        for n in range(lanes):
            least[n] = min(least[n], total[n])
            greatest[n] = max(greatest[n], total[n])


@inner_kernel
def sum_chain(
    sums: NDArray[np.int64], w: NDArray[np.int32], operands: NDArray[np.int32], count: int, lanes: int
) -> None:
    """Accumulate `count` stream positions, operands [K] shared by the lanes, a rule application after every one."""
    total, least, greatest = sums[0], sums[1], sums[2]
    whole = count // STEP * STEP
    for k in range(0, whole, STEP):
        w0, w1, w2, w3 = w[k], w[k + 1], w[k + 2], w[k + 3]
        x0, x1 = np.int64(operands[k]), np.int64(operands[k + 1])
        x2, x3 = np.int64(operands[k + 2]), np.int64(operands[k + 3])
        for n in range(lanes):
            a0 = total[n] + w0[n] * x0
            a1 = a0 + w1[n] * x1
            a2 = a1 + w2[n] * x2
            a3 = a2 + w3[n] * x3
            least[n] = min(least[n], a0, a1, a2, a3)
            greatest[n] = max(greatest[n], a0, a1, a2, a3)
            total[n] = a3
    for k in range(whole, count):
        w0, x0 = w[k], np.int64(operands[k])
        for n in range(lanes):
            total[n] += w0[n] * x0
            least[n] = min(least[n], total[n])
            greatest[n] = max(greatest[n], total[n])


@inner_kernel
def sum_private(
    sums: NDArray[np.int64], w: NDArray[np.int32], x: NDArray[np.int32], count: int, group: int, lanes: int
) -> None:
    """Accumulate `count` stream positions, x [K, L] private to the lanes, a rule application after every `group`."""
    total, least, greatest = sums[0], sums[1], sums[2]
    for start in range(0, count, group):
        for k in range(start, min(start + group, count)):
            weights, operands = w[k], x[k]
            for n in range(lanes):
                total[n] += np.int64(weights[n]) * np.int64(operands[n])
        for n in range(lanes):
            least[n] = min(least[n], total[n])
            greatest[n] = max(greatest[n], total[n])


@inner_kernel
def sum_positions(
    f: NDArray[np.int64], cols: int, w: NDArray[np.int32], shared_x: NDArray[np.int32], private_x: NDArray[np.int32],
    first: int, count: int, sums: NDArray[np.int64],
) -> None:  # fmt: skip
    """Accumulate stream positions first .. first + count - 1 in groups of `cols` (tree) or one by one (chain)."""
    lanes, tree = w.shape[1], f[c.REDUCTION] == Reduction.TREE
    if f[c.PRIVATE_X]:
        sum_private(sums, w[first:], private_x[first:], count, cols if tree else 1, lanes)
    elif tree:
        sum_tree(sums, w[first:], shared_x[0, first:], count, cols, lanes)
    else:
        sum_chain(sums, w[first:], shared_x[0, first:], count, lanes)


@inner_kernel
def sum_stages(
    f: NDArray[np.int64], cols: int, w: NDArray[np.int32], shared_x: NDArray[np.int32], private_x: NDArray[np.int32],
    sums: NDArray[np.int64],
) -> None:  # fmt: skip
    """Accumulate the K interval through inner accumulators: `sums[3:]` sees groups, `sums[:3]` what they spill."""
    count, lanes, step, inner = f[c.K_COUNT], w.shape[1], step_of(f, cols), sums[3:]
    for n in range(lanes):
        inner[1, n], inner[2, n] = _INT64_MAX, -_INT64_MAX - 1
    for first in range(0, count, step):
        for n in range(lanes):
            inner[0, n] = 0
        sum_positions(f, cols, w, shared_x, private_x, first, min(step, count - first), inner)
        for n in range(lanes):
            sums[0, n] += inner[0, n]
            sums[1, n] = min(sums[1, n], sums[0, n])
            sums[2, n] = max(sums[2, n], sums[0, n])
