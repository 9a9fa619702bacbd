"""Rounding of real arrays to whole numbers by every rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim.numerics.modes import Rounding

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _directed(values: NDArray[np.float64], rounding: Rounding) -> NDArray[np.float64]:
    if rounding == Rounding.FLOOR:
        return np.floor(values)
    if rounding == Rounding.CEIL:
        return np.ceil(values)
    if rounding == Rounding.TO_ZERO:
        return np.trunc(values)
    return np.copysign(np.ceil(np.abs(values)), values)


def round_real(values: NDArray[np.float64], rounding: Rounding) -> NDArray[np.float64]:
    """Whole numbers (as float64) that finite float64 `values` round to by `rounding`; exact for every input."""
    if rounding in (Rounding.FLOOR, Rounding.CEIL, Rounding.TO_ZERO, Rounding.AWAY_FROM_ZERO):
        return _directed(values, rounding)
    magnitude = np.abs(values)
    whole = np.floor(magnitude)
    rest = magnitude - whole  # exact: the fraction of a non-negative float, unlike value - floor(value) below zero
    odd = np.mod(whole, 2.0) == 1.0
    tie_grows = {
        Rounding.TIES_UP: values > 0,
        Rounding.TIES_DOWN: values < 0,
        Rounding.TIES_TO_ZERO: np.zeros_like(odd),
        Rounding.TIES_AWAY: np.ones_like(odd),
        Rounding.TIES_EVEN: odd,
        Rounding.TIES_ODD: ~odd,
    }[rounding]
    grown = whole + ((rest > 0.5) | ((rest == 0.5) & tie_grows))
    return np.asarray(np.copysign(grown, values))
