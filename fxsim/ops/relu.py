"""RELU: negative reals become 0."""

from __future__ import annotations

from fxsim.ops.base import TfliteHook, operator
from fxsim.ops.clamping import ClampOperator


@operator
class ReluOperator(ClampOperator):
    """Codes of reals in 0 and up; y has x's shape."""

    name = "RELU"
    tflite = TfliteHook("RELU", version=2)
