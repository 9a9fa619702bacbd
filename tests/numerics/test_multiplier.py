"""Real factors to multiplier and shift; scale derivation of the profiles; softmax parameters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fxsim._core.errors import QuantizationError
from fxsim.numerics import (
    PROFILES,
    SCHEMES,
    Rounding,
    mean_multiplier,
    quantize_multiplier,
    quantize_multipliers,
    quantize_multipliers_single,
    round_real,
    softmax_params,
)
from fxsim.numerics.reference import (
    ref_mean_multiplier,
    ref_multiplier,
    ref_quantize_multiplier,
    ref_round,
    ref_softmax_params,
    ref_sum_multipliers,
)
from fxsim.testing.requants import REAL_RANGES, reals

STEPS = st.floats(2.0**-20, 2.0**10, width=32)
WEIGHTLESS = ["MEAN", "QUANTIZE", "RELU", "RELU6", "RELU_N1_TO_1"]
OPS = ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MUL", *WEIGHTLESS]


@given(reals(-45, 45), st.booleans())
def test_quantize_multiplier(real: float, negative: bool) -> None:
    real = -real if negative else real
    assert quantize_multiplier(real) == ref_quantize_multiplier(real)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_quantize_multiplier_of_any_float(real: float) -> None:
    assert quantize_multiplier(real) == ref_quantize_multiplier(real)


@given(st.lists(reals(-45, 45), min_size=1, max_size=5))
def test_arrays(reals: list[float]) -> None:
    m, s = quantize_multipliers(np.array(reals))
    assert list(zip(m.tolist(), s.tolist(), strict=True)) == [ref_quantize_multiplier(r) for r in reals]
    m, s = quantize_multipliers_single(np.array(reals))
    assert list(zip(m.tolist(), s.tolist(), strict=True)) == [ref_quantize_multiplier(r, single=True) for r in reals]


@pytest.mark.parametrize("real", [float("nan"), float("inf"), -float("inf")])
def test_non_finite_factors_are_refused(real: float) -> None:
    with pytest.raises(QuantizationError, match="must be finite"):
        quantize_multiplier(real)


@pytest.mark.parametrize("rounding", list(Rounding), ids=lambda r: r.name)
@given(
    whole=st.integers(-6, 6),
    beside=st.sampled_from((0.0, 2.0**-50, -(2.0**-50), 0.25, -0.25)),
    any_float=st.floats(-1e9, 1e9),
)
def test_rounding_of_reals(rounding: Rounding, whole: int, beside: float, any_float: float) -> None:
    from fractions import Fraction

    for value in (whole / 2 + beside, any_float, 0.49999999999999994, -0.49999999999999994, -5e-324):
        assert round_real(np.array([value]), rounding).tolist() == [ref_round(Fraction(value), rounding)]


@pytest.mark.parametrize("profile", list(PROFILES))
@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("per_channel", [False, True])
@given(si=STEPS, sw=st.lists(STEPS, min_size=1, max_size=3), so=STEPS)
def test_profile_factors(profile: str, op: str, per_channel: bool, si: float, sw: list[float], so: float) -> None:
    weights = None if op in WEIGHTLESS else np.array(sw, dtype=np.float32)
    got = PROFILES[profile].multiplier(op, per_channel, np.float32(si), weights, np.float32(so))
    steps = [1.0] if weights is None else sw
    assert got.tolist() == [ref_multiplier(profile, op, per_channel, si, w, so) for w in steps]
    assert got.dtype == np.float64


@pytest.mark.parametrize("profile", list(PROFILES))
@pytest.mark.parametrize("op", ["ADD", "SUB"])
@given(s1=STEPS, s2=STEPS, so=STEPS)
def test_factors_of_a_sum(profile: str, op: str, s1: float, s2: float, so: float) -> None:
    got = PROFILES[profile].multiplier(op, False, np.float32(s1), np.float32(s2), np.float32(so))
    assert got.tolist() == ref_sum_multipliers(s1, s2, so)
    assert max(got[:2]) == 0.5


def test_mul_is_binary32_throughout_in_litert_only() -> None:
    s1, s2, so = np.float32(0.1), np.float32(0.3), np.float32(0.7)
    exact = float(s1) * float(s2) / float(so)
    assert PROFILES["tflite"].multiplier("MUL", False, s1, s2, so)[0] == exact
    assert PROFILES["litert"].multiplier("MUL", False, s1, s2, so)[0] == float(s1 * s2 / so) != exact


def test_fully_connected_rounds_the_product_to_float32_only_in_tflite_per_tensor() -> None:
    si, sw, so = np.float32(0.1), np.float32(0.3), np.float32(0.7)
    exact = float(si) * float(sw) / float(so)
    tflite, litert = PROFILES["tflite"], PROFILES["litert"]
    assert tflite.multiplier("FULLY_CONNECTED", False, si, sw, so)[0] == float(si * sw) / float(so) != exact
    assert tflite.multiplier("FULLY_CONNECTED", True, si, sw, so)[0] == exact
    assert litert.multiplier("FULLY_CONNECTED", False, si, sw, so)[0] == exact


def test_profile_schemes() -> None:
    assert list(PROFILES) == ["tflite", "litert"]
    for name, profile in PROFILES.items():
        assert profile.name == name
        assert profile.certified
        for op in (*OPS, "ADD", "SUB"):
            float_op = (name, op) == ("litert", "FULLY_CONNECTED")
            assert profile.scheme(op) is SCHEMES["TFL_DOUBLE_FP" if float_op else "TFL_DOUBLE"]
    with pytest.raises(QuantizationError, match="operator of profile tflite must be one of: CONV_2D"):
        PROFILES["tflite"].scheme("GRU")
    with pytest.raises(QuantizationError, match="profile must be one of: tflite, litert"):
        PROFILES["torch"]


COUNTS = st.one_of(
    st.builds(lambda e, d: max(1, 2**e + d), st.integers(0, 31), st.integers(-1, 1)), st.integers(1, 2**31 - 1)
)


@given(reals(-33, 30), COUNTS)
@example(2.0**30 - 0.25, 1)
def test_mean_multiplier(real: float, count: int) -> None:
    """Every pair that the scheme takes: 2**30 - 0.25 would round to 2**30, which it refuses."""
    multiplier, shift = quantize_multiplier(min(real, REAL_RANGES["TFL_DOUBLE"][1]))
    got = mean_multiplier(multiplier, shift, count)
    assert got == ref_mean_multiplier(multiplier, shift, count)
    SCHEMES["TFL_DOUBLE"].check(*(np.array([v]) for v in got))


@given(st.floats(0.125, 8.0, width=32), st.floats(2.0**-20, 2.0**6, width=32))
def test_softmax_params(beta: float, scale: float) -> None:
    assert softmax_params(beta, scale) == ref_softmax_params(beta, scale)


@pytest.mark.parametrize("scale", [0.0, 2.0**-27, float("nan")])
def test_softmax_of_a_tiny_step_is_refused(scale: float) -> None:
    with pytest.raises(QuantizationError, match="beta \\* scale of SOFTMAX"):
        softmax_params(1.0, scale)
