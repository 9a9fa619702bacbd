"""Requantization schemes: kernel, interpreted kernel, array entry point and twin agree; parameters and refusals."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fxsim._core.errors import QuantizationError
from fxsim._core.jit import specialisations
from fxsim.numerics import (
    SCHEMES,
    Requant,
    SchemeCode,
    check_requant_width,
    monotone_limit,
    requantize,
    requantize_scalar,
    rescale,
    scheme_of,
)
from fxsim.numerics.reference import (
    ref_derive,
    ref_f32,
    ref_f64,
    ref_reduce_multiplier,
    ref_requantize,
    ref_rescale,
    ref_round,
)
from fxsim.numerics.scheme_kernels import multiply_round_up, reduce_multiplier, tfl_double
from fxsim.testing import codes, factors
from fxsim.testing.requants import REAL_RANGES
from tests.numerics.edges import requant_cases

ALL = pytest.mark.parametrize("name", list(SCHEMES))
EVENTS = {
    "requant_multiply",
    "requant_add64",
    "requant_shift",
    "requant_add32",
    "requant_compare",
    "requant_fp_multiply",
    "requant_fp_convert",
}


def interpreted(kernel: Any) -> Any:
    """The plain Python body of a kernel."""
    return getattr(kernel, "py_func", kernel)


def test_every_code_has_a_scheme() -> None:
    assert [scheme_of(code).name for code in SchemeCode] == [code.name for code in SchemeCode]
    assert list(SCHEMES) == [code.name for code in SchemeCode]
    with pytest.raises(QuantizationError, match=r"scheme code must be in 0\.\.9, not 10"):
        scheme_of(10)


@ALL
@given(st.data())
def test_monotone_up_to_the_limit(name: str, data: st.DataObject) -> None:
    """Accumulators at the limit, and on and beside ties of the result."""
    scheme = SCHEMES[name]
    acc, real, bits = data.draw(requant_cases(name))
    requant = scheme.derive(real)
    limit = min(int(monotone_limit(requant, scheme, bits)[0]), (1 << (bits - 1)) - 1)
    others = data.draw(st.lists(st.integers(-3, 3), max_size=3))
    accs = [-limit, limit, -limit // 2, limit // 2, *(min(max(acc + d, -limit), limit) for d in (0, *others))]
    codes = requantize(np.array(sorted(accs)), requant, scheme, zero=0, lo=-(1 << 31), hi=(1 << 31) - 1, acc_bits=bits)
    assert codes.tolist() == sorted(codes.tolist())


def test_a_shift_that_wraps_ends_monotony() -> None:
    """1.5 is 0.75 * 2**31 at shift 1: beyond (2**31 - 1) >> 1 the product wraps."""
    scheme = SCHEMES["TFL_DOUBLE"]
    requant = scheme.derive(np.array([1.5, 0.5]))
    limit, wide = monotone_limit(requant, scheme).tolist()
    assert (limit, wide) == ((1 << 30) - 1, (1 << 31) - 1)
    ends = np.array([[limit, limit], [limit + 1, limit + 3]])
    codes = requantize(ends, requant, scheme, zero=0, lo=-(1 << 31), hi=(1 << 31) - 1)
    assert codes[1, 0] < codes[0, 0]
    assert codes[1, 1] > codes[0, 1]


@given(codes(48), st.integers(-(1 << 31), (1 << 31) - 1), st.integers(1, 62))
def test_two_limb_product(value: int, multiplier: int, shift: int) -> None:
    exact = (value * multiplier + (1 << (shift - 1))) >> shift
    expected = min(max(exact, -(1 << 62)), 1 << 62)
    assert multiply_round_up(value, multiplier, shift) == expected
    assert interpreted(multiply_round_up)(np.int64(value), np.int64(multiplier), np.int64(shift)) == expected


@pytest.mark.parametrize("multiplier", [*range(66_000, 66_040), 1 << 31])
def test_two_limb_product_beside_its_saturation(multiplier: int) -> None:
    for value in ((1 << 63) // multiplier + d for d in (-1, 0, 1)):
        for exact_input in (value, -value):
            exact = (exact_input * multiplier + 1) >> 1
            assert multiply_round_up(exact_input, multiplier, 1) == min(max(exact, -(1 << 62)), 1 << 62)


@pytest.mark.parametrize("width", [32, 40, 48])
def test_first_stage_saturates_its_one_overflow(width: int) -> None:
    lowest = -(1 << (width - 1))
    assert tfl_double(lowest, -(1 << 31), 0, width) == -lowest - 1
    greatest = (1 << 31) - 1
    assert tfl_double(lowest, greatest, 0, width) == ref_rescale(lowest, greatest, 0, 0.0, "TFL_DOUBLE", width)


@pytest.mark.parametrize("m", [0, 1 << 30, 0x7FFEFFFF, 0x7FFF0000, 0x7FFF7FFF, 0x7FFF8000, 0x7FFFFFFE, 0x7FFFFFFF])
def test_reduced_multiplier_stays_in_15_bits(m: int) -> None:
    assert reduce_multiplier(m) == ref_reduce_multiplier(m) <= 0x7FFF


@ALL
@given(data=st.data())
def test_derived_parameters(name: str, data: st.DataObject) -> None:
    real = data.draw(factors(name))
    requant = SCHEMES[name].derive(real)
    assert (int(requant.multiplier[0]), int(requant.shift[0]), float(requant.real[0])) == ref_derive(real, name)


@ALL
@given(data=st.data())
def test_kernel_equals_twin(name: str, data: st.DataObject) -> None:
    acc, real, acc_bits = data.draw(requant_cases(name))
    m, s, factor = ref_derive(real, name)
    expected = ref_rescale(acc, m, s, factor, name, acc_bits)
    code = int(SCHEMES[name].code)
    assert rescale(acc, m, s, factor, code, acc_bits) == expected
    words = np.int64(acc), np.int64(m), np.int64(s), np.float64(factor)
    assert interpreted(rescale)(*words, code, acc_bits) == expected


@ALL
@given(data=st.data(), zero=st.integers(-128, 127), ends=st.tuples(st.integers(-128, 127), st.integers(-128, 127)))
def test_output_code_equals_twin(name: str, data: st.DataObject, zero: int, ends: tuple[int, int]) -> None:
    acc, real, acc_bits = data.draw(requant_cases(name))
    m, s, factor = ref_derive(real, name)
    lo, hi = min(ends), max(ends)
    expected = ref_requantize(acc, m, s, factor, name, acc_bits, zero, lo, hi)
    assert requantize_scalar(acc, m, s, factor, int(SCHEMES[name].code), acc_bits, zero, lo, hi) == expected
    derived = SCHEMES[name].derive(real)
    out = requantize(np.array([acc]), derived, SCHEMES[name], zero=zero, lo=lo, hi=hi, acc_bits=acc_bits)
    assert out.tolist() == [expected]


@given(codes(62), factors("REVEN_SHIFT"))
def test_shift_scheme_to_62_bits(acc: int, real: float) -> None:
    m, s, factor = ref_derive(real, "REVEN_SHIFT")
    expected = ref_rescale(acc, m, s, factor, "REVEN_SHIFT", 62)
    assert rescale(acc, m, s, factor, int(SchemeCode.REVEN_SHIFT), 62) == expected


@given(codes(64), factors("FP32_RNE"))
def test_binary32_scheme_to_64_bits(acc: int, real: float) -> None:
    m, s, factor = ref_derive(real, "FP32_RNE")
    expected = ref_rescale(acc, m, s, factor, "FP32_RNE", 64)
    assert rescale(acc, m, s, factor, int(SchemeCode.FP32_RNE), 64) == expected


def test_binary32_conversion_rounds_once() -> None:
    acc = (1 << 60) + (1 << 36) + 1  # through binary64 this would become a tie, and round down
    assert rescale(acc, 0, 0, 1.0, int(SchemeCode.FP32_RNE), 64) == (1 << 60) + (1 << 37)


@given(st.lists(codes(32), min_size=6, max_size=6), st.lists(factors("RNDNU"), min_size=3, max_size=3))
def test_channels_are_the_last_axis(accs: list[int], reals: list[float]) -> None:
    scheme = SCHEMES["TFL_DOUBLE"]
    acc = np.array(accs, dtype=np.int64).reshape(1, 2, 3)
    out = requantize(acc, scheme.derive(np.array(reals)), scheme, zero=1, lo=-128, hi=127)
    for channel, real in enumerate(reals):
        one = requantize(np.asfortranarray(acc)[..., channel], scheme.derive(real), scheme, zero=1, lo=-128, hi=127)
        assert out[..., channel].tolist() == one.tolist()


def test_read_only_and_empty_arrays() -> None:
    scheme = SCHEMES["TFL_SINGLE"]
    acc = np.arange(4, dtype=np.int64)
    acc.setflags(write=False)
    assert requantize(acc, scheme.derive(0.5), scheme, zero=0, lo=-8, hi=7).tolist() == [0, 1, 1, 2]
    assert specialisations()["fxsim.numerics.scheme_kernels.requantize_flat"] <= 1
    empty = np.empty((0, 2), dtype=np.int64)
    assert requantize(empty, scheme.derive(0.5), scheme, zero=0, lo=-8, hi=7).shape == (0, 2)


@ALL
@given(data=st.data())
def test_record_words_round_trip(name: str, data: st.DataObject) -> None:
    scheme = SCHEMES[name]
    reals = data.draw(st.lists(factors(name), min_size=1, max_size=4))
    requant = scheme.derive(np.array(reals))
    back = Requant.from_words(requant.words(), scheme)
    assert back.multiplier.tolist() == requant.multiplier.tolist()
    assert back.shift.tolist() == requant.shift.tolist()
    assert back.real.tolist() == requant.real.tolist()
    assert back.words().tolist() == requant.words().tolist()
    assert len(back) == len(reals)


def test_word_layout() -> None:
    requant = SCHEMES["TFL_DOUBLE"].derive(0.25)
    assert requant.words().tolist() == [1073741824 | 0xFF << 32]
    assert SCHEMES["TFL_DOUBLE_FP"].derive(1.0).words().tolist() == [0x3FF0000000000000]


@given(st.sampled_from(sorted(SCHEMES)), codes(64))
def test_any_word_is_taken_or_refused(name: str, word: int) -> None:
    scheme = SCHEMES[name]
    try:
        requant = Requant.from_words(np.array([word]), scheme)
    except QuantizationError:
        return
    m, s, real = int(requant.multiplier[0]), int(requant.shift[0]), float(requant.real[0])
    bits = min(48, scheme.max_acc_bits)
    for acc in (-(1 << (bits - 1)), -1, (1 << (bits - 1)) - 1):
        assert rescale(acc, m, s, real, int(scheme.code), bits) == ref_rescale(acc, m, s, real, name, bits)


@ALL
@pytest.mark.parametrize("real", [float("nan"), float("inf"), -0.5, 2.0**32])
def test_absurd_factors_are_refused(name: str, real: float) -> None:
    with pytest.raises(QuantizationError, match=f"channel 1: real multiplier of {name}"):
        SCHEMES[name].derive(np.array([0.5, real]))


@pytest.mark.parametrize(
    ("name", "real"),
    [
        ("TFL_DOUBLE", 2.0**30 - 0.25),
        ("TFL_DOUBLE_UP", 2.0**30),
        ("MBQM64", 128.0),
        ("RNDNU", 256.0),
        ("RNDNU", 2.0**-33),
        ("RNDNU", 0.0),
        ("RHAWAY_SHIFT", 32768.0),
        ("REVEN_SHIFT", 1.5),
    ],
)
def test_factors_beyond_the_shifter_are_refused(name: str, real: float) -> None:
    with pytest.raises(QuantizationError, match=f"shift of {name} must be in"):
        SCHEMES[name].derive(real)


@ALL
def test_widths(name: str) -> None:
    scheme = SCHEMES[name]
    assert scheme.max_acc_bits >= 48
    check_requant_width(scheme, 48)
    for bits in (1, scheme.max_acc_bits + 1):
        with pytest.raises(QuantizationError, match=rf"acc_bits must be in 2\.\.{scheme.max_acc_bits} .* by {name} \("):
            check_requant_width(scheme, bits)


@ALL
def test_events_and_synthesizability(name: str) -> None:
    scheme = SCHEMES[name]
    assert set(scheme.events) <= EVENTS
    assert all(count > 0 for count in scheme.events.values())
    assert scheme.synthesizable == (name not in ("TFL_DOUBLE_FP", "FP32_RNE"))
    assert scheme.synthesizable == (not any("_fp_" in event for event in scheme.events))
    assert scheme.events["requant_compare"] == 2


def test_events_of_the_default_scheme() -> None:
    assert dict(SCHEMES["TFL_DOUBLE"].events) == {
        "requant_multiply": 1,
        "requant_add64": 2,
        "requant_shift": 1,
        "requant_add32": 1,
        "requant_compare": 2,
    }


def test_bad_arguments_are_refused() -> None:
    scheme = SCHEMES["TFL_DOUBLE"]
    requant = scheme.derive(np.array([0.5, 0.25]))
    acc = np.zeros((2, 2), dtype=np.int64)
    with pytest.raises(QuantizationError, match="accumulators must be int64"):
        requantize(acc.astype(np.int32), requant, scheme, zero=0, lo=0, hi=1)
    with pytest.raises(QuantizationError, match="must fit 8 bits"):
        requantize(acc + 128, requant, scheme, zero=0, lo=0, hi=1, acc_bits=8)
    with pytest.raises(QuantizationError, match="2 channels in the last axis"):
        requantize(acc[:, :1], requant, scheme, zero=0, lo=0, hi=1)
    with pytest.raises(QuantizationError, match="output range"):
        requantize(acc, requant, scheme, zero=0, lo=1, hi=0)
    with pytest.raises(QuantizationError, match="zero point"):
        requantize(acc, requant, scheme, zero=1 << 40, lo=0, hi=1)
    with pytest.raises(QuantizationError, match="TFL_DOUBLE"):
        requantize(acc, requant, scheme, zero=0, lo=0, hi=1, acc_bits=49)


@given(requant_cases("TFL_SINGLE", max_bits=32))
def test_wide_accumulators_agree_where_both_apply(case: tuple[int, float, int]) -> None:
    acc, real, _ = case
    for name in ("TFL_SINGLE", "RNDNU", "RHAWAY_SHIFT"):
        lo, hi = REAL_RANGES[name]
        assume(lo <= real <= hi)
        m, s, factor = ref_derive(real, name)
        code = int(SCHEMES[name].code)
        assert rescale(acc, m, s, factor, code, 32) == rescale(acc, m, s, factor, code, 48)


def scaled(name: str, acc: int, real: float) -> Fraction:
    """The number that a scheme rounds: exact, but for float schemes, whose own formats hold it."""
    if name == "TFL_DOUBLE_FP":
        return ref_f64(Fraction(acc) * Fraction(real))
    if name == "FP32_RNE":
        return ref_f32(ref_f32(acc) * Fraction(real))
    return acc * Fraction(real)


@ALL
@settings(max_examples=60)
@given(st.data())
def test_roundings_are_those_of_the_twin(name: str, data: st.DataObject) -> None:
    """What a scheme says about its roundings is what it does, for results below any wrap; factors that make ties."""
    simple = st.builds(lambda odd, k: odd * 2.0**-k, st.sampled_from([1, 3, 5, 7]), st.integers(3, 9))
    real = data.draw(simple | st.floats(2.0**-20, 1.0))
    acc = data.draw(st.integers(-600, 600) | st.integers(-(2**24), 2**24))
    scheme = SCHEMES[name]
    requant = scheme.derive(real)
    m, s, factor = int(requant.multiplier[0]), int(requant.shift[0]), float(requant.real[0])
    value, (first, *last) = scaled(name, acc, factor), scheme.roundings
    drop = max(-s, 0) if last else 0
    result = Fraction(ref_round(value * 2**drop, first), 2**drop)
    if drop:
        result = Fraction(ref_round(result, last[0]))
    assert result == ref_rescale(acc, m, s, factor, name, 32)
