"""Accumulators and factors where requantization breaks: extremes, powers of two, their neighbours, ties."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from fxsim.numerics import SCHEMES
from fxsim.testing import codes, factors

INTEGER_SCHEMES = [name for name, scheme in SCHEMES.items() if scheme.synthesizable]

_TIES = st.none() | st.tuples(st.integers(-300, 300), st.integers(-1, 1))
"""Code below a tie, and the distance of the accumulator from it; or none, for any accumulator."""


@st.composite
def requant_cases(draw: Any, name: str, max_bits: int = 48) -> tuple[int, float, int]:
    """(accumulator, real factor, acc_bits) for scheme `name`; accumulators sit on and beside ties of the result."""
    acc_bits = draw(st.integers(8, min(max_bits, SCHEMES[name].max_acc_bits)))
    real = draw(factors(name))
    lo, hi = -(1 << (acc_bits - 1)), (1 << (acc_bits - 1)) - 1
    tie = draw(_TIES)
    acc = draw(codes(acc_bits)) if tie is None else int((tie[0] + 0.5) / real) + tie[1]
    return min(max(acc, lo), hi), real, acc_bits
