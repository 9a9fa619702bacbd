"""Rule applications of small accumulators in fxsim_accumulate.sv: every accumulator with every pair of products.

The rule is the plain-int twin's `ref_overflow`, asked once for every exact sum that there is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fxsim.numerics import Overflow
from fxsim.numerics.reference import ref_overflow
from tests.rtl.instances import SV, Instance, Instances, Ints
from tests.rtl.tools import require_rtl

pytestmark = pytest.mark.slow

WIDTHS = range(4, 9)
MODES = ((Overflow.SATURATE, Overflow.TRAP), (Overflow.WRAP, Overflow.READOUT))
"""The modes of a register that saturates, and of one that wraps (readout: at its internal width)."""
ROWS = [(operand, tree, wraps) for operand in (3, 2) for tree in (True, False) for wraps in (False, True)]
FARTHEST = 128 + 2 * 16


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Ints]:
    """What each of ROWS makes of all its inputs, counted from 0."""
    require_rtl()
    instances = [
        Instance(
            "two_products",
            {"OPERAND": operand, "TREE": int(tree), "WRAPS": int(wraps)},
            {"given": 8 + 4 * operand},
            {"after": 50},
        )
        for operand, tree, wraps in ROWS
    ]
    sources = [SV / "fxsim_accumulate.sv", Path(__file__).with_name("two_products.sv")]
    built = Instances(tmp_path_factory.mktemp("accumulators"), instances, sources)
    built.build()
    inputs = [np.arange(1 << (8 + 4 * operand)).reshape(-1, 1) for operand, _, _ in ROWS]
    return [codes[:, 0] for codes in built.evaluate(inputs)]


def field(given: Ints, start: int, bits: int) -> Ints:
    """Signed field of packed inputs or outputs."""
    return (given >> start << (64 - bits)) >> (64 - bits)


def rule(bits: int, modes: tuple[Overflow, Overflow]) -> tuple[Ints, Ints]:
    """Register content and event, equal in both modes, of every exact sum from -FARTHEST on."""
    sums = range(-FARTHEST, FARTHEST + 1)
    applied, same = ([ref_overflow(exact, bits, mode, bits) for exact in sums] for mode in modes)
    assert applied == same
    return np.array([value for value, _ in applied]), np.array([int(event) for _, event in applied])


@pytest.mark.parametrize("row", range(len(ROWS)), ids=[f"{o} bits, tree={t}, wraps={w}" for o, t, w in ROWS])
def test_every_accumulator_with_every_operand(found: list[Ints], row: int) -> None:
    operand, tree, wraps = ROWS[row]
    given = np.arange(1 << (8 + 4 * operand))
    x0, w0, x1, w1 = (field(given, 8 + i * operand, operand) for i in range(4))
    addends = [x0 * w0 + x1 * w1] if tree else [x0 * w0, x1 * w1]
    for bits in WIDTHS:
        values, events = rule(bits, MODES[wraps])
        acc, counted = field(given, 0, bits), np.zeros_like(given)
        for addend in addends:
            exact = acc + addend + FARTHEST
            acc, counted = values[exact], counted + events[exact]
        at = 10 * (bits - WIDTHS[0])
        after, seen = field(found[row], at, 8), found[row] >> (at + 8) & 3
        different = np.flatnonzero((after != acc) | (seen != counted))
        assert not different.size, (bits, given[different[0]], after[different[0]], acc[different[0]])
        assert set(np.unique(counted)) == set(range(1 + len(addends)))
