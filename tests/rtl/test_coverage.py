"""Situations are counted right: against the kernels' own counts of events, the plain-int schemes, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim.hw import Hardware
from fxsim.isa import Mac, Req
from fxsim.lowering import lower
from fxsim.numerics import SCHEMES, IntFormat, Scheme
from fxsim.numerics.reference import ref_rescale
from fxsim.rtl import Coverage, coverage_table
from fxsim.rtl.coverage.rounding import Division, divisions
from fxsim.sim import mac_trace
from fxsim.testing import Chain, codes, requants
from tests.rtl.configurations import MACHINES
from tests.rtl.runs import NIGHTLY_PROGRAMS, runs

TREES = [hw for hw in MACHINES if hw.numerics.reduction == "tree" and hw.timing.cols < 6]
INTEGER = [scheme for scheme in SCHEMES.values() if scheme.synthesizable]


@pytest.mark.slow
@pytest.mark.parametrize("hw", TREES, ids=lambda hw: hw.name)
def test_sums_outside_the_range_are_the_events_that_the_kernels_count(hw: Hardware) -> None:
    """In a tree every issue is one rule application, so the two accounts are equal; of inner accumulators too."""
    coverage, events = Coverage(hw), np.zeros(2, np.int64)
    for number, run in enumerate(runs(hw, range(NIGHTLY_PROGRAMS))):
        coverage.add(run.program, run.x)
        issues = mac_trace(run.program, run.x).issues
        events += issues.events.sum(), issues.inner_events.sum()
        if number >= 3 and events[0]:
            break
    assert events[0] > 0
    assert (events[1] > 0) == (hw.numerics.inner_bits > 0)
    for name, count in zip(("sum: ", "inner sum: "), events.tolist(), strict=True):
        assert sum(met for bin, met in coverage.counts.items() if bin.startswith(name)) == count


@pytest.mark.parametrize("scheme", INTEGER, ids=lambda scheme: scheme.name)
@given(st.data())
def test_divisions_round_to_what_the_scheme_gives(scheme: Scheme, data: st.DataObject) -> None:
    acc = data.draw(codes(IntFormat(24)))
    words = data.draw(requants(scheme))
    multiplier, shift = int(words.multiplier[0]), int(words.shift[0])
    last = divisions(scheme, acc, multiplier, shift, 24)[-1]
    floor = last.value >> last.right
    found = ref_rescale(acc, multiplier, shift, 0.0, scheme.name, 24)
    assert found in (floor, floor + 1)
    if not last.is_tie() and scheme.name != "FLOOR":
        assert found == (2 * last.value + (1 << last.right)) >> (last.right + 1)


@pytest.mark.parametrize(("value", "right", "tie"), [(5, 1, True), (-6, 2, True), (6, 1, False), (3, 0, False)])
def test_ties_lie_in_the_middle(value: int, right: int, tie: bool) -> None:
    assert Division(value, right).is_tie() == tie


@pytest.mark.parametrize(("padding", "sides"), [("SAME", 4), ("VALID", 0)])
def test_windows_padded_on_every_side(padding: str, sides: int) -> None:
    hw = Hardware.load("edge-16x16")
    program = lower(Chain((1, 5, 5, 2)).conv(3, padding=padding).build(), hw)
    coverage = Coverage(hw)
    coverage.add(program, np.ones((1, 5, 5, 2), np.int8))
    padded = [name for name in coverage.counts if name.startswith("taps: padded") and coverage.counts[name]]
    assert len(padded) == sides
    macs = len(program.columns.rows_of(Mac))
    assert coverage.counts["N: some rows"] == macs
    assert coverage.counts["runs: over taps"] == coverage.counts["runs: broken in a group"] == macs
    assert coverage.counts["REQ: several positions"] == len(program.columns.rows_of(Req))


def test_refusals_count_where_a_beat_waits() -> None:
    """A mask in the first cycle, before there is an output, or after the last one refuses nothing."""
    hw = Hardware.load("edge-16x16")
    program = lower(Chain((1, 5, 5, 2)).conv(3).build(), hw)
    x = np.ones((1, 5, 5, 2), np.int8)
    cycles = mac_trace(program, x).timeline.cycles
    early, late = Coverage(hw), Coverage(hw)
    early.add(program, x, stalls=[4])
    late.add(program, x, stalls=[*[0] * 2 * cycles, 7])
    assert not any(one.counts[f"port {port}: refuses"] for one in (early, late) for port in "xwy")
    always = Coverage(hw)
    always.add(program, x, stalls=[4] * cycles)
    waits = always.counts["port y: refuses"]
    assert 0 < waits < cycles
    assert always.counts["stall: w_port"] == 0


def test_all_is_missed_before_the_first_run() -> None:
    coverages = [Coverage(hw) for hw in MACHINES[:2]]
    assert coverages[0].missed() == coverages[0].bins()
    rows = {name: counts for name, *counts in coverage_table(coverages).rows}
    assert rows["K: one group"] == [0, 0, 2]
    assert rows["sum: wrap, tree, above, the only group"] == [0, 0, 1]
    assert "bias: added last" not in rows
