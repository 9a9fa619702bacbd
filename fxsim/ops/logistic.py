"""LOGISTIC: 1 / (1 + exp(-x))."""

from __future__ import annotations

import numpy as np

from fxsim.ops.base import Floats, TfliteHook, operator
from fxsim.ops.curves import CurveOperator
from fxsim.ops.fixed_point import Ints, exp_on_negative, one_over_one_plus


@operator
class LogisticOperator(CurveOperator):
    """y = 1 / (1 + exp(-x)), scale 1/256 and zero point -128."""

    name = "LOGISTIC"
    tflite = TfliteHook("LOGISTIC", version=2)
    out_bits = 8
    out_zero = -128

    def real(self, x: Floats) -> Floats:
        """Exponential, sum and quotient, each rounded to binary32."""
        power = np.exp(-x.astype(np.float64)).astype(np.float32)
        result: Floats = np.float32(1) / (np.float32(1) + power)
        return result

    def fixed(self, x: Ints) -> Ints:
        """By the reciprocal for positive x, as 1 less that for negative ones."""
        positive = one_over_one_plus(exp_on_negative(-np.abs(x), 4))
        return np.where(x == 0, 1 << 30, np.where(x > 0, positive, (1 << 31) - 1 - positive))
