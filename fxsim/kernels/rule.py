"""The accumulator's overflow rule step by step: replayed outputs, MERGE, and the first trap.

Overflow: exact operands A + sum stay below 2**63 in magnitude (the proof at load refuses a program otherwise).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.jit import kernel
from fxsim.kernels import columns as c
from fxsim.kernels.state import (
    BIAS_OUTPUTS,
    DIVERGED,
    EVENT,
    EVENTS,
    GREATEST,
    LEAST,
    SITE_FIELDS,
    WRAPS,
    Memory,
    Scratch,
    int64,
)
from fxsim.numerics import Overflow, Reduction, apply_overflow, overflowed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BIAS_K = -1
"""The k of a bias load in a trap record."""


@kernel
def register_bits(f: NDArray[np.int64]) -> int:
    """Width of the accumulator register."""
    bits: int = f[c.INTERNAL_BITS] if f[c.OVERFLOW] == Overflow.READOUT else f[c.ACC_BITS]
    return bits


@kernel
def record_trap(trap: NDArray[np.int64], sample: int, index: int, group: int, position: int, row: int, k: int) -> None:
    """Keep the site if it precedes the recorded one in the order of its fields."""
    site = (sample, index, group, position, row, k)
    for i in range(SITE_FIELDS):
        if site[i] > trap[i]:
            return
        if site[i] < trap[i]:
            break
    for i in range(SITE_FIELDS):
        trap[i] = site[i]


@kernel
def apply(f: NDArray[np.int64], m: Memory, value: int, sample: int, group: int, position: int, row: int, k: int) -> int:
    """One rule application: count and flag the exact `value`, return what the register holds after it."""
    mode = f[c.OVERFLOW]
    if not overflowed(value, f[c.ACC_BITS], mode, f[c.INTERNAL_BITS]):
        return value
    slot = f[c.SLOT] + position
    flag = DIVERGED
    if k == BIAS_K:
        counter = BIAS_OUTPUTS
    elif mode == Overflow.READOUT:
        counter = WRAPS
    else:
        counter = EVENTS
        flag = DIVERGED | EVENT
    m.stats[counter, f[c.STAT] + row] += 1
    m.flags[sample, f[c.HALF], slot, row] |= flag
    if mode == Overflow.TRAP:
        record_trap(m.trap, sample, f[c.INDEX], group, position, row, k)
    return apply_overflow(value, f[c.ACC_BITS], mode, f[c.INTERNAL_BITS])


@kernel
def replay(f: NDArray[np.int64], m: Memory, work: Scratch, cols: int, sample: int, position: int, row: int) -> None:
    """Accumulate one output of a MAC rule by rule; its operands stand in `work`."""
    count, k_start = f[c.K_COUNT], f[c.K_START]
    value = 0
    if f[c.INIT] == c.INIT_BIAS:
        value = apply(f, m, m.bias[f[c.HALF], row], sample, 0, position, row, BIAS_K)
    elif f[c.INIT] == c.INIT_KEEP:
        value = m.register[sample, f[c.HALF], f[c.SLOT] + position, row]
    pending = 0
    first = 0
    for k in range(count):
        x = int64(work.private_x[k, row]) if f[c.PRIVATE_X] else int64(work.shared_x[k])
        pending += int64(work.weights[k, row]) * x
        if f[c.REDUCTION] == Reduction.CHAIN:
            value = apply(f, m, value + pending, sample, k // cols, position, row, k_start + k)
            pending = 0
        elif k + 1 - first == cols or k + 1 == count:
            value = apply(f, m, value + pending, sample, k // cols, position, row, k_start + first)
            pending = 0
            first = k + 1
    m.register[sample, f[c.HALF], f[c.SLOT] + position, row] = value


@kernel
def merge(f: NDArray[np.int64], m: Memory) -> None:
    """MERGE: parts ascending, every addition one rule application on raw register values."""
    for s in range(m.act.shape[0]):
        for part in range(1, f[c.PARTS]):
            for p in range(f[c.POSITIONS]):
                for n in range(f[c.ROWS]):
                    merge_one(f, m, s, part, p, n)


@kernel
def merge_one(f: NDArray[np.int64], m: Memory, sample: int, part: int, position: int, row: int) -> None:
    """Add one part of one output."""
    half, target, stat = f[c.HALF], f[c.SLOT] + position, f[c.STAT] + row
    source = target + part * f[c.POSITIONS]
    m.flags[sample, half, target, row] |= m.flags[sample, half, source, row]
    exact = m.exact[sample, half, target, row] + m.exact[sample, half, source, row]
    m.exact[sample, half, target, row] = exact
    m.stats[LEAST, stat] = min(m.stats[LEAST, stat], exact)
    m.stats[GREATEST, stat] = max(m.stats[GREATEST, stat], exact)
    value = m.register[sample, half, target, row] + m.register[sample, half, source, row]
    k = part * f[c.K_START]
    m.register[sample, half, target, row] = apply(f, m, value, sample, part - 1, position, row, k)
