"""The executor's values, counters and traps against the instructions' own plain-integer definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim.isa.reference import run_plain
from fxsim.numerics import Overflow
from fxsim.sim.executor import execute
from tests.sim.value_programs import INPUT, value_programs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.isa import Program
    from fxsim.isa.reference import PlainResult
    from fxsim.sim.executor import Execution

COUNTERS = ("overflow_events", "overflow_count", "bias_overflow_count", "internal_wraps")


def samples(seed: int, count: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, INPUT), dtype=np.uint8)


def check(program: Program, x: NDArray[np.uint8], run: Execution) -> None:
    results = [run_plain(program, {"x": row.tobytes()}) for row in x]
    expected = np.stack([np.frombuffer(r.bytes_of(program.symbol("y")), np.uint8) for r in results])
    np.testing.assert_array_equal(run.tensors["y"], expected)
    check_counters(program, results, run)
    traps = [(s, *r.trap) for s, r in enumerate(results) if r.trap is not None]
    found = None if run.trap is None else tuple(getattr(run.trap, name) for name in
                                                ("sample", "instruction", "group", "position", "row", "k"))
    assert found == (traps[0] if traps else None)


def check_counters(program: Program, results: list[PlainResult], run: Execution) -> None:
    for i, (layer, stats) in enumerate(zip(program.layers, run.stats, strict=True)):
        for channel in range(layer.channels):
            tallies = [r.counters[i, channel] for r in results if (i, channel) in r.counters]
            for name in COUNTERS:
                assert getattr(stats, f"channel_{name}")[channel] == sum(getattr(t, name) for t in tallies), name
            least = [t.acc_min for t in tallies if t.acc_min is not None]
            if least:
                assert stats.channel_acc_min[channel] == min(least)
                assert stats.channel_acc_max[channel] == max(t.acc_max for t in tallies if t.acc_max is not None)


@pytest.mark.parametrize("overflow", list(Overflow), ids=lambda o: o.name)
@given(data=st.data())
def test_equals_the_instructions_own_meaning(overflow: Overflow, data: st.DataObject) -> None:
    program = data.draw(value_programs(overflow))
    x = samples(data.draw(st.integers(0, 9)))
    check(program, x, execute(program, x))
