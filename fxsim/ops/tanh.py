"""TANH: the hyperbolic tangent."""

from __future__ import annotations

import numpy as np

from fxsim.ops.base import Floats, TfliteHook, operator
from fxsim.ops.curves import CurveOperator
from fxsim.ops.fixed_point import Ints, exp_on_negative, one_minus_over_one_plus


@operator
class TanhOperator(CurveOperator):
    """y = tanh(x), scale 1/128 and zero point 0."""

    name = "TANH"
    tflite = TfliteHook("TANH", version=2)
    out_bits = 7
    out_zero = 0

    def real(self, x: Floats) -> Floats:
        """One rounding to binary32."""
        return np.tanh(x.astype(np.float64)).astype(np.float32)

    def fixed(self, x: Ints) -> Ints:
        """(1 - exp(-2 |x|)) / (1 + exp(-2 |x|)) with the sign of x; Q4.27 read as Q5.26 is twice the number."""
        magnitude = one_minus_over_one_plus(exp_on_negative(-np.abs(x), 5))
        return np.where(x == 0, 0, np.sign(x) * magnitude)
