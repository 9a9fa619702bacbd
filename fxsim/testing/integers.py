"""Integers and integer arrays that seek the edges of a format."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from fxsim.numerics import IntFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SEEDS = st.integers(0, (1 << 32) - 1)


def formats(bits: tuple[int, int] = (2, 64), *, signed: bool | None = None) -> st.SearchStrategy[IntFormat]:
    """Integer formats of bits[0] .. bits[1] bits, signed and unsigned ones unless `signed` says which.

    Both widths at the ends, and 8, 16 and 32, are drawn more often than others. Shrinks towards the narrowest signed
    format.
    """
    lo, hi = bits
    usual = [n for n in (lo, 8, 16, 32, hi) if lo <= n <= hi]
    signs = st.sampled_from((True, False)) if signed is None else st.just(signed)
    return st.builds(IntFormat, st.integers(lo, hi) | st.sampled_from(usual), signs)


@cache
def codes(fmt: IntFormat | int, *near: int) -> st.SearchStrategy[int]:
    """Codes of a format, a signed one where only its bits are given.

    About half of them lie within 2 of zero, of the least or greatest code, of a power of two, or of a number in `near`;
    what leaves the format is moved to its end. Shrinks towards zero.
    """
    fmt = IntFormat(fmt) if isinstance(fmt, int) else fmt
    powers = st.builds(lambda e, sign: sign << e, st.integers(0, fmt.bits - 1), st.sampled_from((1, -1)))
    marks = st.sampled_from((0, fmt.lo, fmt.hi, *near))
    edges = st.builds(lambda mark, d: fmt.saturate(mark + d), marks | powers, st.integers(-2, 2))
    return edges | st.integers(fmt.lo, fmt.hi)


@st.composite
def tensors(draw: st.DrawFn, shape: tuple[int, ...], fmt: IntFormat, *near: int) -> NDArray[Any]:
    """Arrays of codes of a format: int64 of `shape` (uint64 where `fmt` is the unsigned 64-bit format).

    Three kinds: up to 8 drawn `codes` over and over, so that constant arrays are drawn too; noise over the whole
    format; noise of its two least and two greatest codes, zero and the numbers in `near`, so that sums of products go
    as far as they can. Shrinks towards a constant array, and that towards zeros.
    """
    dtype = np.dtype(np.uint64 if fmt == IntFormat(64, signed=False) else np.int64)
    kind = draw(st.sampled_from(("few", "noise", "extremes")))
    if kind == "few":
        few = draw(st.lists(codes(fmt, *near), min_size=1, max_size=8))
        return np.resize(np.array(few, dtype), shape)
    random = np.random.default_rng(draw(_SEEDS))
    if kind == "noise":
        return random.integers(fmt.lo, fmt.hi, shape, dtype=dtype, endpoint=True)
    extremes = {fmt.lo, fmt.lo + 1, fmt.hi - 1, fmt.hi, 0, *map(fmt.saturate, near)}
    return random.choice(np.array(sorted(extremes), dtype), shape)
