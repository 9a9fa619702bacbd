"""Events of the vector engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.energy.mac_events import count_rescale, count_scheme
from fxsim.energy.taps import count_window_taps
from fxsim.hw import Event, Kind
from fxsim.isa import PoolKind
from fxsim.numerics import SCHEMES, SchemeCode, scheme_of

if TYPE_CHECKING:
    from fxsim.energy.tally import Tally

Array = NDArray[np.int64]

SUM_BYTES = 4
"""A sum that REDUCE stores between its parts."""
SOFTMAX_READS = 3
"""Passes over a row: maximum, exponentials, scaling."""
EXP_MULTIPLIES = 13
"""Input scaling, five products of the polynomial, seven of the exponent's barrel shifter."""
EXP_ADDS = 12
RECIPROCAL_MULTIPLIES = 7
"""One for the first estimate, two per Newton step."""
RECIPROCAL_ADDS = 7


def count_pool(tally: Tally, index: Array) -> None:
    """Taps inside the tile are read and summed (compared); every output is divided (average) and clamped."""
    f = tally.fields(index)
    elements = count_window_taps(f) * f("channels")
    outputs = f("out_h") * f("out_w") * f("channels")
    average = f("kind") == PoolKind.AVERAGE
    tally.add(Event(Kind.ACT_READ), index, elements)
    tally.add(Event(Kind.ACT_WRITE), index, outputs)
    tally.add(Event(Kind.VECTOR_ADD, 32), index, average * (elements + 2 * outputs))
    tally.add(Event(Kind.VECTOR_MULTIPLY, 32, 32), index, average * outputs)
    tally.add(Event(Kind.VECTOR_ADD, 8), index, ~average * elements + 2 * outputs)


def count_vreq(tally: Tally, index: Array) -> None:
    """Zero-point subtraction and the scheme's events per element."""
    for (scheme,), part in tally.groups(index, "scheme"):
        count = tally.fields(part)("count")
        tally.add(Event(Kind.ACT_READ), part, count)
        tally.add(Event(Kind.ACT_WRITE), part, count)
        tally.add(Event(Kind.VECTOR_ADD, 9), part, count)
        count_scheme(tally, part, scheme_of(SchemeCode(scheme)), 32, count)


def count_lut(tally: Tally, index: Array) -> None:
    """One code read, one table entry read and written per element."""
    f = tally.fields(index)
    tally.add(Event(Kind.ACT_READ), index, f("count"))
    tally.add(Event(Kind.PARAM_READ), index, f("count") * f("entry_bytes"))
    tally.add(Event(Kind.ACT_WRITE), index, f("count") * f("entry_bytes"))


def count_reduce(tally: Tally, index: Array) -> None:
    """Zero-point subtraction and addition per element; sums taken and stored, and the scheme's events per output."""
    for (scheme,), part in tally.groups(index, "scheme"):
        f = tally.fields(part)
        outputs = f("outer") * f("inner")
        elements = outputs * f("sum_outer") * f("sum_inner")
        tally.add(Event(Kind.ACT_READ), part, elements + SUM_BYTES * outputs * (1 - f("first")))
        tally.add(Event(Kind.ACT_WRITE), part, outputs * (f("last") + SUM_BYTES * (1 - f("last"))))
        tally.add(Event(Kind.VECTOR_ADD, 9), part, elements)
        tally.add(Event(Kind.VECTOR_ADD, 32), part, elements)
        count_scheme(tally, part, scheme_of(SchemeCode(scheme)), 32, outputs * f("last"))


def count_softmax(tally: Tally, index: Array) -> None:
    """Exponentials and one scaling product per element, one reciprocal per row."""
    f = tally.fields(index)
    rows, elements = f("rows"), f("rows") * f("length")
    tally.add(Event(Kind.ACT_READ), index, SOFTMAX_READS * elements)
    tally.add(Event(Kind.ACT_WRITE), index, elements)
    tally.add(
        Event(Kind.VECTOR_MULTIPLY, 32, 32), index, (EXP_MULTIPLIES + 1) * elements + RECIPROCAL_MULTIPLIES * rows
    )
    tally.add(Event(Kind.VECTOR_ADD, 32), index, EXP_ADDS * elements + RECIPROCAL_ADDS * rows)


def count_vadd(tally: Tally, index: Array) -> None:
    """Two zero-point subtractions, three rescalings and an addition per element; a repeated code is read once a row."""
    elements = _count_operands(tally, index)
    for _ in range(2):
        count_rescale(tally, index, SCHEMES["TFL_DOUBLE"], 32, elements)
    tally.add(Event(Kind.VECTOR_ADD, 32), index, elements)
    count_scheme(tally, index, SCHEMES["TFL_DOUBLE"], 32, elements)


def count_vmul(tally: Tally, index: Array) -> None:
    """Two zero-point subtractions, a product and the scheme's events per element."""
    elements = _count_operands(tally, index)
    tally.add(Event(Kind.VECTOR_MULTIPLY, 9, 9), index, elements)
    for (scheme,), part in tally.groups(index, "scheme"):
        f = tally.fields(part)
        count_scheme(tally, part, scheme_of(SchemeCode(scheme)), 32, f("rows") * f("count"))


def count_copy(tally: Tally, index: Array) -> None:
    """Every byte is read and written."""
    f = tally.fields(index)
    tally.add(Event(Kind.ACT_READ), index, f("rows") * f("row_bytes"))
    tally.add(Event(Kind.ACT_WRITE), index, f("rows") * f("row_bytes"))


def count_fill(tally: Tally, index: Array) -> None:
    """Every byte is written."""
    f = tally.fields(index)
    tally.add(Event(Kind.ACT_WRITE), index, f("rows") * f("row_bytes"))


def _count_operands(tally: Tally, index: Array) -> Array:
    """Count reads, zero-point subtractions and the write of a two-operand instruction; elements per instruction."""
    f = tally.fields(index)
    elements: Array = f("rows") * f("count")
    for step in ("x_step", "y_step"):
        tally.add(Event(Kind.ACT_READ), index, np.where(f(step) == 1, elements, f("rows")))
    tally.add(Event(Kind.ACT_WRITE), index, elements)
    tally.add(Event(Kind.VECTOR_ADD, 9), index, 2 * elements)
    return elements
