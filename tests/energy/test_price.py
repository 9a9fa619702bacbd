"""Prices against the published points, worked out by hand."""

from __future__ import annotations

import math

import pytest

from fxsim._core.errors import EnergyError
from fxsim.hw import GROUP_OF, EnergyTable, Event, Hardware, Kind, energy_tables

TABLE = EnergyTable.load()
EDGE = Hardware()


def price(kind: Kind, bits: int = 0, other: int = 0, hw: Hardware = EDGE) -> float:
    return TABLE.price(Event(kind, bits, other), hw).nominal


@pytest.mark.parametrize(
    ("kind", "bits", "other", "pj"),
    [
        (Kind.MULTIPLY, 8, 8, 0.2),
        (Kind.MULTIPLY, 32, 32, 3.1),
        (Kind.ACCUMULATE, 8, 0, 0.03),
        (Kind.ACCUMULATE, 32, 0, 0.1),
        (Kind.REQUANT_FP_MULTIPLY, 32, 0, 3.7),
        (Kind.DRAM_BLOCK, 0, 0, 8 * 1300.0),
    ],
)
def test_published_points(kind: Kind, bits: int, other: int, pj: float) -> None:
    got = TABLE.price(Event(kind, bits, other), EDGE)
    assert math.isclose(got.nominal, pj, rel_tol=1e-12)
    assert not got.derived


@pytest.mark.parametrize(
    ("kind", "bits", "pj"),
    [
        (Kind.REQUANT_COMPARE, 32, 0.1),
        (Kind.VECTOR_ADD, 8, 0.03),
        (Kind.REQUANT_SHIFT, 64, 0.1 + 32 * 0.07 / 24),
        (Kind.REQUANT_FP_CONVERT, 32, 0.9),
        (Kind.REQUANT_FP_CONVERT, 64, 0.9),
    ],
)
def test_the_price_of_an_adder_is_derived_where_something_else_is_priced(kind: Kind, bits: int, pj: float) -> None:
    got = TABLE.price(Event(kind, bits), EDGE)
    assert math.isclose(got.nominal, pj, rel_tol=1e-12)
    assert got.derived
    assert got.low < got.nominal < got.high


def test_published_ratios_of_int8_to_fp32() -> None:
    rules = TABLE.rules
    assert math.isclose(rules["fp_add"]["points"]["32"] / price(Kind.ACCUMULATE, 8), 30.0, rel_tol=1e-12)
    assert math.isclose(rules["fp_multiply"]["points"]["32"] / price(Kind.MULTIPLY, 8, 8), 18.5, rel_tol=1e-12)


@pytest.mark.parametrize(
    ("half", "access64"),
    [
        (8192, 10.0),
        (32768, 20.0),
        (1 << 20, 100.0),  # published
        (2048, 5.0),  # square root below 8 KB: a quarter of the bytes, half of the energy
        (16384, 10.0 * math.sqrt(2)),  # log-log between 8 KB and 32 KB: slope 1/2
        (4 << 20, 100.0 * 4 ** (math.log(5) / math.log(32))),  # the last slope goes on
    ],
)
def test_scratchpad_price_is_that_of_a_half(half: int, access64: float) -> None:
    hw = EDGE.replace(act_spad_bytes=2 * half)
    got = TABLE.price(Event(Kind.ACT_READ), hw)
    assert math.isclose(got.nominal, access64 / 8, rel_tol=1e-12)
    assert got.derived == (half not in (8192, 32768, 1 << 20))


def test_a_nine_bit_operand_costs_more() -> None:
    assert math.isclose(
        price(Kind.MULTIPLY, 9, 8), 0.002994791666666667 * 72 + 0.0010416666666666667 * 8.5, rel_tol=1e-12
    )


def test_bounds_enclose_the_nominal_price_of_every_kind() -> None:
    for kind in Kind:
        got = TABLE.price(Event(kind, 24, 24), EDGE)
        assert 0 < got.low <= got.nominal <= got.high
        assert got.source
        assert GROUP_OF[kind]
        if got.derived:
            assert got.low < got.high


def test_dram_names_both_published_ends() -> None:
    got = TABLE.price(Event(Kind.DRAM_BLOCK), EDGE)
    assert (got.nominal, got.high) == (8 * 1300.0, 8 * 2600.0)


def test_an_event_without_a_price_is_an_error() -> None:
    kinds = {k: v for k, v in TABLE.kinds.items() if k != "multiply"}
    bare = EnergyTable(TABLE.name, TABLE.source, TABLE.excluded, TABLE.rules, kinds)
    with pytest.raises(EnergyError, match="must have a price, not 'multiply'"):
        bare.price(Event(Kind.MULTIPLY, 8, 8), EDGE)


def test_unknown_table() -> None:
    assert energy_tables() == ("horowitz-45nm",)
    with pytest.raises(EnergyError, match="must be one of: horowitz-45nm, not 'x'"):
        EnergyTable.load("x")
