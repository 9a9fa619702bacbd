"""Numbers of the modes and what each scheme declares, beside a table; parameters at the very ends."""

from __future__ import annotations

import numpy as np
import pytest

from fxsim._core.errors import QuantizationError
from fxsim.numerics import SCHEMES, Overflow, Reduction, Requant, Rounding, SchemeCode, requantize, rescale
from fxsim.numerics.reference import ref_reduce_multiplier

DECLARED = {
    "TFL_DOUBLE": (48, (-31, 30), 31, "multiply 1, add64 2, shift 1, add32 1"),
    "TFL_SINGLE": (48, (-31, 30), 31, "multiply 1, add64 1, shift 1, add32 1"),
    "TFL_DOUBLE_UP": (48, (-31, 30), 31, "multiply 1, add64 2, shift 1, add32 1"),
    "RNDNU": (48, (16, 55), 24, "multiply 1, add64 1, shift 1, add32 1"),
    "MBQM64": (48, (-31, 7), 31, "multiply 1, add64 1, shift 1, add32 1"),
    "RHAWAY_SHIFT": (48, (0, 62), 15, "multiply 1, add64 1, shift 1, add32 1"),
    "REVEN_SHIFT": (62, (0, 62), 1, "shift 1, add32 2"),
    "TFL_DOUBLE_FP": (54, (0, 0), 0, "fp_multiply 1, fp_convert 2, add32 1"),
    "FP32_RNE": (64, (0, 0), 0, "fp_multiply 1, fp_convert 2, add32 1"),
    "FLOOR": (48, (-31, 30), 31, "multiply 1, shift 1, add32 1"),
}
"""Widest accumulator, shifts, bits of the stored multiplier, events beside the two compares of the clamp."""


@pytest.mark.parametrize("name", list(SCHEMES))
def test_declarations(name: str) -> None:
    scheme = SCHEMES[name]
    bits, shifts, stored, events = DECLARED[name]
    assert (scheme.max_acc_bits, scheme.shifts, scheme.max_multiplier) == (bits, shifts, (1 << stored) - 1)
    named = (event.split() for event in f"{events}, compare 2".split(", "))
    assert dict(scheme.events) == {f"requant_{event}": int(count) for event, count in named}


def test_numbers_of_the_modes() -> None:
    """Programs and records hold them."""
    assert {mode.name: mode.value for mode in Overflow} == {"SATURATE": 0, "WRAP": 1, "TRAP": 2, "READOUT": 3}
    assert {mode.name: mode.value for mode in Reduction} == {"TREE": 0, "CHAIN": 1}
    assert {scheme.name: scheme.value for scheme in SchemeCode} == {name: code for code, name in enumerate(DECLARED)}
    assert [rounding.value for rounding in Rounding] == list(range(10))


def test_shifts_beyond_62_leave_nothing() -> None:
    requant = SCHEMES["RHAWAY_SHIFT"].derive(np.array([2.0**-47, 2.0**-48, 2.0**-49, 2.0**-60]))
    assert requant.multiplier.tolist() == [1 << 14, 1 << 14, 0, 0]
    assert requant.shift.tolist() == [61, 62, 0, 0]


@pytest.mark.parametrize("m", [0x7FFEFFFF, 0x7FFF0000, 0x7FFFFFFF])
def test_factor_of_the_reduced_multiplier(m: int) -> None:
    requant = Requant.from_words(np.array([m | 3 << 32]), SCHEMES["MBQM64"])
    assert requant.real.tolist() == [ref_reduce_multiplier(m) / 2**12]


@pytest.mark.parametrize("name", [name for name in SCHEMES if SCHEMES[name].synthesizable])
def test_ends_of_the_parameters(name: str) -> None:
    scheme, (_, (lo, hi), stored, _) = SCHEMES[name], DECLARED[name]
    top = (1 << stored) - 1
    scheme.check(np.array([0, top]), np.array([lo, hi]))
    for multiplier, shift in ((-1, lo), (top + 1, lo), (0, lo - 1), (0, hi + 1)):
        with pytest.raises(QuantizationError, match="channel 1"):
            scheme.check(np.array([0, multiplier]), np.array([lo, shift]))


def test_channels_that_are_taken() -> None:
    one, two = (SCHEMES["TFL_DOUBLE"].derive(np.array(reals)) for reals in ([0.5], [0.5, 0.25]))
    assert one.take(slice(3, 5)).real.tolist() == [0.5]
    assert two.take(np.array([1])).real.tolist() == [0.25]


def test_a_scalar_has_no_channels() -> None:
    scheme = SCHEMES["TFL_DOUBLE"]
    with pytest.raises(QuantizationError, match="2 channels in the last axis"):
        requantize(np.array(1), scheme.derive(np.array([0.5, 0.25])), scheme, zero=0, lo=0, hi=1)


def test_binary32_products_stop_at_62_bits() -> None:
    ends = (rescale(acc, 0, 0, 4.0, int(SchemeCode.FP32_RNE), 64) for acc in (-(1 << 62), 1 << 62))
    assert list(ends) == [-(1 << 62), 1 << 62]
