"""Parameters of requantization schemes, at and beside the ends of what a scheme takes."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from hypothesis import strategies as st

from fxsim.numerics import SCHEMES, Requant, Scheme

_WORD_BITS = 32
"""Signed width of the multiplier in a record."""
REAL_RANGES = {
    "TFL_DOUBLE": (2.0**-40, 2.0**30 - 1),
    "TFL_SINGLE": (2.0**-40, 2.0**31 - 1),
    "TFL_DOUBLE_UP": (2.0**-40, 2.0**30 - 1),
    "RNDNU": (2.0**-32, 255.0),
    "MBQM64": (2.0**-40, 127.0),
    "RHAWAY_SHIFT": (2.0**-70, 2.0**15 - 1),
    "REVEN_SHIFT": (2.0**-70, 1.25),
    "TFL_DOUBLE_FP": (2.0**-60, 2.0**31 - 1),
    "FP32_RNE": (2.0**-60, 2.0**31 - 1),
    "FLOOR": (2.0**-40, 2.0**31 - 1),
}
"""Least and greatest factor that is drawn for every scheme."""


@cache
def reals(lo_exponent: int, hi_exponent: int) -> st.SearchStrategy[float]:
    """Positive reals of 2**lo_exponent .. 2**hi_exponent: powers of two, just beside them, short and full significands.

    Shrinks towards 2**lo_exponent, or 1 where that lies between.
    """
    significand = st.one_of(
        st.sampled_from((1.0, 1.5, 1.25, 1.75, 1 + 2**-30, 1 + 2**-31, 2 - 2**-31, 2 - 2**-32, 2 - 2**-52)),
        st.floats(1.0, 2.0, exclude_max=True),
    )
    return st.builds(math.ldexp, significand, st.integers(lo_exponent, hi_exponent - 1))


@cache
def factors(scheme: Scheme | str) -> st.SearchStrategy[float]:
    """Real factors that a scheme takes: powers of two, just beside them, its least and its greatest one, and any.

    Most of them lie in 2**-24 .. 2, where accumulators of usual sums become codes.
    """
    lo, hi = REAL_RANGES[_scheme(scheme).name]
    whole = reals(round(math.log2(lo)) - 1, round(math.log2(hi)) + 2)
    return st.one_of(reals(-24, 1), reals(-12, 1), whole).map(lambda real: min(max(real, lo), hi))


@st.composite
def requants(draw: st.DrawFn, scheme: Scheme | str, channels: int = 1, *, multiplier_bits: int = _WORD_BITS) -> Requant:
    """Parameters of `channels` channels that a scheme takes, on a requantizer of `multiplier_bits` bits.

    Most are derived from `factors`; the others are multipliers of 0, 1, powers of two (which make ties), their
    neighbours, the greatest one and any, with the least, the greatest and any shift. Shrinks towards multiplier 0 and
    the shift nearest to 0.
    """
    scheme = _scheme(scheme)
    if not scheme.synthesizable:
        return scheme.derive(np.array(draw(st.lists(factors(scheme), min_size=channels, max_size=channels))))
    drawn = draw(st.lists(_any_pairs(scheme, multiplier_bits), min_size=channels, max_size=channels))
    multiplier, shift = np.array(drawn, np.int64).reshape(channels, 2).T.copy()
    assert scheme.value is not None
    return Requant(multiplier, shift, scheme.value(multiplier, shift))


def _scheme(scheme: Scheme | str) -> Scheme:
    return SCHEMES[scheme] if isinstance(scheme, str) else scheme


@cache
def _any_pairs(scheme: Scheme, multiplier_bits: int) -> st.SearchStrategy[tuple[int, int]]:
    """(multiplier, shift), three quarters of them derived."""
    derived = factors(scheme).map(lambda real: _derived(scheme, real, multiplier_bits))
    pairs = _pairs(scheme, multiplier_bits)
    return st.sampled_from((pairs, derived, derived, derived)).flatmap(lambda kind: kind)


def _pairs(scheme: Scheme, multiplier_bits: int) -> st.SearchStrategy[tuple[int, int]]:
    lo, hi = scheme.shifts
    ends = st.sampled_from((min(max(0, lo), hi), lo, hi))
    return st.tuples(_multipliers(scheme, multiplier_bits), ends | st.integers(lo, hi))


def _multipliers(scheme: Scheme, multiplier_bits: int) -> st.SearchStrategy[int]:
    """Multipliers that a requantizer of `multiplier_bits` holds: left-aligned in the scheme's own."""
    stored = scheme.max_multiplier.bit_length()
    kept = min(stored, multiplier_bits - 1) if multiplier_bits <= scheme.significand else stored
    greatest = (1 << kept) - 1
    powers = st.integers(0, kept - 1).map(lambda e: 1 << e)
    edges = st.builds(lambda power, d: min(power + d, greatest), powers, st.integers(-1, 1))
    short = st.sampled_from((0, greatest)) | edges | st.integers(0, greatest)
    return short.map(lambda multiplier: multiplier << (stored - kept))


def _derived(scheme: Scheme, real: float, multiplier_bits: int) -> tuple[int, int]:
    if scheme.significand < 2:
        multiplier_bits = _WORD_BITS
    if multiplier_bits < _WORD_BITS:
        real = min(real, REAL_RANGES[scheme.name][1] / 2)  # a short significand is rounded, up to the next power of two
    requant = scheme.derive(real, multiplier_bits)
    return int(requant.multiplier[0]), int(requant.shift[0])
