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
    if rounding == Rounding.TIES_EVEN:
        return np.rint(values)
    magnitude = np.abs(values)
    whole = np.floor(magnitude)
    rest = magnitude - whole  # exact: the fraction of a non-negative float, unlike value - floor(value) below zero
    grown = whole + ((rest > 0.5) | ((rest == 0.5) & _tie_grows(rounding, values, whole)))
    return np.asarray(np.copysign(grown, values))


def _tie_grows(rounding: Rounding, values: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.bool_] | bool:
    """Whether a tie between `whole` and the next greater magnitude takes the greater one."""
    if rounding in (Rounding.TIES_AWAY, Rounding.TIES_TO_ZERO):
        return rounding == Rounding.TIES_AWAY
    if rounding == Rounding.TIES_ODD:
        return np.asarray(np.mod(whole, 2.0) == 0.0)
    return values > 0 if rounding == Rounding.TIES_UP else values < 0
