"""Integers where arithmetic breaks: extremes, powers of two, their neighbours, and ties of a shift."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from fxsim.numerics import SCHEMES

INTEGER_SCHEMES = [name for name, scheme in SCHEMES.items() if scheme.synthesizable]


def edge_ints(bits: int) -> st.SearchStrategy[int]:
    """Signed integers of `bits` bits, half of them within 2 of an extreme, of zero or of a power of two."""
    lo, hi = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    powers = st.builds(lambda e, sign: sign * (1 << e), st.integers(0, bits - 1), st.sampled_from((-1, 1)))
    near = st.builds(lambda base, d: base + d, st.one_of(st.sampled_from((lo, 0, hi)), powers), st.integers(-2, 2))
    return st.one_of(near.map(lambda v: min(max(v, lo), hi)), st.integers(lo, hi))


def edge_reals(lo_exponent: int, hi_exponent: int) -> st.SearchStrategy[float]:
    """Positive reals below 2**hi_exponent: powers of two, just beside them, short and full significands."""
    significand = st.one_of(
        st.sampled_from((1.0, 1.5, 1.25, 1.75, 1 + 2**-30, 1 + 2**-31, 2 - 2**-31, 2 - 2**-32, 2 - 2**-52)),
        st.floats(1.0, 2.0, exclude_max=True),
    )
    return st.builds(lambda f, e: f * 2.0**e, significand, st.integers(lo_exponent, hi_exponent - 1))


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
"""Least and greatest factor that tests give to every scheme."""


def legal_reals(name: str) -> st.SearchStrategy[float]:
    """Factors that scheme `name` takes, its extremes included."""
    lo, hi = REAL_RANGES[name]
    drawn = edge_reals(round(math.log2(lo)) - 1, round(math.log2(hi)) + 2)
    return drawn.map(lambda real: min(max(real, lo), hi))


@st.composite
def requant_cases(draw: Any, name: str, max_bits: int = 48) -> tuple[int, float, int]:
    """(accumulator, real factor, acc_bits) for scheme `name`; accumulators sit on and beside ties of the result."""
    acc_bits = draw(st.integers(8, min(max_bits, SCHEMES[name].max_acc_bits)))
    real = draw(legal_reals(name))
    lo, hi = -(1 << (acc_bits - 1)), (1 << (acc_bits - 1)) - 1
    halves = st.builds(lambda n, d: int((n + 0.5) / real) + d, st.integers(-300, 300), st.integers(-1, 1))
    acc = draw(st.one_of(edge_ints(acc_bits), halves))
    return min(max(acc, lo), hi), real, acc_bits
