"""Integer formats: ranges, saturation and wrap-around at every width."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import QuantizationError
from fxsim.numerics import IntFormat, saturate_array, wrap_array
from fxsim.numerics.reference import ref_range, ref_saturate, ref_wrap
from fxsim.testing import codes, formats

FORMATS = formats()


def test_ranges_by_hand() -> None:
    assert (IntFormat(8).lo, IntFormat(8).hi) == (-128, 127)
    assert (IntFormat(8, signed=False).lo, IntFormat(8, signed=False).hi) == (0, 255)
    assert (IntFormat(64).lo, IntFormat(64).hi) == (-(2**63), 2**63 - 1)
    assert IntFormat(64, signed=False).hi == 2**64 - 1
    assert str(IntFormat(4)) == "s4"
    assert str(IntFormat(12, signed=False)) == "u12"


@pytest.mark.parametrize(
    ("bits", "signed", "dtype"),
    [(2, True, "int8"), (9, True, "int16"), (8, False, "uint8"), (33, False, "uint64"), (32, True, "int32")],
)
def test_narrowest_dtype(bits: int, signed: bool, dtype: str) -> None:
    assert IntFormat(bits, signed).dtype == np.dtype(dtype)


def test_format_of_a_dtype() -> None:
    assert IntFormat.of(np.uint16) == IntFormat(16, signed=False)
    with pytest.raises(QuantizationError, match="NumPy integer type, not 'float32'"):
        IntFormat.of(np.float32)


@pytest.mark.parametrize("bits", [0, 1, 65, -3, True, 8.0])
def test_widths_outside_2_to_64_are_refused(bits: Any) -> None:
    with pytest.raises(QuantizationError, match=r"integer in 2\.\.64"):
        IntFormat(bits)


@given(FORMATS, st.integers(-(1 << 70), 1 << 70))
def test_scalar_saturate_and_wrap(fmt: IntFormat, value: int) -> None:
    lo, hi = ref_range(fmt.bits, fmt.signed)
    assert fmt.saturate(value) == ref_saturate(value, lo, hi)
    assert fmt.wrap(value) == ref_wrap(value, fmt.bits, fmt.signed)
    assert fmt.contains(value) == (lo <= value <= hi)


@given(FORMATS, codes(64))
def test_arrays_of_int64(fmt: IntFormat, value: int) -> None:
    values = np.array([[value]], dtype=np.int64)
    assert saturate_array(values, fmt).tolist() == [[fmt.saturate(value)]]
    assert wrap_array(values, fmt).tolist() == [[fmt.wrap(value)]]


@given(FORMATS, codes(64))
def test_arrays_of_uint64(fmt: IntFormat, value: int) -> None:
    values = np.array([value + (1 << 63)], dtype=np.uint64)
    assert saturate_array(values, fmt).tolist() == [fmt.saturate(value + (1 << 63))]
    assert wrap_array(values, fmt).tolist() == [fmt.wrap(value + (1 << 63))]


def test_array_dtypes() -> None:
    values = np.array([-1, 5], dtype=np.int8)
    assert wrap_array(values, IntFormat(64, signed=False)).dtype == np.uint64
    assert saturate_array(values, IntFormat(63, signed=False)).dtype == np.int64
    with pytest.raises(QuantizationError, match="integer dtype, not 'float64'"):
        saturate_array(np.array([1.0]), IntFormat(8))
