"""The laboratory on two-stage accumulators: what it says of the inner stage, and what it leaves out."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fxsim
from fxsim import Hardware
from fxsim._core.errors import HardwareError, TrapError
from fxsim.analysis import accumulators, compare_orders, exact_run, width_sweep
from fxsim.api import random_samples
from fxsim.graph import Network
from fxsim.oracle import golden_stats
from fxsim.report import accumulator_figures, accumulator_page
from fxsim.sim import Phase, carried_numerics
from fxsim.testing import Chain

TWO_STAGES = Hardware(inner_bits=16, inner_products=32, bias_policy="apply")


def net() -> Network:
    return Chain((1, 4, 4, 6), seed=2).conv(5).build()


def test_widths_of_two_stages_are_not_swept() -> None:
    with pytest.raises(HardwareError, match=r"accumulators must have no inner stage here \(inner_bits = 0\), not 16"):
        width_sweep(net(), random_samples(net(), 0, 2), numerics=TWO_STAGES.numerics)


def dense(*rows: list[int]) -> Network:
    """Two layers of eight inputs and outputs; the weights of the first one's channels, the others' are 1."""
    chain = Chain((1, 8), zero_point=0).dense(8, bias=False).dense(8, bias=False).build()
    first, second = (chain.values[node.inputs[1]].data for node in chain.nodes)
    assert first is not None
    assert second is not None
    first[...], second[...] = 1, 1
    first[: len(rows)] = rows
    return chain


PAIRS = Hardware(rows=8, cols=2, reduction="chain", inner_bits=16, inner_products=2, acc_bits=20)


def test_a_report_where_inner_accumulators_fit() -> None:
    """Pairs of 127 times -128..127: -32512..32258, 16 bits; two codes, -256..254, nine bits."""
    x = random_samples(dense([127] * 8), 0, 6)
    found = accumulators(dense([127] * 8), x, hw=PAIRS)
    one, two = found.layers
    assert (one.bits.inner, two.bits.inner, one.inner_fits, two.inner_fits) == (16, 9, True, True)
    assert one.channel_bits.inner.tolist() == [16] + [9] * 7
    assert one.witness is not None
    assert one.witness.bits == one.bits.exact_saturate == 18
    assert one.bits.inner_observed <= 16
    assert found.assignments is not None
    assert found.forensics is not None
    assert (found.forensics.first, found.layer_sweep, found.network_sweep) == (None, None, None)
    assert len(found.orders) == 2
    heads, *_ = (table.heads for table in found.tables())
    assert [heads[-6], *heads[-5:]] == [
        "OFM equal",
        "inner",
        "inner, observed",
        "attained",
        "an input needs",
        "inner fits",
    ]
    text = found.table()
    assert "Outer widths are not swept: the accumulators have an inner stage." in text
    assert "No widths are assigned" not in text
    assert json.loads(found.to_json())["layers"][0]["bits"]["inner"] == 16


def test_a_report_where_inner_accumulators_may_overflow() -> None:
    """-128 * -128 * 2 = 32768 needs 17 bits; all inputs -128 show it, four times in one output."""
    x = np.full((3, 8), -128, np.int8)
    found = accumulators(dense([-128] * 8), x, hw=PAIRS)
    one, two = found.layers
    assert (one.bits.inner, one.bits.inner_observed, one.inner_fits, two.inner_fits) == (17, 17, False, True)
    assert (one.witness, one.reached, found.assignments) == (None, None, None)
    assert two.witness is not None
    assert found.forensics is not None
    assert found.forensics.first is not None
    assert found.forensics.first.sentence in found.table()
    assert [layer.stats.inner_events for layer in found.forensics.layers] == [12, 0]
    assert found.tables()[0].rows[0][-1] == "no"
    assert "No widths are assigned layer by layer: inner accumulators may overflow." in found.table()
    assert json.loads(found.to_json())["layers"][0]["witness"] is None
    assert set(accumulator_figures(found)) == {"bits", "trajectory"}
    page = accumulator_page(found)
    assert "inner, observed" in page
    assert "order canonical, split-K 1; inner 16 bits over 2 products, saturate" in page


def test_bounds_of_two_stages_need_no_samples() -> None:
    found = accumulators(dense([-128] * 8), hw=PAIRS)
    assert [layer.bits.inner for layer in found.layers] == [17, 9]
    assert found.layers[0].bits.inner_observed is None
    assert "swept" not in found.table()
    assert "inner accumulators of 16 bits" in found.table()


def test_inner_events_do_not_trap() -> None:
    """32767 four times is 131068, which 18 bits hold and 17 do not."""
    x = np.full((1, 8), -128, np.int8)
    found = accumulators(dense([-128] * 8), x, hw=PAIRS.replace(overflow="trap", acc_bits=18))
    assert found.forensics is not None
    assert found.forensics.first is not None
    assert found.forensics.first.phase is Phase.INNER
    sentence = r"k = 4\.\.5, .*: 17-bit accumulator trapped at \+65,535; sum of bias and spills 98,301"
    with pytest.raises(TrapError, match=sentence):
        accumulators(dense([-128] * 8), x, hw=PAIRS.replace(overflow="trap", acc_bits=17))


def test_rows_of_two_stages_have_no_verilog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fxsim.api.has_yosys", lambda: True)
    monkeypatch.setattr("fxsim.api.accumulator_report", lambda *_, **__: pytest.fail("the work has started"))
    with pytest.raises(HardwareError, match="rows in Verilog must have no inner accumulator .*, not 16"):
        fxsim.accumulators(dense([1] * 8), hw=PAIRS, cells=True)


def test_exact_runs_and_other_orders_leave_it_out() -> None:
    narrow = TWO_STAGES.replace(inner_bits=13)
    x = random_samples(net(), 0, 2)
    tensors, bits = exact_run(net(), x, narrow.numerics)
    exact = fxsim.golden(net(), x)
    assert bits == 32
    assert all(np.array_equal(tensors[name], exact[name]) for name in exact)
    (layer,) = compare_orders(net(), x, narrow.numerics)
    own, *others = layer.orders
    (stats,) = golden_stats(net(), x, narrow.numerics)[1]
    assert (own.overflowed, own.events) == (stats.overflow_count, stats.inner_events)
    assert own.overflowed > 0
    assert own.wrong_acc > 0
    assert not any(other.wrong_acc for other in others)


def test_instructions_carry_it() -> None:
    program = fxsim.lower(net(), TWO_STAGES, layers={"n0": {"inner_products": 48, "inner_overflow": "wrap"}})
    numerics = carried_numerics(program, 0)
    assert (numerics.inner_bits, numerics.inner_products, numerics.inner_overflow) == (16, 48, "wrap")
    assert carried_numerics(fxsim.lower(net()), 0).inner_bits == 0
