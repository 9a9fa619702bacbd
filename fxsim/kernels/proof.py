"""Which MACs are proved to keep their accumulators inside the register, from a program's constants alone.

The entry kernel walks a program with no samples: weights and biases move as they will in a run, and every slot carries
the exact bounds that its sum can reach for any activation codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import entry_kernel, inner_kernel
from fxsim.kernels import columns as c
from fxsim.kernels.copies import load
from fxsim.kernels.operands import prepare
from fxsim.kernels.rule import register_bits, step_of
from fxsim.numerics import Reduction, wrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.kernels.state import Memory

OPEN, PROVED, NARROW = range(3)
"""Verdicts: a prefix may leave the register; none can; none can, and `run_plain` may execute the instruction (a MAC:
int32 lanes hold every prefix)."""

EXACT_BITS = 63
"""Exact sums stay below this width, so that A + sum never leaves int64."""

NONE = -1
"""Result of `prove`: no sum can leave EXACT_BITS."""


@inner_kernel
def fits(low: NDArray[np.int64], high: NDArray[np.int64], rows: int, bits: int) -> bool:
    """Whether all bounds are integers of `bits` bits."""
    for n in range(rows):
        if wrap(low[n], bits) != low[n] or wrap(high[n], bits) != high[n]:
            return False
    return True


@inner_kernel
def least_operand(f: NDArray[np.int64]) -> int:
    """Least x that can enter a PE; the padding is a code too."""
    half = 1 << (15 if f[c.X_WIDE] else 7)
    least: int = -half if f[c.X_SIGNED] else 0
    if f[c.ZERO_POINT] == c.SUBTRACT:
        least -= f[c.X_ZERO]
    return least


@inner_kernel
def greatest_operand(f: NDArray[np.int64]) -> int:
    """Greatest x that can enter a PE; the padding is a code too."""
    half = 1 << (15 if f[c.X_WIDE] else 7)
    greatest: int = half - 1 if f[c.X_SIGNED] else 2 * half - 1
    if f[c.ZERO_POINT] == c.SUBTRACT:
        greatest -= f[c.X_ZERO]
    return greatest


@inner_kernel
def start_bounds(
    f: NDArray[np.int64], bias: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64],
    bounds: NDArray[np.int64],
) -> None:  # fmt: skip
    """Bounds before the first group; their extremes count as seen, which is true of every continued slot."""
    for n in range(f[c.ROWS]):
        least, greatest = np.int64(0), np.int64(0)
        if f[c.INIT] == c.INIT_BIAS:
            least = greatest = bias[f[c.HALF], n]
        elif f[c.INIT] == c.INIT_KEEP:
            least, greatest = low[f[c.SLOT], n], high[f[c.SLOT], n]
            for p in range(1, f[c.POSITIONS]):
                least = min(least, low[f[c.SLOT] + p, n])
                greatest = max(greatest, high[f[c.SLOT] + p, n])
        bounds[0, n] = bounds[2, n] = least
        bounds[1, n] = bounds[3, n] = greatest


@inner_kernel
def add_bounds(f: NDArray[np.int64], weights: NDArray[np.int32], cols: int, bounds: NDArray[np.int64]) -> None:
    """Add the products of the K interval to `bounds`: [low, high, least prefix, greatest prefix][L]."""
    least, greatest, step = least_operand(f), greatest_operand(f), step_of(f, cols)
    low, high = bounds[0], bounds[1]
    for k in range(f[c.K_COUNT]):
        row = weights[k]
        for n in range(f[c.ROWS]):
            one, other = np.int64(row[n]) * least, np.int64(row[n]) * greatest
            low[n] += min(one, other)
            high[n] += max(one, other)
        if (k + 1) % step == 0 or k + 1 == f[c.K_COUNT]:
            for n in range(f[c.ROWS]):
                bounds[2, n] = min(bounds[2, n], low[n])
                bounds[3, n] = max(bounds[3, n], high[n])


@inner_kernel
def inner_fits(f: NDArray[np.int64], weights: NDArray[np.int32], cols: int, bounds: NDArray[np.int64]) -> bool:
    """Whether no group sum can leave the inner accumulator, if there is one; `bounds` is work space, [2, L]."""
    least, greatest, step = least_operand(f), greatest_operand(f), step_of(f, cols)
    chained = f[c.REDUCTION] == Reduction.CHAIN
    for k in range(f[c.K_COUNT] if f[c.INNER_BITS] else 0):
        for n in range(f[c.ROWS]):
            one, other = np.int64(weights[k, n]) * least, np.int64(weights[k, n]) * greatest
            bounds[0, n] = min(one, other) + (bounds[0, n] if k % step else 0)
            bounds[1, n] = max(one, other) + (bounds[1, n] if k % step else 0)
        ends = chained or (k + 1) % cols == 0 or k + 1 == f[c.K_COUNT]
        if ends and not fits(bounds[0], bounds[1], f[c.ROWS], f[c.INNER_BITS]):
            return False
    return True


@inner_kernel
def prove_mac(
    f: NDArray[np.int64], array: NDArray[np.int64], bias: NDArray[np.int64], weights: NDArray[np.int32],
    reach: NDArray[np.int64], diverged: NDArray[np.uint8], bounds: NDArray[np.int64],
) -> int:  # fmt: skip
    """Verdict on a MAC, or NONE - 1 where a sum may leave EXACT_BITS; its slots carry the new bounds."""
    low, high, tainted = reach[0, f[c.HALF]], reach[1, f[c.HALF]], diverged[f[c.HALF]]
    start_bounds(f, bias, low, high, bounds)
    if not fits(bounds[0], bounds[1], f[c.ROWS], EXACT_BITS):
        return NONE - 1
    add_bounds(f, weights, array[1], bounds)
    if not fits(bounds[2], bounds[3], f[c.ROWS], EXACT_BITS):
        return NONE - 1
    safe = fits(bounds[2], bounds[3], f[c.ROWS], register_bits(f)) and inner_fits(f, weights, array[1], bounds[4:])
    for p in range(f[c.SLOT], f[c.SLOT] + f[c.POSITIONS]):
        if f[c.INIT] == c.INIT_KEEP and tainted[p]:
            safe = False
    for p in range(f[c.SLOT], f[c.SLOT] + f[c.POSITIONS]):
        tainted[p] = 0 if safe else 1
        for n in range(f[c.ROWS]):
            low[p, n], high[p, n] = bounds[0, n], bounds[1, n]
    if not safe:
        return OPEN
    return NARROW if fits(bounds[2], bounds[3], f[c.ROWS], 32) else PROVED


@inner_kernel
def prove_merge(f: NDArray[np.int64], reach: NDArray[np.int64], diverged: NDArray[np.uint8]) -> int:
    """Verdict on a MERGE, or NONE - 1 where a sum may leave EXACT_BITS."""
    low, high, tainted = reach[0, f[c.HALF]], reach[1, f[c.HALF]], diverged[f[c.HALF]]
    verdict = NARROW
    for part in range(1, f[c.PARTS]):
        for target in range(f[c.SLOT], f[c.SLOT] + f[c.POSITIONS]):
            source = target + part * f[c.POSITIONS]
            for n in range(f[c.ROWS]):
                low[target, n] += low[source, n]
                high[target, n] += high[source, n]
            if not fits(low[target], high[target], f[c.ROWS], EXACT_BITS):
                return NONE - 1
            if tainted[source] or not fits(low[target], high[target], f[c.ROWS], register_bits(f)):
                tainted[target] = 1
            if tainted[target]:
                verdict = OPEN
    return verdict


@inner_kernel
def read_reach(f: NDArray[np.int64], bias: NDArray[np.int64], reach: NDArray[np.int64]) -> int:
    """NONE - 1 where a REQ adds a bias to a sum that may then leave EXACT_BITS, else OPEN; one sum fits 64 bits."""
    low, high = reach[0, f[c.HALF]], reach[1, f[c.HALF]]
    if not f[c.ADD_BIAS]:
        return OPEN
    for p in range(f[c.SLOT], f[c.SLOT] + f[c.POSITIONS]):
        for n in range(f[c.ROWS]):
            added = bias[f[c.HALF], n]
            if wrap(added, EXACT_BITS) != added:
                return NONE - 1
            least, greatest = low[p, n] + added, high[p, n] + added
            if wrap(least, EXACT_BITS) != least or wrap(greatest, EXACT_BITS) != greatest:
                return NONE - 1
    return OPEN


@entry_kernel
def prove(
    fields: NDArray[np.int64], array: NDArray[np.int64], memory: Memory, bias: NDArray[np.int64],
    word: NDArray[np.int64], weights: NDArray[np.int32], reach: NDArray[np.int64], diverged: NDArray[np.uint8],
    verdicts: NDArray[np.uint8], records: NDArray[np.int64],
) -> int:  # fmt: skip
    """Walk a program's LOAD, MAC, MERGE and REQ instructions; judge each MAC and MERGE, collect what each REQ reads.

    Parameters
    ----------
    fields : int64 [n, len(COLUMNS)]
    array : int64 [3]
        Array rows and columns, and `lanes_of` (rows).
    memory
        Memories of no samples.
    bias, word : int64 [2, L]
        Row files.
    weights : int32 [K, L]
        Work space.
    reach : int64 [2, 2, D, L]
        Least and greatest value of every slot's exact sum; zeros at first.
    diverged : uint8 [2, D]
        Slots whose register may differ from the exact sum; zeros at first.
    verdicts : uint8 [n]
        Filled with OPEN, PROVED or NARROW.
    records : int64 [2, sum of `rows` over all REQ]
        Filled with the biases and requantization words in the row files of REQ instructions, one after another.

    Returns
    -------
    int
        Row of the first instruction whose exact sum may need EXACT_BITS bits or more, else NONE.
    """
    bounds = np.zeros((6, array[2]), np.int64)
    filled = 0
    for i in range(fields.shape[0]):
        f = fields[i]
        verdict = OPEN
        if f[c.KIND] == c.KIND_LOAD:
            load(f, memory)
        elif f[c.KIND] == c.KIND_MAC:
            prepare(f, array, memory.weight, memory.param, bias, word, weights)
            verdict = prove_mac(f, array, bias, weights, reach, diverged, bounds)
        elif f[c.KIND] == c.KIND_MERGE:
            verdict = prove_merge(f, reach, diverged)
        elif f[c.KIND] == c.KIND_REQ:
            for n in range(f[c.ROWS]):
                records[0, filled + n] = bias[f[c.HALF], n]
                records[1, filled + n] = word[f[c.HALF], n]
            filled += f[c.ROWS]
            verdict = read_reach(f, bias, reach)
        if verdict < NONE:
            return i
        verdicts[i] = verdict
    return NONE
