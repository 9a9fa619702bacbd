"""RELU, RELU6, RELU_N1_TO_1, LOGISTIC and TANH as operators of their own, all 256 codes at once."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fxsim.graph import Network
from fxsim.numerics import PROFILES
from fxsim.ops import OPERATORS, Activation, Curve, clamp_params, validate
from tests.ops import naive
from tests.ops.networks import single, tensor

ALL = list(range(-128, 128))
RANGES = {"RELU": (0, None), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1)}
OUTPUTS = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
PROFILE = pytest.mark.parametrize("profile", list(PROFILES))
SCALES = st.one_of(st.sampled_from([0.125, 0.25, 0.75, 0.8, 1.0]), st.floats(2.0**-10, 8.0, width=32))
ZEROS = st.one_of(st.sampled_from([-128, 0, 127]), st.integers(-128, 127))


def run(net: Network, profile: str) -> list[int]:
    validate(net)
    net = net.with_profile(profile)
    node = net.nodes[0]
    outcome = OPERATORS[node.op].run(net, node, [np.array(ALL, np.int8).reshape(2, 1, 128)], None)
    assert outcome.stats.acc_min is None
    (out,) = outcome.outputs
    assert out.shape == (2, 1, 128)
    assert out.dtype == np.int8
    codes: list[int] = out.ravel().tolist()
    return codes


def bound(real: int | None, scale: float, zero: int, other: int) -> int:
    """Code of an end of the activation's range, rounded half away from the quotient in binary32."""
    return other if real is None else zero + naive.half_away(Fraction(naive.f32(real / naive.f32(scale))))


@PROFILE
@pytest.mark.parametrize("op", RANGES)
@given(SCALES, ZEROS, SCALES, ZEROS)
@example(0.75, 0, 0.8, 0)
@example(8.0, -128, 2.0**-10, 127)
def test_clamps_equal_naive(profile: str, op: str, sx: float, zx: int, sy: float, zy: int) -> None:
    net = single(op, Activation(), tensor((1, 128), sx, zx), tensor((1, 128), sy, zy))
    low, high = RANGES[op]
    if (profile, op) == ("tflite", "RELU6"):
        lo, hi = max(-128, zx), min(127, bound(6, sx, zx, 127))
        assert run(net, profile) == [naive.clamp(code, lo, hi) for code in ALL]
        return
    real = naive.f32(sx) / naive.f32(sy)
    if (profile, op) != ("tflite", "RELU"):
        real = naive.f32(real)
    lo, hi = max(-128, bound(low, sy, zy, -128)), min(127, bound(high, sy, zy, 127))
    assert run(net, profile) == [min(max(naive.tfl_double(code - zx, real) + zy, lo), hi) for code in ALL]


def test_equal_parameters_only_clamp() -> None:
    """What converters write: the profiles agree."""
    net = single("RELU6", Activation(), tensor((1, 128), 6 / 200, -100), tensor((1, 128), 6 / 200, -100))
    expected = [naive.clamp(code, -100, 100) for code in ALL]
    assert run(net, "tflite") == run(net, "litert") == expected
    params = clamp_params(net, net.nodes[0])
    assert (params.in_zero, params.out_zero, params.lo, params.hi) == (-100, -100, -100, 100)


CURVE_SCALES = st.one_of(
    st.sampled_from([2.0**-28, 2.0**-27, 1 / 16, 0.25, 1.0, 3.9999, 4.0, 7.5, 15.0, 16.0, 1e9]),
    st.floats(2.0**-28, 32.0, width=32),
    st.floats(2.0**-9, 0.25, width=32),
)


@pytest.mark.parametrize("op", OUTPUTS)
@given(CURVE_SCALES, ZEROS)
def test_fixed_point_curves_equal_naive(op: str, scale: float, zero: int) -> None:
    net = single(op, Curve(), tensor((1, 128), scale, zero), tensor((1, 128), *OUTPUTS[op]))
    twin = naive.logistic if op == "LOGISTIC" else naive.tanh
    assert run(net, "tflite") == [twin(code - zero, naive.f32(scale)) for code in ALL]


@pytest.mark.parametrize("op", OUTPUTS)
@given(st.one_of(CURVE_SCALES, st.floats(2.0**-100, 2.0**100, width=32)), ZEROS)
def test_tabulated_curves_equal_naive(op: str, scale: float, zero: int) -> None:
    net = single(op, Curve(), tensor((1, 128), scale, zero), tensor((1, 128), *OUTPUTS[op])).with_profile("litert")
    twin = naive.logistic_table if op == "LOGISTIC" else naive.tanh_table
    assert run(net, "litert") == [twin(code - zero, naive.f32(scale)) for code in ALL]


@PROFILE
@pytest.mark.parametrize("op", OUTPUTS)
def test_curves_are_near_the_real_ones(op: str, profile: str) -> None:
    """Within 0.55 of an output step of the mathematical function, whatever the arithmetic."""
    scale, zero = 0.0371, -9
    net = single(op, Curve(), tensor((1, 128), scale, zero), tensor((1, 128), *OUTPUTS[op]))
    step, out_zero = OUTPUTS[op]
    for code, got in zip(ALL, run(net, profile), strict=True):
        x = scale * (code - zero)
        real = math.tanh(x) if op == "TANH" else 1 / (1 + math.exp(-x))
        assert abs(min(real / step + out_zero, 127) - got) < 0.55
