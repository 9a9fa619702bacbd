"""RELU6: reals are clamped to 0..6."""

from __future__ import annotations

from fxsim.ops.base import TfliteHook, operator
from fxsim.ops.clamping import ClampOperator


@operator
class Relu6Operator(ClampOperator):
    """Codes of reals in 0..6; y has x's shape."""

    name = "RELU6"
    tflite = TfliteHook("RELU6", version=2)
