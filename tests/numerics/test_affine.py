"""Affine quantization per tensor, channel and group, element by element against the twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import QuantizationError
from fxsim.numerics import Affine, IntFormat, Rounding
from fxsim.numerics.reference import ref_dequantize, ref_quantize

STEPS = st.floats(2.0**-20, 2.0**10, width=32)
NUMBERS = st.floats(-1e6, 1e6, width=32)
INT8 = st.integers(-128, 127)


@pytest.mark.parametrize("rounding", list(Rounding), ids=lambda r: r.name)
@given(real=NUMBERS, half=st.integers(-300, 300), scale=STEPS, zero=INT8)
def test_quantize_per_tensor(rounding: Rounding, real: float, half: int, scale: float, zero: int) -> None:
    affine = Affine(scale, zero)
    tie = float(np.float32((half + 0.5) * scale))
    expected = [ref_quantize(x, scale, zero, -128, 127, rounding) for x in (real, tie)]
    assert affine.quantize([real, tie], np.int8, rounding).tolist() == expected


@given(st.floats(width=64, allow_nan=False, min_value=-1e30, max_value=1e30), STEPS)
def test_float64_numbers_are_rounded_to_float32_first(real: float, scale: float) -> None:
    assert int(Affine(scale).quantize(real)) == ref_quantize(real, scale, 0, -128, 127, Rounding.TIES_AWAY)


def test_default_rule_by_hand() -> None:
    codes = Affine(0.5, 3).quantize([0.25, -0.25, 0.75, 1e9, -1e38], np.int8)
    assert codes.tolist() == [4, 2, 5, 127, -128]
    assert codes.dtype == np.int8
    assert Affine(0.5, 3).quantize(0.25, rounding=Rounding.TIES_EVEN) == 3


@given(st.lists(NUMBERS, min_size=24, max_size=24), st.lists(STEPS, min_size=4, max_size=4), st.integers(0, 2))
def test_per_channel_on_any_axis(reals: list[float], scales: list[float], axis: int) -> None:
    shape = (4, 3, 2), (2, 4, 3), (3, 2, 4)
    x = np.array(reals, dtype=np.float32).reshape(shape[axis])
    zeros = [3, -7, 0, 127]
    affine = Affine(scales, zeros, axis=axis)
    codes = affine.quantize(x, np.int8)
    real = affine.dequantize(codes)
    for at in np.ndindex(x.shape):
        scale, zero = scales[at[axis]], zeros[at[axis]]
        assert codes[at] == ref_quantize(float(x[at]), scale, zero, -128, 127, Rounding.TIES_AWAY)
        assert real[at] == ref_dequantize(int(codes[at]), scale, zero, per_tensor=False)


@given(st.lists(NUMBERS, min_size=14, max_size=14), st.lists(STEPS, min_size=6, max_size=6))
def test_per_group_with_a_short_last_group(reals: list[float], scales: list[float]) -> None:
    x = np.array(reals, dtype=np.float32).reshape(2, 7)
    affine = Affine(scales, axis=1, group_size=3)
    codes = affine.quantize(x, IntFormat(4))
    for row, k in np.ndindex(x.shape):
        scale = scales[row * 3 + k // 3]
        assert codes[row, k] == ref_quantize(float(x[row, k]), scale, 0, -8, 7, Rounding.TIES_AWAY)
    along_rows = Affine(scales, axis=0, group_size=2)
    expected = np.array(scales, dtype=np.float32).reshape(2, 3).repeat(2, axis=0)
    assert along_rows.dequantize(np.ones((4, 3), dtype=np.int8)).tolist() == expected.tolist()


@given(st.integers(-(1 << 31), (1 << 31) - 1), STEPS, INT8)
def test_dequantize(code: int, scale: float, zero: int) -> None:
    codes = np.array([code])
    assert Affine(scale, zero).dequantize(codes).tolist() == [ref_dequantize(code, scale, zero, per_tensor=True)]
    channel = Affine([scale, scale], zero, axis=1).dequantize(codes.repeat(2)[None])
    assert channel.tolist() == [[ref_dequantize(code, scale, zero, per_tensor=False)] * 2]
    assert channel.dtype == np.float32


def test_values() -> None:
    affine = Affine([0.5, 0.25], 3, axis=1)
    assert affine.scale.dtype == np.float32
    assert affine.zero_point.tolist() == [3, 3]
    assert not affine.per_tensor
    assert Affine(0.1).per_tensor
    assert Affine(np.float32(0.1)) == Affine([0.1])
    assert affine != Affine([0.5, 0.25], 4, axis=1)
    assert affine != "affine"
    assert Affine(1.0, 1) != Affine(1.0, 2)
    assert Affine(1.0, 2) != Affine(1.0, 1)
    assert hash(affine) == hash(Affine([0.5, 0.25], [3, 3], axis=1))
    with pytest.raises(ValueError, match="read-only"):
        affine.scale[0] = 1.0


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), 0.0, -1.0, 1e-60, 1e60, []])
def test_illegal_scales(scale: Any) -> None:
    with pytest.raises(QuantizationError, match="scale must"):
        Affine(scale)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": [1.0, 2.0]}, "axis must be given"),
        ({"scale": 1.0, "group_size": 4}, "axis must be given"),
        ({"scale": [1.0, 2.0], "axis": -1}, "axis must be at least 0, not -1"),
        ({"scale": [1.0, 2.0], "axis": 0, "group_size": 0}, "group_size must be at least 1, not 0"),
        ({"scale": [1.0, 2.0], "axis": 0, "zero_point": [1, 2, 3]}, "zero_point must have 1 or 2 elements, not 3"),
        ({"scale": 1.0, "zero_point": 0.5}, "zero_point must be an integer"),
    ],
)
def test_illegal_parameters(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(QuantizationError, match=message):
        Affine(**arguments)


def test_illegal_arrays() -> None:
    with pytest.raises(QuantizationError, match="finite in float32"):
        Affine(1.0).quantize([0.0, float("nan")])
    with pytest.raises(QuantizationError, match="finite in float32"):
        Affine(1.0).quantize(1e300)
    with pytest.raises(QuantizationError, match="zero points must be codes of s8"):
        Affine(1.0, 200).quantize(1.0)
    with pytest.raises(QuantizationError, match="at most 32 bits, not 's64'"):
        Affine(1.0).quantize(1.0, np.int64)
    with pytest.raises(QuantizationError, match="integer dtype, not 'float32'"):
        Affine(1.0).dequantize(np.array([1.0], dtype=np.float32))
    with pytest.raises(QuantizationError, match="2 quantization steps along axis 0"):
        Affine([1.0, 2.0], axis=0).quantize([1.0, 2.0, 3.0])
    with pytest.raises(QuantizationError, match="more than 1 dimensions"):
        Affine([1.0, 2.0], axis=1).quantize([1.0, 2.0])


def test_differences_that_binary32_does_not_hold() -> None:
    """2**24 + 1 is none of its numbers, as a code or as a zero point."""
    assert Affine(1.0, 1).dequantize(np.array([(1 << 24) + 1])).tolist() == [2.0**24]
    assert Affine(1.0, (1 << 24) + 1).dequantize(np.array([5], dtype=np.int16)).tolist() == [4.0 - 2**24]
