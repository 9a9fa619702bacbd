"""Sums of products that end where hardware goes wrong: their biases are solved for the sum that is wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from fxsim.numerics import IntFormat
from fxsim.testing.integers import codes, tensors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_SPAN = st.integers(-300, 300)
"""Codes that ties lie beside, zero point aside."""
_BESIDE = st.integers(-1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class MacSum:
    """One output of a MAC: bias + sum of x[k] * w[k], k ascending.

    Attributes
    ----------
    x, w : int64 [K]
        Operands.
    bias : int
        Where the sum starts.
    """

    x: Ints
    w: Ints
    bias: int

    def prefixes(self) -> list[int]:
        """Exact sums after the bias and after every product."""
        return [self.bias, *(self.bias + np.cumsum(self.x * self.w)).tolist()]


@st.composite
def mac_sums(
    draw: st.DrawFn,
    x: IntFormat,
    w: IntFormat,
    register: IntFormat,
    *,
    lengths: tuple[int, int] = (1, 16),
    stored: IntFormat | None = None,
    factor: float = 0.0,
) -> MacSum:
    """Operands and bias of one MAC sum; the bias is one of `aimed_biases`.

    Parameters
    ----------
    x, w
        Formats of the operands, at most 16 bits.
    register
        Format of the accumulator.
    lengths
        Least and greatest number of products.
    stored, factor
        As `aimed_biases`.

    Shrinks towards one product of zeros.
    """
    length = draw(st.integers(*lengths))
    operands = draw(tensors((length,), x)), draw(tensors((length,), w))
    prefixes = np.cumsum(operands[0] * operands[1]).tolist()
    return MacSum(*operands, draw(aimed_biases(prefixes, register, stored=stored, factor=factor)))


def aimed_biases(
    prefixes: Sequence[int], register: IntFormat, *, stored: IntFormat | None = None, factor: float = 0.0
) -> st.SearchStrategy[int]:
    """Biases of a sum whose exact prefixes without bias are `prefixes`, the whole sum last.

    A third are any codes of `stored`. The others are aimed: they put the whole sum on an end of `register` or 1 beside
    it; or, where there is such a prefix, make it leave `register` by 1 to 3 while the whole sum lies inside; or, with a
    `factor` (that of the requantizer) above 0, put the whole sum on a tie between two codes or 1 beside it.
    Shrinks towards 0.

    Parameters
    ----------
    prefixes
        At least one.
    register
        Format of the accumulator.
    stored
        Format of the bias, that of 32 bits by default. Overflow: a bias that it cannot hold is saturated, and misses.
    factor
        What the requantizer multiplies by.
    """
    stored = stored or IntFormat(32)
    total = prefixes[-1]
    ends = st.builds(lambda end, d: end - total + d, st.sampled_from((register.lo, register.hi)), _BESIDE)
    wanted = [ends, *_passing(prefixes, register)]
    if factor > 0:
        wanted.append(st.builds(lambda code, d: _tie(code, factor) - total + d, _SPAN, _BESIDE))
    aimed = st.one_of(wanted).map(stored.saturate)
    return st.sampled_from((codes(stored), aimed, aimed)).flatmap(lambda kind: kind)


def _passing(prefixes: Sequence[int], register: IntFormat) -> list[st.SearchStrategy[int]]:
    """Biases with which the greatest or the least prefix leaves the register, and the whole sum does not."""
    total, room = prefixes[-1], register.hi - register.lo
    top, bottom = max(prefixes) - total, total - min(prefixes)
    aims = []
    if 0 < top <= room:
        aims.append(st.integers(1, min(top, 3)).map(lambda d: register.hi - top - total + d))
    if 0 < bottom <= room:
        aims.append(st.integers(1, min(bottom, 3)).map(lambda d: register.lo + bottom - total - d))
    return aims


def _tie(code: int, factor: float) -> int:
    """Accumulator next to the tie between `code` and code + 1."""
    return math.floor((code + 0.5) / factor)
