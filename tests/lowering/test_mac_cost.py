"""The closed forms of the cost model against the instructions that the chosen cut becomes."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import HardwareError
from fxsim.graph import Network
from fxsim.hw import Hardware
from fxsim.isa import Load, Mac, MacArray, Merge, Req, Store, SumShape, array_of, bursts, mac_shapes, position_beats
from fxsim.lowering import explain, lower
from tests.lowering.test_homes import ARRAYS, sums


@given(sums(), ARRAYS, st.sampled_from([100, 1000, 5000]), st.sampled_from([1, 2]))
def test_counts_are_those_of_the_program(net: Network, array: dict[str, Any], act: int, split_k: int) -> None:
    """x-port beats, weight-tile loads and requantizer beats exactly; DRAM bytes but for broken bursts at row ends."""
    hw = Hardware(**array, act_spad_bytes=act, split_k=split_k)
    try:
        program = lower(net, hw)
    except HardwareError:
        return
    (plan,) = explain(net, hw)
    work = plan.options[0].cost.work
    macs, reqs = program.columns.table(Mac), program.columns.table(Req)
    shapes = mac_shapes(macs, array_of(hw))
    merges = program.columns.table(Merge)
    assert work.beats == sum(_beats(s, array_of(hw)) for s in shapes) + int(
        ((merges.parts - 1) * merges.positions).sum()
    )
    assert work.tiles == array_of(hw).tile * sum(s.groups for s in shapes)
    assert work.requantize == int((reqs.positions * -(-reqs.rows // hw.timing.requant_lanes)).sum())
    copies = [program.columns.table(cls) for cls in (Load, Store)]
    moved, rows = (sum(int(part(c).sum()) for c in copies) for part in (bursts, lambda c: c.rows))
    assert 64 * moved <= plan.options[0].cost.dram_bytes + 126 * rows


def _beats(shape: SumShape, array: MacArray) -> int:
    first = position_beats(shape, array)
    later = np.full_like(first, shape.reused_beats) if shape.reused_beats else first
    return int((first + (shape.positions - 1) * later).sum())
