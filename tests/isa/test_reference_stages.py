"""Late biases and inner accumulators on the plain machine, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fxsim.isa import Init, InnerOverflow, Req, Space
from fxsim.isa.machine import Accumulator, Counters
from fxsim.isa.reference import Trap
from fxsim.numerics import Overflow, Reduction
from tests.isa.dots import dot, value, weight_tile
from tests.isa.plain import machine
from tests.isa.strategies import record


@pytest.mark.parametrize(
    ("mode", "code", "counters"),
    [
        (Overflow.SATURATE, 127 - 150, Counters(1, 1, 0, 0, 50, 200)),
        (Overflow.WRAP, 50, Counters(2, 1, 0, 0, 50, 200)),
        (Overflow.TRAP, 127 - 150, Counters(1, 1, 0, 0, 50, 200)),
        (Overflow.READOUT, 50, Counters(0, 0, 0, 0, 50, 200)),
    ],
)
def test_a_bias_that_comes_last_is_one_more_rule_application(mode: Overflow, code: int, counters: Counters) -> None:
    """100 + 100 - 150 in 8 bits, one by one; a bias that starts the sum saturates at -128 instead."""
    rule: dict[str, Any] = {"acc_bits": 8, "internal_bits": 9, "overflow": mode}
    plain = machine(np.array([100, 100], np.int8).tobytes(), weight_tile([[1] * 2]), record(-150, 1 << 30, 1))
    dot(channels=2, init=Init.ZERO, reduction=Reduction.CHAIN, **rule).execute(plain)
    held = value(plain)
    req = Req(rows=1, positions=1, add_bias=1, out_addr=64, out_w=1, clamp_lo=-128, clamp_hi=127, **rule)
    req.execute(plain)
    assert int.from_bytes(plain.read(Space.ACT, 64, 1), "little", signed=True) == code
    assert plain.tallies == {(0, 0): counters}
    assert value(plain) == held


def test_a_late_bias_may_be_what_overflows() -> None:
    """100 + 300: the sum of the products fits, the bias takes it out; the trap names the REQ and k = -1."""
    plain = machine(np.array([100], np.int8).tobytes(), weight_tile([[1]]), record(300, 1 << 30, 1))
    dot(channels=1, init=Init.ZERO, acc_bits=8, overflow=Overflow.TRAP).execute(plain)
    plain.instruction = 5
    Req(rows=1, positions=1, add_bias=1, out_w=1, acc_bits=8, overflow=Overflow.TRAP, clamp_hi=127).execute(plain)
    assert plain.tallies == {(0, 0): Counters(1, 1, 0, 0, 100, 400)}
    assert plain.first_trap == Trap(5, 0, 0, 0, -1, 400)


@pytest.mark.parametrize(
    ("mode", "spilled", "events"),
    [(InnerOverflow.SATURATE, (127, -50), 1), (InnerOverflow.WRAP, (200 - 256, -50), 1)],
)
def test_an_inner_accumulator_spills_into_the_outer_one(
    mode: InnerOverflow, spilled: tuple[int, int], events: int
) -> None:
    """Two groups of four in 8 bits, 100 + 100 + 0 + 0 and -50 + 0 + 0 + 0, then 7 + 60 in a window of their own."""
    x = np.array([100, 100, 0, 0, -50, 0, 0, 0, 7, 60], np.int8)
    plain = machine(x.tobytes(), weight_tile([[1] * 10 + [0] * 2]), record(1000, 0, 0))
    inner: dict[str, Any] = {"inner_bits": 8, "inner_groups": 1, "inner_overflow": mode}
    dot(channels=10, acc_bits=16, reduction=Reduction.TREE, **inner).execute(plain)
    assert value(plain) == 1000 + sum(spilled) + 67
    assert plain.accumulator(0, 0, 0) == Accumulator(value(plain), 1217, True)
    assert plain.tallies[0, 0] == Counters(acc_min=1000, acc_max=1217, inner_events=events)


def test_windows_of_an_inner_accumulator() -> None:
    """Chain of 8 bits, windows of two groups of four: 60 * 8 saturates at 127, then 60 * 2 fits.

    Products 3 to 8 of the first window leave the range, as the register stands at 120 and then at 127.
    """
    plain = machine(np.full(10, 60, np.int8).tobytes(), weight_tile([[1] * 12]), record(-7, 0, 0))
    dot(channels=10, acc_bits=9, reduction=Reduction.CHAIN, inner_bits=8, inner_groups=2).execute(plain)
    assert value(plain) == -7 + 127 + 120
    assert plain.tallies[0, 0] == Counters(acc_min=-7, acc_max=-7 + 600, inner_events=6)


def test_a_spill_may_overflow_the_outer_accumulator() -> None:
    """Two windows of 4 * 60 = 240 in nine bits fit; their sum traps with the spill's last group and first k."""
    plain = machine(np.full(16, 60, np.int8).tobytes(), weight_tile([[1, 0] * 8]), record(0, 0, 0))
    inner: dict[str, Any] = {"inner_bits": 9, "inner_groups": 2}
    dot(channels=16, acc_bits=9, overflow=Overflow.TRAP, **inner).execute(plain)
    assert value(plain) == 255
    assert plain.tallies[0, 0] == Counters(overflow_events=1, acc_min=0, acc_max=480)
    assert plain.first_trap == Trap(0, 3, 0, 0, 8, 480)


def test_an_inner_event_is_one_of_the_output_even_under_readout() -> None:
    rule: dict[str, Any] = {"acc_bits": 16, "internal_bits": 20, "overflow": Overflow.READOUT}
    plain = machine(np.full(4, 60, np.int8).tobytes(), weight_tile([[1] * 4]), record(0, 1 << 30, 1))
    dot(channels=4, inner_bits=8, inner_groups=1, **rule).execute(plain)
    Req(rows=1, positions=1, out_w=1, clamp_hi=127, **rule).execute(plain)
    assert plain.tallies[0, 0] == Counters(overflow_count=1, acc_min=0, acc_max=240, inner_events=1)
