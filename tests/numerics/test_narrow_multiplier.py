"""Requantizers whose multiplier has few bits, against one that is narrow: its product and shifts in plain integers."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import QuantizationError
from fxsim.numerics import SCHEMES, middle_factor, requantize
from fxsim.numerics.reference import ref_derive
from fxsim.testing import codes
from fxsim.testing.requants import reals
from tests.numerics.edges import requant_cases

OWN = {"TFL_DOUBLE": 31, "TFL_SINGLE": 31, "TFL_DOUBLE_UP": 31, "RNDNU": 24, "MBQM64": 15, "RHAWAY_SHIFT": 15,
       "FLOOR": 31}  # fmt: skip
"""Bits of every scheme's own multiplier, its sign aside."""
ALL = pytest.mark.parametrize("name", list(OWN))
FAR = 1 << 62


def up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def away(value: Fraction) -> int:
    return up(value) if value >= 0 else -up(-value)


LAST: dict[str, Callable[[Fraction], int]] = {"TFL_DOUBLE": away, "RHAWAY_SHIFT": away, "FLOOR": math.floor}
"""Last roundings that are not to nearest with ties up."""


def signed(value: int, bits: int) -> int:
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)


def narrow(real: float, bits: int) -> tuple[int, int]:
    """(m, e) with real ~ m * 2**(e - bits), m of `bits` bits: the register of a narrow multiplier."""
    exact, e = Fraction(real), 0
    while exact >= Fraction(2) ** e:
        e += 1
    while exact < Fraction(2) ** (e - 1):
        e -= 1
    m = away(exact * Fraction(2) ** (bits - e))
    return (m, e) if m < 1 << bits else (m // 2, e + 1)


def fits(name: str, e: int) -> bool:
    """Whether the scheme's shifter reaches a factor with this exponent."""
    if name == "RNDNU":
        return 16 <= 24 - e <= 55
    return e <= {"MBQM64": 7, "RHAWAY_SHIFT": 15}.get(name, 30)


def narrow_hardware(acc: int, real: float, name: str, bits: int, width: int) -> int | None:
    """Scale an accumulator by a multiplier of `bits` bits and its sign; `None` beyond the shifter."""
    own = min(bits - 1, OWN[name])
    m, e = narrow(float(np.float32(real)) if name == "RNDNU" else real, own)
    if name == "MBQM64" and bits > 15:  # TFLite rounds its 31 bits again
        m, e = narrow(real, 31)
        m = min(up(Fraction(m, 1 << 16)), 0x7FFF)
    if name in ("TFL_SINGLE", "FLOOR") and e > 30:
        m, e = (1 << own) - 1, 30
    if not fits(name, e):
        return None
    if e < (-47 if name == "RHAWAY_SHIFT" else -31):
        m, e = 0, 0
    last = LAST.get(name, up)
    if name.startswith("TFL_DOUBLE"):
        first = up(Fraction(signed(acc << max(e, 0), width) * m, 1 << own))
        first = min(max(first, -(1 << width - 1)), (1 << width - 1) - 1)
        return last(first / Fraction(2) ** max(-e, 0))
    product = acc * m / Fraction(2) ** (own - e)
    if name == "MBQM64":
        return signed(last(product), width)
    return min(max(last(product), -FAR), FAR)


@ALL
@given(st.data(), st.integers(2, 32))
def test_equal_to_narrow_hardware(name: str, data: st.DataObject, bits: int) -> None:
    acc, real, acc_bits = data.draw(requant_cases(name))
    scheme, ends = SCHEMES[name], {"lo": -(1 << 31), "hi": (1 << 31) - 1}
    expected = narrow_hardware(acc, real, name, bits, max(32, acc_bits))
    if expected is None:
        with pytest.raises(QuantizationError, match=f"shift of {name}"):
            scheme.derive(real, bits)
        return
    requant = scheme.derive(real, bits)
    got = requantize(np.array([acc]), requant, scheme, zero=0, acc_bits=acc_bits, **ends)
    assert got.tolist() == [min(max(expected, ends["lo"]), ends["hi"])]


@ALL
@given(reals(-30, 6), st.integers(2, 32))
def test_parameters(name: str, real: float, bits: int) -> None:
    """The plain twin's, left-aligned in the scheme's own multiplier; its own narrower one holds."""
    scheme = SCHEMES[name]
    requant = scheme.derive(real, bits)
    multiplier, shift = int(requant.multiplier[0]), int(requant.shift[0])
    assert (multiplier, shift, float(requant.real[0])) == ref_derive(real, name, bits)
    assert scheme.multiplier_width(bits) == min(bits, OWN[name] + 1)
    if bits > OWN[name]:
        whole = scheme.derive(real)
        assert (multiplier, shift) == (int(whole.multiplier[0]), int(whole.shift[0]))
    else:
        assert multiplier % (1 << {"MBQM64": 31}.get(name, OWN[name]) - bits + 1) == 0
        assert abs(float(requant.real[0]) / real - 1) <= 2.0 ** (1 - bits) + 2.0**-23


def test_by_hand() -> None:
    """Ties go away from zero: 3/4 becomes 1. 0.1 is 0.8 / 8: of 4, 8, 256 parts of 1/8 it takes 3.2, 6.4, 204.8."""
    single = SCHEMES["TFL_SINGLE"]
    assert [float(single.derive(real, 2).real[0]) for real in (0.625, 0.75, 0.5, 0.1)] == [0.5, 1.0, 0.5, 0.125]
    assert [float(single.derive(0.1, bits).real[0]) for bits in (3, 4, 9)] == [3 / 32, 6 / 64, 205 / 2048]


def floors(values: list[int], real: float, bits: int = 32) -> list[int]:
    scheme = SCHEMES["FLOOR"]
    codes = requantize(np.array(values), scheme.derive(real, bits), scheme, zero=0, lo=-128, hi=127)
    return [int(code) for code in codes]


def test_floor_drops_bits() -> None:
    assert floors([7, -7, 1, -1, 0, 8], 0.5) == [3, -4, 0, -1, 0, 4]
    assert floors([100, -100], 0.3) == [30, -31]  # the multiplier is just above 0.3
    assert floors([5, -5], 3.0, 2) == [20, -20]  # by 4


@given(codes(32), st.integers(0, 20))
def test_floor_by_a_power_of_two_is_a_shift(acc: int, shift: int) -> None:
    (code,) = floors([acc], 2.0**-shift, 2)
    assert code == min(max(acc >> shift, -128), 127)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("REVEN_SHIFT", "it only shifts"), ("TFL_DOUBLE_FP", "its factor is a float"), ("FP32_RNE", "its factor is a f")],
)
def test_schemes_without_a_multiplier_refuse(name: str, reason: str) -> None:
    SCHEMES[name].derive(0.5, 32)
    with pytest.raises(QuantizationError, match=f"multiplier_bits must be 32 for {name}, {reason}.*, not 31"):
        SCHEMES[name].derive(0.5, 31)


@given(st.lists(st.floats(2.0**-40, 2.0**30), min_size=1, max_size=6))
def test_middle_factor(reals: list[float]) -> None:
    """One factor, as far below the greatest as above the least."""
    got: Any = middle_factor(np.array(reals))
    assert got.shape == (1,)
    middle = float(got[0])
    assert math.isclose(max(reals) / middle, middle / min(reals), rel_tol=1e-14)
    if min(reals) == max(reals):
        assert middle == reals[0]


def test_middle_factor_of_zeros() -> None:
    assert middle_factor(np.zeros(3)).tolist() == [0.0]
    assert middle_factor(np.array([0.0, 1.0])).tolist() == [0.0]
