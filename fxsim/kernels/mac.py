"""MAC: accumulate one K interval of a block of outputs, for all samples; the plain and the checked way.

Both sum exactly first. The plain way is for instructions whose every reachable prefix is proved to stay inside the
register and inside int32: the register is the exact sum. The checked way sums in int64, and where a prefix of an
output did leave the register, or the register had left the exact sum before, applies the overflow rule step by step
to that output (`fxsim.kernels.rule.replay`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import kernel
from fxsim.kernels import columns as c
from fxsim.kernels.operands import gather_private, gather_shared, load_row_file, unpack_weights
from fxsim.kernels.rule import register_bits, replay
from fxsim.kernels.state import DIVERGED, GREATEST, LEAST, Memory, Scratch
from fxsim.kernels.sums import begin, begin_zero, sum_private, sum_shared
from fxsim.numerics import Reduction, wrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INT32_MAX = (1 << 31) - 1
_INT64_MAX = (1 << 63) - 1


@kernel
def prepare(f: NDArray[np.int64], m: Memory, work: Scratch, array: NDArray[np.int64]) -> None:
    """Row file and weight operands of the instruction; `array` is (rows, cols, lanes)."""
    if f[c.LOAD_PARAMS]:
        load_row_file(f, m)
    unpack_weights(f, m.weight, array[0], work.weights)


@kernel
def accumulate(
    f: NDArray[np.int64], m: Memory, work: Scratch, array: NDArray[np.int64], sums: NDArray[np.signedinteger],
    limit: int, sample: int, position: int,
) -> None:  # fmt: skip
    """Exact sums of one position, all rows, into `sums`."""
    group = array[1] if f[c.REDUCTION] == Reduction.TREE else 1
    if f[c.INIT] == c.INIT_BIAS:
        begin(sums, m.bias[f[c.HALF]], True, f[c.ROWS], limit)
    elif f[c.INIT] == c.INIT_ZERO:
        begin_zero(sums, f[c.ROWS], limit)
    else:
        begin(sums, m.exact[sample, f[c.HALF], f[c.SLOT] + position], False, f[c.ROWS], limit)
    if f[c.PRIVATE_X]:
        gather_private(f, m.act[sample], position, work.private_x)
        sum_private(sums, work.weights, work.private_x, f[c.K_COUNT], group, array[2])
    else:
        gather_shared(f, m.act[sample], position, work.shared_x)
        sum_shared(sums, work.weights, work.shared_x, f[c.K_COUNT], group, array[2])


@kernel
def finish(f: NDArray[np.int64], m: Memory, sums: NDArray[np.signedinteger], sample: int, position: int) -> None:
    """Exact sums into the slots, extremes into the statistics."""
    rows, stat = f[c.ROWS], f[c.STAT]
    exact = m.exact[sample, f[c.HALF], f[c.SLOT] + position]
    least, greatest = m.stats[LEAST, stat : stat + rows], m.stats[GREATEST, stat : stat + rows]
    for n in range(rows):
        exact[n] = sums[0, n]
    for n in range(rows):
        least[n] = min(least[n], np.int64(sums[1, n]))
    for n in range(rows):
        greatest[n] = max(greatest[n], np.int64(sums[2, n]))


@kernel
def mac_plain(f: NDArray[np.int64], m: Memory, work: Scratch, array: NDArray[np.int64]) -> None:
    """MAC in int32 lanes; every reachable prefix is proved to fit int32 and the register."""
    prepare(f, m, work, array)
    for s in range(m.act.shape[0]):
        for p in range(f[c.POSITIONS]):
            accumulate(f, m, work, array, work.narrow, _INT32_MAX, s, p)
            finish(f, m, work.narrow, s, p)
            register = m.register[s, f[c.HALF], f[c.SLOT] + p]
            flags = m.flags[s, f[c.HALF], f[c.SLOT] + p]
            for n in range(f[c.ROWS]):
                register[n] = work.narrow[0, n]
            for n in range(f[c.ROWS]):
                flags[n] = 0


@kernel
def mac_checked(f: NDArray[np.int64], m: Memory, work: Scratch, array: NDArray[np.int64]) -> None:
    """MAC in int64 lanes; outputs that left the register are replayed rule by rule."""
    prepare(f, m, work, array)
    bits = register_bits(f)
    for s in range(m.act.shape[0]):
        for p in range(f[c.POSITIONS]):
            accumulate(f, m, work, array, work.wide, _INT64_MAX, s, p)
            register = m.register[s, f[c.HALF], f[c.SLOT] + p]
            flags = m.flags[s, f[c.HALF], f[c.SLOT] + p]
            for n in range(f[c.ROWS]):
                if f[c.INIT] != c.INIT_KEEP:
                    flags[n] = 0
                least, greatest = work.wide[1, n], work.wide[2, n]
                if flags[n] & DIVERGED or wrap(least, bits) != least or wrap(greatest, bits) != greatest:
                    replay(f, m, work, array[1], s, p, n)
                else:
                    register[n] = work.wide[0, n]
            finish(f, m, work.wide, s, p)
