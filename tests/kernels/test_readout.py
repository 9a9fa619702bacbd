"""REQ on registers, multipliers and shifts of every row's own, against the plain rule of each scheme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fxsim.hw import Hardware
from fxsim.numerics import SCHEMES, IntFormat, Requant
from fxsim.numerics.reference import ref_requantize
from fxsim.sim import mac_trace
from fxsim.testing import codes, requants
from fxsim.testing.checking.dots import Dots, dot_program

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS = 6
INTEGER = [name for name, scheme in SCHEMES.items() if scheme.synthesizable]
Output = tuple[int, int, int]
WIDE = (0, -32768, 32767)


def read_out(hw: Hardware, scheme: str, acc: Sequence[int], requant: Requant, output: Output) -> list[int]:
    """Codes of a REQ on registers that hold `acc`: biases of sums that are 0."""
    n, (zero, lo, hi) = len(acc), output
    bias = np.array(acc, np.int64)
    dots = Dots(np.zeros(1, np.int64), np.zeros((n, 1), np.int64), bias, requant.words())
    fields = {"scheme": SCHEMES[scheme].code, "out_zero": zero, "clamp_lo": lo, "clamp_hi": hi}
    beats = mac_trace(dot_program(hw, dots, fields)).beats
    return [int(code) for row, count in zip(beats.codes, beats.count, strict=True) for code in row[:count]]


def check(hw: Hardware, scheme: str, acc: Sequence[int], requant: Requant, output: Output) -> None:
    bits = hw.numerics.acc_bits
    pairs = zip(acc, requant.multiplier.tolist(), requant.shift.tolist(), strict=True)
    clamped = [(IntFormat(bits).saturate(a), m, s) for a, m, s in pairs]
    expected = [ref_requantize(a, m, s, 0, scheme, bits, *output) for a, m, s in clamped]
    assert read_out(hw, scheme, acc, requant, output) == expected


def machine(scheme: str, bits: int, overflow: str) -> Hardware:
    return Hardware(rows=ROWS, cols=1, acc_bits=bits, acc_internal_bits=48, overflow=overflow, requantizer=scheme)


@st.composite
def registers(draw: st.DrawFn, requant: Requant, bits: int) -> list[int]:
    """Edges of the format, or what becomes half a code, or a value beside that."""
    fmt, real = IntFormat(bits), requant.real.tolist()
    rows = []
    for factor in real:
        half = draw(st.integers(-300, 300)) + 0.5
        tie = int(half / factor) + draw(st.integers(-1, 1)) if factor else 0
        rows.append(draw(st.sampled_from((draw(codes(fmt)), fmt.saturate(tie)))))
    return rows


@pytest.mark.parametrize("overflow", ["saturate", "readout"])
@pytest.mark.parametrize("scheme", INTEGER)
@settings(max_examples=30)
@given(st.data())
def test_every_row_has_its_own_scale(scheme: str, overflow: str, data: st.DataObject) -> None:
    bits = data.draw(st.sampled_from((8, 18, 32, min(40, SCHEMES[scheme].max_acc_bits))))
    requant = data.draw(requants(scheme, data.draw(st.integers(1, ROWS))))
    acc = data.draw(registers(requant, 40 if overflow == "readout" else bits))
    output = data.draw(st.sampled_from((WIDE, (-3, -128, 127), (17, 0, 255), (5, -100, 90))))
    check(machine(scheme, bits, overflow), scheme, acc, requant, output)


def of(multiplier: Sequence[int], shift: Sequence[int]) -> Requant:
    return Requant(np.array(multiplier, np.int64), np.array(shift, np.int64), np.zeros(len(shift)))


@pytest.mark.parametrize("shift", [0, -1, -2, 1])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("scheme", ["TFL_DOUBLE", "TFL_DOUBLE_UP"])
def test_products_beside_the_tie_of_the_first_rounding(scheme: str, sign: int, shift: int) -> None:
    """acc * multiplier is half of 2**31, one less, one more; 2**31 more of the first two; and none of it."""
    acc, multiplier = [1 << 10, 693, 325, 12288, 431, 1], [1 << 20, 1549411, 3303821, 1 << 18, 7473841, (1 << 31) - 1]
    products = [a * m - (1 << 30) for a, m in zip(acc, multiplier, strict=True)]
    assert products[:5] == [0, -1, 1, 1 << 31, (1 << 31) - 1]
    check(machine(scheme, 32, "saturate"), scheme, [sign * a for a in acc], of(multiplier, [shift] * 6), WIDE)


@pytest.mark.parametrize("shift", [SCHEMES["TFL_DOUBLE"].shifts[0], -1, 0, 1, SCHEMES["TFL_DOUBLE"].shifts[1]])
def test_the_ends_of_the_lanes_shifts(shift: int) -> None:
    ends = [-(1 << 31), (1 << 31) - 1, -1, 0, 1, 1 << 30]
    check(machine("TFL_DOUBLE", 32, "saturate"), "TFL_DOUBLE", ends, of([(1 << 31) - 1] * 6, [shift] * 6), WIDE)
