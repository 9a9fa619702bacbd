"""Event counts of the vector engine's instructions, by hand."""

from __future__ import annotations

import dataclasses

from fxsim.hw import Event, Hardware, Kind
from fxsim.isa import Copy, Fill, Lut, Reduce, Softmax, VAdd, VMul, VReq
from fxsim.numerics import SchemeCode
from tests.energy.counted import counts


def test_reduce_counts_elements_and_outputs() -> None:
    whole = Reduce(first=1, last=1, outer=2, inner=3, sum_outer=4, sum_inner=5)
    found = counts(Hardware(), whole)
    assert found[Event(Kind.ACT_READ)] == found[Event(Kind.VECTOR_ADD, 9)] == found[Event(Kind.VECTOR_ADD, 32)] == 120
    assert found[Event(Kind.ACT_WRITE)] == found[Event(Kind.REQUANT_MULTIPLY, 32, 32)] == 6
    assert counts(Hardware(), dataclasses.replace(whole, first=0, last=0)) == {
        Event(Kind.ACT_READ): 120 + 24,
        Event(Kind.ACT_WRITE): 24,
        Event(Kind.VECTOR_ADD, 9): 120,
        Event(Kind.VECTOR_ADD, 32): 120,
    }


def test_vector_elements() -> None:
    assert counts(Hardware(), Lut(count=10, entry_bytes=4)) == {
        Event(Kind.ACT_READ): 10,
        Event(Kind.PARAM_READ): 40,
        Event(Kind.ACT_WRITE): 40,
    }
    assert counts(Hardware(), VReq(count=10, scheme=SchemeCode.TFL_DOUBLE))[Event(Kind.REQUANT_MULTIPLY, 32, 32)] == 10
    softmax = counts(Hardware(), Softmax(rows=2, length=5))
    assert softmax[Event(Kind.VECTOR_MULTIPLY, 32, 32)] == 14 * 10 + 7 * 2
    assert counts(Hardware(), VAdd(rows=2, count=5, x_step=1)) == {
        Event(Kind.ACT_READ): 10 + 2,  # the second operand repeats one code per row
        Event(Kind.ACT_WRITE): 10,
        Event(Kind.VECTOR_ADD, 9): 20,
        Event(Kind.VECTOR_ADD, 32): 10,
        Event(Kind.REQUANT_MULTIPLY, 32, 32): 30,
        Event(Kind.REQUANT_ADD64, 64): 60,
        Event(Kind.REQUANT_SHIFT, 64): 30,
        Event(Kind.REQUANT_ADD32, 32): 10,
        Event(Kind.REQUANT_COMPARE, 32): 20,
    }
    assert counts(Hardware(), Copy(rows=3, row_bytes=5)) == {Event(Kind.ACT_READ): 15, Event(Kind.ACT_WRITE): 15}
    assert counts(Hardware(), Fill(rows=3, row_bytes=5)) == {Event(Kind.ACT_WRITE): 15}
    assert counts(Hardware(), VMul(rows=2, count=5, y_step=1, scheme=SchemeCode.TFL_DOUBLE)) == {
        Event(Kind.ACT_READ): 2 + 10,
        Event(Kind.ACT_WRITE): 10,
        Event(Kind.VECTOR_ADD, 9): 20,
        Event(Kind.VECTOR_MULTIPLY, 9, 9): 10,
        Event(Kind.REQUANT_MULTIPLY, 32, 32): 10,
        Event(Kind.REQUANT_ADD64, 64): 20,
        Event(Kind.REQUANT_SHIFT, 64): 10,
        Event(Kind.REQUANT_ADD32, 32): 10,
        Event(Kind.REQUANT_COMPARE, 32): 20,
    }
