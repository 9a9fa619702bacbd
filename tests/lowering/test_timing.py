"""Tokens meet the timing model: on every hardware, conflicting accesses are apart in actual cycles too."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim.graph import Network
from fxsim.hw import Hardware
from fxsim.isa import Mac, Merge
from fxsim.lowering import lower
from fxsim.sim.timing import timeline
from fxsim.testing import Chain, networks
from tests.lowering.brute import clash, footprint

TIMES = {
    "read_latency": [1, 9],
    "requant_latency": [1, 30],
    "dram_latency": [1, 50],
    "dram_outstanding": [1, 4],
    "pool_depth": [1, 40],
    "w_port_bytes": [1, 64],
    "x_port_bytes": [4, 64],
}


def check_cycles(net: Network, hw: Hardware) -> int:
    """Every access that must wait begins after what it waits for has committed; returns the pairs looked at."""
    program = lower(net, hw)
    times = timeline(program)
    touched = [footprint(i, hw) for i in program.instructions]
    pairs = 0
    for later, second in enumerate(program.instructions):
        # A MAC fetches its weight tile and row records before its first x beat, from its issue on.
        begins = int((times.issue if isinstance(second, Mac | Merge) else times.start)[later])
        for earlier, first in enumerate(program.instructions[:later]):
            if first.unit is not second.unit and clash(touched[earlier], touched[later]):
                assert int(times.end[earlier]) < begins, (earlier, later)
                pairs += 1
    return pairs


@given(networks(), st.fixed_dictionaries({name: st.sampled_from(values) for name, values in TIMES.items()}))
def test_random_networks(net: Network, fields: dict[str, Any]) -> None:
    hw = Hardware(
        rows=4,
        cols=4,
        acc_depth=8,
        requant_lanes=1,
        act_spad_bytes=200,
        weight_spad_bytes=64,
        param_spad_bytes=1024,
        bias_policy="apply",
        **fields,
    )
    check_cycles(net, hw)


@pytest.mark.parametrize("split", [1, 2])
def test_a_layer_of_many_tiles(split: int) -> None:
    net = Chain((1, 4, 4, 8)).conv(8, (2, 2)).pool("MAX").build()
    assert (
        check_cycles(
            net,
            Hardware(
                rows=4,
                cols=4,
                acc_depth=8,
                act_spad_bytes=100,
                weight_spad_bytes=64,
                param_spad_bytes=64,
                split_k=split,
            ),
        )
        > 100
    )
