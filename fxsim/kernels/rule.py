"""The accumulator's overflow rule step by step: replayed outputs and the first trap.

Overflow: exact operands A + sum stay below 2**63 in magnitude (the proof at load refuses a program otherwise).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.jit import inner_kernel
from fxsim.kernels import columns as c
from fxsim.kernels.state import BIAS_OUTPUTS, DIVERGED, EVENT, EVENTS, INNER_EVENTS, SITE_FIELDS, WRAPS
from fxsim.numerics import Overflow, Reduction, apply_overflow, overflowed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fxsim.kernels.state import Bank, Scratch, Tally

BIAS_K = -1
"""The k of a bias in a trap record: its load by a MAC, or its addition by a REQ."""


@inner_kernel
def register_bits(f: NDArray[np.int64]) -> int:
    """Width of the accumulator register."""
    bits: int = f[c.INTERNAL_BITS] if f[c.OVERFLOW] == Overflow.READOUT else f[c.ACC_BITS]
    return bits


@inner_kernel
def step_of(f: NDArray[np.int64], cols: int) -> int:
    """Stream positions that one rule application adds."""
    step: int = cols if f[c.REDUCTION] == Reduction.TREE else 1
    if f[c.INNER_BITS]:
        step = f[c.INNER_GROUPS] * cols
    return step


@inner_kernel
def record_trap(
    trap: NDArray[np.int64], sample: int, index: int, group: int, position: int, row: int, k: int, value: int
) -> None:
    """Keep the site if it precedes the recorded one in the order of its fields.

    Nothing has overflowed in a register before its first event, so `value` of the first one is the exact sum, but for
    what an inner accumulator has lost.
    """
    site = (sample, index, group, position, row, k, value)
    for i in range(SITE_FIELDS):
        if site[i] > trap[i]:
            return
        if site[i] < trap[i]:
            break
    for i in range(SITE_FIELDS):
        trap[i] = site[i]


@inner_kernel
def count_overflow(
    f: NDArray[np.int64], tally: Tally, value: int, sample: int, group: int, position: int, row: int, k: int
) -> int:
    """Count a rule application whose exact `value` left the register, trap it if that is the rule; its flags."""
    mode, flag = f[c.OVERFLOW], DIVERGED
    if k == BIAS_K and f[c.KIND] == c.KIND_MAC:
        counter = BIAS_OUTPUTS
    elif mode == Overflow.READOUT:
        counter = WRAPS
    else:
        counter = EVENTS
        flag = DIVERGED | EVENT
    tally.stats[counter, f[c.STAT] + row] += 1
    if mode == Overflow.TRAP:
        record_trap(tally.trap, sample, f[c.INDEX], group, position, row, k, value)
    return flag


@inner_kernel
def apply(
    f: NDArray[np.int64], flags: NDArray[np.uint8], tally: Tally, value: int,
    sample: int, group: int, position: int, row: int, k: int,
) -> int:  # fmt: skip
    """One rule application: count and flag the exact `value`, return what the register holds after it."""
    if not overflowed(value, f[c.ACC_BITS], f[c.OVERFLOW], f[c.INTERNAL_BITS]):
        return value
    flag = count_overflow(f, tally, value, sample, group, position, row, k)
    flags[sample, f[c.HALF], f[c.SLOT] + position, row] |= flag
    return apply_overflow(value, f[c.ACC_BITS], f[c.OVERFLOW], f[c.INTERNAL_BITS])


@inner_kernel
def apply_inner(
    f: NDArray[np.int64], flags: NDArray[np.uint8], tally: Tally, value: int, sample: int, position: int, row: int
) -> int:
    """One application of the inner rule: count and flag the exact `value`, return what the inner register holds."""
    bits, mode = f[c.INNER_BITS], f[c.INNER_OVERFLOW]
    if overflowed(value, bits, mode, bits):
        tally.stats[INNER_EVENTS, f[c.STAT] + row] += 1
        flags[sample, f[c.HALF], f[c.SLOT] + position, row] |= DIVERGED | EVENT
    return apply_overflow(value, bits, mode, bits)


@inner_kernel
def replay(
    f: NDArray[np.int64], cols: int, bank: Bank, tally: Tally, work: Scratch, sample: int, position: int
) -> None:
    """Accumulate the suspect rows of one position of a MAC rule by rule; their operands stand in `work`."""
    for row in range(f[c.ROWS]):
        if work.suspects[row]:
            replay_row(f, cols, bank, tally, work, sample, position, row)


@inner_kernel
def replay_row(
    f: NDArray[np.int64], cols: int, bank: Bank, tally: Tally, work: Scratch, sample: int, position: int, row: int
) -> None:
    """Accumulate one output of a MAC rule by rule."""
    count, k_start, slot, flags = f[c.K_COUNT], f[c.K_START], f[c.SLOT] + position, bank.flags
    inner, step = f[c.INNER_BITS], step_of(f, cols)
    value: int = 0
    if f[c.INIT] == c.INIT_BIAS:
        value = apply(f, flags, tally, bank.bias[f[c.HALF], row], sample, 0, position, row, BIAS_K)
    elif f[c.INIT] == c.INIT_KEEP:
        value = bank.register[sample, f[c.HALF], slot, row]
    pending = first = group = 0
    for k in range(count):
        x = work.private_x[k, row] if f[c.PRIVATE_X] else work.shared_x[0, k]
        pending += int(work.weights[k, row]) * int(x)
        chained = f[c.REDUCTION] == Reduction.CHAIN
        if chained or k + 1 - group == cols or k + 1 == count:
            group = k + 1
            if inner:
                pending = apply_inner(f, flags, tally, pending, sample, position, row)
            if not inner or group - first == step or group == count:
                value = apply(f, flags, tally, value + pending, sample, k // cols, position, row, k_start + first)
                pending, first = 0, group
    bank.register[sample, f[c.HALF], slot, row] = value
