"""Clamp of fused activations and the padding rule of windows (TensorFlow Lite kernel_util.cc, padding.h)."""

from __future__ import annotations

import numpy as np

from fxsim._core.errors import QuantizationError
from fxsim.numerics.modes import Rounding
from fxsim.numerics.rounding import round_real

_REAL_RANGES: dict[str, tuple[float | None, float | None]] = {
    "NONE": (None, None),
    "RELU": (0.0, None),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}


def real_range(activation: str) -> tuple[float | None, float | None]:
    """Least and greatest real number that a fused activation lets through; None where there is no bound.

    Raises
    ------
    QuantizationError
        `activation` is not NONE, RELU, RELU6 or RELU_N1_TO_1.
    """
    if activation not in _REAL_RANGES:
        raise QuantizationError(f"activation must be one of: {', '.join(_REAL_RANGES)}", got=activation)
    return _REAL_RANGES[activation]


def _code_of(real: float, scale: np.float32, zero_point: int) -> int:
    """Zero point + round(f32(real / scale)), ties away; a quotient outside int32 is an error, as in TFLite."""
    with np.errstate(over="ignore"):
        quotient = np.float64(np.float32(real) / scale)
    if not abs(quotient) < 2.0**31:
        raise QuantizationError("activation bound must be an int32 code", got=float(quotient))
    return zero_point + int(round_real(np.asarray(quotient), Rounding.TIES_AWAY))


def activation_range(activation: str, scale: float | np.float32, zero_point: int, lo: int, hi: int) -> tuple[int, int]:
    """Output codes (lo, hi) that a fused activation leaves of the type's range lo..hi.

    Parameters
    ----------
    activation
        NONE, RELU, RELU6 or RELU_N1_TO_1.
    scale, zero_point
        Output quantization; the step is taken as float32, the division is float32.

    Raises
    ------
    QuantizationError
        Unknown activation, a step that is not finite and positive, or a bound beyond int32.
    """
    low, high = real_range(activation)
    step = np.float32(scale)
    if not (np.isfinite(step) and step > 0):
        raise QuantizationError("scale must be finite and positive", got=float(scale))
    least = lo if low is None else max(lo, _code_of(low, step, zero_point))
    greatest = hi if high is None else min(hi, _code_of(high, step, zero_point))
    return least, greatest


def same_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int, int]:
    """(output size, padding before, padding after) of SAME along one axis; the odd element goes after.

    All arguments are at least 1. Each output needs (kernel - 1) * dilation + 1 inputs; outputs are ceil(size / stride).
    """
    out = -(-size // stride)
    total = max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return out, total // 2, total - total // 2


def valid_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int, int]:
    """(output size, 0, 0) of VALID along one axis; a kernel that does not fit leaves output size 0."""
    return max((size - (kernel - 1) * dilation - 1 + stride) // stride, 0), 0, 0
