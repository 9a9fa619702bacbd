"""RELU_N1_TO_1: reals are clamped to -1..1."""

from __future__ import annotations

from fxsim.ops.base import TfliteHook, operator
from fxsim.ops.clamping import ClampOperator


@operator
class ReluN1To1Operator(ClampOperator):
    """Codes of reals in -1..1; y has x's shape."""

    name = "RELU_N1_TO_1"
    tflite = TfliteHook("RELU_N1_TO_1")
