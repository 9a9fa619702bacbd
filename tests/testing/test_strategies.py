"""What strategies draw is legal and reaches the edges that their docstrings name."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fxsim.numerics import SCHEMES, IntFormat, Requant
from fxsim.testing import affines, aimed_biases, codes, factors, formats, mac_sums, requants, tensors
from tests.testing.reach import draws, unseen


def test_formats_have_all_widths_and_signs() -> None:
    widths = {2, 3, 8, 16, 31, 32, 33, 63, 64}
    assert not unseen(formats(), lambda fmt: [fmt.bits, fmt.signed], widths | {True, False})
    assert {(fmt.bits, fmt.signed) for fmt in draws(formats((7, 9), signed=False), 100)} == {
        (bits, False) for bits in (7, 8, 9)
    }


@given(formats(), st.data())
def test_codes_lie_in_their_format(fmt: IntFormat, data: st.DataObject) -> None:
    assert fmt.lo <= data.draw(codes(fmt)) <= fmt.hi


@pytest.mark.parametrize("fmt", [IntFormat(8), IntFormat(5, signed=False), IntFormat(64)])
def test_codes_seek_the_edges(fmt: IntFormat) -> None:
    edges = {fmt.lo, fmt.lo + 1, 0, 1, 10, 11, 12, fmt.hi - 1, fmt.hi}
    assert not unseen(codes(fmt, 11), lambda code: [code], edges)


@given(formats(), st.sampled_from([(), (0,), (3,), (2, 3)]), st.data())
def test_tensors_are_codes(fmt: IntFormat, shape: tuple[int, ...], data: st.DataObject) -> None:
    array = data.draw(tensors(shape, fmt, 3))
    assert array.shape == shape
    assert array.dtype == (np.uint64 if str(fmt) == "u64" else np.int64)
    assert all(fmt.contains(code) for code in array.ravel().tolist())


def kind_of(codes: set[int]) -> str:
    return "extremes" if codes == {-128, -127, 0, 9, 126, 127} else "constant" if len(codes) == 1 else "noise"


def test_tensors_are_constant_or_noisy_or_extreme() -> None:
    tensor = tensors((99,), IntFormat(8), 9).map(lambda array: set(array.tolist()))
    assert not unseen(tensor, lambda codes: [kind_of(codes), len(codes) > 30], {"extremes", "constant", True})


@given(st.data(), st.sampled_from([IntFormat(8), IntFormat(8, signed=False), IntFormat(16)]), st.integers(0, 4))
def test_affines_are_per_tensor_or_per_channel(data: st.DataObject, fmt: IntFormat, channels: int) -> None:
    quant = data.draw(affines(fmt, channels or None, axis=2))
    assert quant.scale.size == max(channels, 1)
    assert quant.axis == (2 if channels else None)
    assert all(fmt.contains(zero) for zero in quant.zero_point.tolist())


def test_affines_have_extreme_zero_points() -> None:
    assert not unseen(affines(IntFormat(8)), lambda quant: quant.zero_point.tolist(), {-128, 0, 127})
    assert all(not quant.zero_point.any() for quant in draws(affines(IntFormat(8), 3, symmetric=True), 40))


def significant_bits(number: int) -> int:
    """Bits from the first to the last 1."""
    return len(f"{number:b}".rstrip("0"))


@pytest.mark.parametrize("name", SCHEMES)
@settings(max_examples=40)
@given(st.data())
def test_requants_are_those_of_the_scheme(name: str, data: st.DataObject) -> None:
    scheme = SCHEMES[name]
    bits = data.draw(st.sampled_from((32, 20, 9, 2))) if scheme.significand > 1 else 32
    requant = data.draw(requants(name, 3, multiplier_bits=bits))
    assert len(requant) == 3
    scheme.check(requant.multiplier, requant.shift)
    again = Requant.from_words(requant.words(), scheme)
    assert (again.multiplier.tolist(), again.shift.tolist()) == (requant.multiplier.tolist(), requant.shift.tolist())
    assert again.real.tolist() == requant.real.tolist()
    if bits <= scheme.significand:
        assert max(map(significant_bits, requant.multiplier.tolist())) < bits


@pytest.mark.parametrize("name", [name for name in SCHEMES if SCHEMES[name].synthesizable])
def test_requants_reach_the_ends(name: str) -> None:
    scheme = SCHEMES[name]
    wanted = {("multiplier", m) for m in (0, 1, scheme.max_multiplier, (scheme.max_multiplier + 1) // 2)}
    wanted |= {("shift", s) for s in scheme.shifts}
    assert not unseen(
        requants(name), lambda r: {("multiplier", int(r.multiplier[0])), ("shift", int(r.shift[0]))}, wanted
    )


@pytest.mark.parametrize("name", SCHEMES)
@given(st.data())
@settings(max_examples=20)
def test_factors_are_taken(name: str, data: st.DataObject) -> None:
    SCHEMES[name].derive(data.draw(factors(name)))


def is_tie(total: int, factor: Fraction) -> bool:
    """Whether a tie lies within 1 of `total`."""
    return any((Fraction(total + d) * factor) % 1 == Fraction(1, 2) for d in (-1, 0, 1))


REGISTER = IntFormat(16)
REACHED: dict[str, Callable[[list[int]], bool]] = {
    "above the end": lambda p: p[-1] == REGISTER.hi + 1,
    "on the end": lambda p: p[-1] == REGISTER.hi,
    "below the end": lambda p: p[-1] == REGISTER.hi - 1,
    "on the other end": lambda p: p[-1] == REGISTER.lo,
    "past the other end": lambda p: p[-1] == REGISTER.lo - 1,
    "a prefix above": lambda p: REGISTER.hi < max(p) <= REGISTER.hi + 3 and REGISTER.contains(p[-1]),
    "a prefix below": lambda p: REGISTER.lo - 3 <= min(p) < REGISTER.lo and REGISTER.contains(p[-1]),
    "a tie": lambda p: abs(p[-1]) > 50 and is_tie(p[-1], Fraction(1, 64)) and not is_tie(p[-1], Fraction(1, 4)),
    "no aim": lambda p: abs(p[-1]) > 1 << 18,
}


def test_sums_end_where_hardware_goes_wrong() -> None:
    sums = mac_sums(IntFormat(8), IntFormat(8), REGISTER, factor=1 / 64)
    assert not unseen(sums, lambda s: [what for what, mark in REACHED.items() if mark(s.prefixes())], REACHED)


def marks(bias: int) -> list[object]:
    """The bias itself, and how far from a tie of 1/1000 it puts a sum of 200."""
    return [bias, ("tie", (bias + 200 - 500 + 1) % 1000 - 1)] if abs(bias) < 300_000 else [bias]


def test_biases_are_solved_for() -> None:
    """By hand, for prefixes 50, 1000, 200 and 12 bits; no code of 40 bits is likely to be one of these by chance."""
    ends = {1846, 1847, 1848, -2249, -2248, -2247}
    passing = {1048, 1049, 1050, -2099, -2100, -2101}
    ties = {("tie", -1), ("tie", 0), ("tie", 1)}
    biases = aimed_biases([50, 1000, 200], IntFormat(12), stored=IntFormat(40), factor=1 / 1000)
    assert not unseen(biases, marks, ends | passing | ties)


def test_mac_sums_are_in_their_formats() -> None:
    for s in draws(mac_sums(IntFormat(4), IntFormat(7, signed=False), IntFormat(12), lengths=(2, 5)), 60):
        assert 2 <= s.x.size == s.w.size <= 5
        assert all(map(IntFormat(4).contains, s.x.tolist()))
        assert all(map(IntFormat(7, signed=False).contains, s.w.tolist()))
        assert s.prefixes()[-1] == s.bias + sum(x * w for x, w in zip(s.x.tolist(), s.w.tolist(), strict=True))
