"""MAC the checked way: exact sums in int64, and the overflow rule step by step where a prefix left the register.

An output whose prefixes all stayed inside has its exact sum for register; the others, and those whose register had
left the exact sum before, are replayed rule by rule (`fxsim.kernels.rule.replay`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.jit import inner_kernel
from fxsim.kernels import columns as c
from fxsim.kernels.operands import gather_private, gather_shared, prepare
from fxsim.kernels.rule import register_bits, replay
from fxsim.kernels.state import DIVERGED, GREATEST, LEAST
from fxsim.kernels.sums import begin, sum_chain, sum_private, sum_stages, sum_tree
from fxsim.numerics import Reduction, wrap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fxsim.kernels.state import Bank, Memory, Scratch, Tally


@inner_kernel
def accumulate(
    f: NDArray[np.int64], array: NDArray[np.int64], act: NDArray[np.uint8], position: int,
    weights: NDArray[np.int32], shared_x: NDArray[np.int32], private_x: NDArray[np.int32],
    sums: NDArray[np.int64],
) -> None:  # fmt: skip
    """Add the K interval of one position to `sums`, all rows."""
    if f[c.PRIVATE_X]:
        gather_private(f, act, position, private_x)
    else:
        gather_shared(f, act, position, shared_x, 0)
    if f[c.INNER_BITS]:
        sum_stages(f, array[1], weights, shared_x, private_x, sums)
    elif f[c.PRIVATE_X]:
        group = array[1] if f[c.REDUCTION] == Reduction.TREE else 1
        sum_private(sums, weights, private_x, f[c.K_COUNT], group, array[2])
    elif f[c.REDUCTION] == Reduction.TREE:
        sum_tree(sums, weights, shared_x[0], f[c.K_COUNT], array[1], array[2])
    else:
        sum_chain(sums, weights, shared_x[0], f[c.K_COUNT], array[2])


@inner_kernel
def finish(
    f: NDArray[np.int64], sums: NDArray[np.int64], exact: NDArray[np.int64], slot: int, stats: NDArray[np.int64]
) -> None:
    """Exact sums into the slot, extremes into the statistics."""
    rows, stat = f[c.ROWS], f[c.STAT]
    total, least, greatest = sums[0], sums[1], sums[2]
    into, low, high = exact[slot], stats[LEAST, stat : stat + rows], stats[GREATEST, stat : stat + rows]
    for n in range(rows):
        into[n] = total[n]
    for n in range(rows):
        low[n] = min(low[n], least[n])
    for n in range(rows):
        high[n] = max(high[n], greatest[n])


@inner_kernel
def settle_checked(
    f: NDArray[np.int64], sums: NDArray[np.int64], register: NDArray[np.int64], flags: NDArray[np.uint8], slot: int,
    suspects: NDArray[np.uint8],
) -> bool:  # fmt: skip
    """Settle the rows whose register is the exact sum; mark the others in `suspects`, true if there are any."""
    bits, inner, keep, found = register_bits(f), f[c.INNER_BITS], f[c.INIT] == c.INIT_KEEP, False
    for n in range(f[c.ROWS]):
        if not keep:
            flags[slot, n] = 0
        suspects[n] = 1
        inside = wrap(sums[1, n], bits) == sums[1, n] and wrap(sums[2, n], bits) == sums[2, n]
        if inner:
            inside &= wrap(sums[4, n], inner) == sums[4, n] and wrap(sums[5, n], inner) == sums[5, n]
        if inside and not flags[slot, n] & DIVERGED:
            register[slot, n] = sums[0, n]
            suspects[n] = 0
        found |= suspects[n] == 1
    return found


@inner_kernel
def mac_checked(
    f: NDArray[np.int64], array: NDArray[np.int64], memory: Memory, bank: Bank, tally: Tally, work: Scratch
) -> None:
    """MAC in int64 lanes; outputs that left the register are replayed rule by rule."""
    half, bias, stats = f[c.HALF], bank.bias, tally.stats
    weights, shared_x, private_x, sums = work.weights, work.shared_x, work.private_x, work.wide
    prepare(f, array, memory.weight, memory.param, bias, bank.word, weights)
    for s in range(memory.act.shape[0]):
        act, exact, register, flags = memory.act[s], bank.exact[s, half], bank.register[s, half], bank.flags[s, half]
        for p in range(f[c.POSITIONS]):
            begin(f, bias, exact, p, sums)
            accumulate(f, array, act, p, weights, shared_x, private_x, sums)
            finish(f, sums, exact, f[c.SLOT] + p, stats)
            if settle_checked(f, sums, register, flags, f[c.SLOT] + p, work.suspects):
                replay(f, array[1], bank, tally, work, s, p)
