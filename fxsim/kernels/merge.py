"""MERGE: add the parts of a split sum, every addition one rule application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.jit import inner_kernel
from fxsim.kernels import columns as c
from fxsim.kernels.rule import apply
from fxsim.kernels.state import GREATEST, LEAST

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fxsim.kernels.state import Bank, Tally


@inner_kernel
def add_exact(
    f: NDArray[np.int64], exact: NDArray[np.int64], part: int, position: int, stats: NDArray[np.int64]
) -> None:
    """Add part `part` of one position to part 0 in the exact sums; the sums are prefixes."""
    into, addend = exact[f[c.SLOT] + position], exact[f[c.SLOT] + part * f[c.POSITIONS] + position]
    for n in range(f[c.ROWS]):
        into[n] += addend[n]
        stats[LEAST, f[c.STAT] + n] = min(stats[LEAST, f[c.STAT] + n], into[n])
        stats[GREATEST, f[c.STAT] + n] = max(stats[GREATEST, f[c.STAT] + n], into[n])


@inner_kernel
def merge_plain(f: NDArray[np.int64], bank: Bank, tally: Tally) -> None:
    """MERGE for all samples; registers are proved to be the exact sums."""
    for s in range(bank.exact.shape[0]):
        exact, register = bank.exact[s, f[c.HALF]], bank.register[s, f[c.HALF]]
        for part in range(1, f[c.PARTS]):
            for p in range(f[c.POSITIONS]):
                add_exact(f, exact, part, p, tally.stats)
                for n in range(f[c.ROWS]):
                    register[f[c.SLOT] + p, n] = exact[f[c.SLOT] + p, n]


@inner_kernel
def merge_checked(f: NDArray[np.int64], bank: Bank, tally: Tally) -> None:
    """MERGE for all samples, on raw register values, parts ascending."""
    half = f[c.HALF]
    for s in range(bank.exact.shape[0]):
        exact, register, flags = bank.exact[s, half], bank.register[s, half], bank.flags[s, half]
        for part in range(1, f[c.PARTS]):
            for p in range(f[c.POSITIONS]):
                target, source = f[c.SLOT] + p, f[c.SLOT] + part * f[c.POSITIONS] + p
                add_exact(f, exact, part, p, tally.stats)
                for n in range(f[c.ROWS]):
                    flags[target, n] |= flags[source, n]
                    value = register[target, n] + register[source, n]
                    k = part * f[c.K_START]
                    register[target, n] = apply(f, bank.flags, tally, value, s, part - 1, p, n, k)
