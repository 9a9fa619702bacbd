"""Fused activation clamps and SAME padding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import QuantizationError
from fxsim.numerics import activation_range, same_padding, valid_padding
from fxsim.numerics.reference import ref_activation_range, ref_same_padding

SIZES = st.integers(1, 40)


@pytest.mark.parametrize("activation", ["NONE", "RELU", "RELU6", "RELU_N1_TO_1"])
@given(
    scale=st.one_of(st.floats(2.0**-20, 2.0**10, width=32), st.integers(1, 40).map(lambda n: 12 / (2 * n - 1))),
    zero=st.integers(-128, 127),
)
def test_activation_range(activation: str, scale: float, zero: int) -> None:
    expected = ref_activation_range(activation, scale, zero, -128, 127)
    assert activation_range(activation, scale, zero, -128, 127) == expected


def test_illegal_activations() -> None:
    with pytest.raises(QuantizationError, match="activation must be one of: NONE, RELU"):
        activation_range("TANH", 1.0, 0, -128, 127)
    with pytest.raises(QuantizationError, match="int32 code"):
        activation_range("RELU6", 1e-20, 0, -128, 127)
    with pytest.raises(QuantizationError, match="int32 code"):
        activation_range("RELU_N1_TO_1", 2.0**-31, 0, -128, 127)
    with pytest.raises(QuantizationError, match="finite and positive"):
        activation_range("RELU6", 0.0, 0, -128, 127)


@given(SIZES, SIZES, st.integers(1, 5), st.integers(1, 4))
def test_same_padding(size: int, kernel: int, stride: int, dilation: int) -> None:
    assert same_padding(size, kernel, stride, dilation) == ref_same_padding(size, kernel, stride, dilation)


@given(SIZES, SIZES, st.integers(1, 5), st.integers(1, 4))
def test_valid_padding(size: int, kernel: int, stride: int, dilation: int) -> None:
    starts = [s for s in range(0, size, stride) if s + (kernel - 1) * dilation < size]
    assert valid_padding(size, kernel, stride, dilation) == (len(starts), 0, 0)
