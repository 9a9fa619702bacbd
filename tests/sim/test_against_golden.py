"""The simulator equals golden: random networks, random numerics, all presets, every tensor and every counter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fxsim
from fxsim._core.errors import HardwareError, LoweringError
from fxsim.api import differences, random_samples
from fxsim.graph import LayerStats, Network
from fxsim.hw import Hardware, Timing, presets
from fxsim.lowering import lower
from fxsim.oracle import golden_stats
from fxsim.sim.executor import execute
from fxsim.testing import networks
from fxsim.testing.machines import VECTOR_OPS
from tests.given import NETWORKS, given_folder
from tests.lowering.test_random import descriptions, refused, requantizers


def compare(net: Network, hw: Hardware, samples: int, seed: int) -> list[LayerStats]:
    """Zero differing elements and equal counters; returns golden's counters."""
    x = random_samples(net, seed, samples)
    got = execute(lower(net, hw), x, keep="all")
    expected, stats = golden_stats(net, x, hw.numerics)
    for name, want in got.tensors.items():
        assert np.array_equal(np.asarray(expected[name]).view(np.uint8), want.view(np.uint8)), name
    assert len(got.stats) == len(stats)
    for number, (mine, theirs) in enumerate(zip(got.stats, stats, strict=True)):
        assert mine.same_as(theirs), f"layer {number}"
    return stats


@given(networks(), descriptions(), requantizers(), st.integers(0, 99))
def test_random_networks_on_random_hardware(net: Network, hw: Hardware, requantizer: dict[str, Any], seed: int) -> None:
    hw = hw.replace(**requantizer)
    try:
        stats = compare(net, hw, 3, seed)
    except HardwareError:
        return  # too small for one tile
    except LoweringError:
        refused(net, hw)
        return
    exact = (hw.numerics.requantizer, hw.numerics.multiplier_bits, hw.numerics.multipliers)
    if exact != ("profile", 32, "channel"):
        return
    if not any(s.overflow_count or s.bias_overflow_count or s.internal_wraps for s in stats):
        x = random_samples(net, seed, 3)
        runtime = fxsim.golden(net, x)
        hardware = fxsim.golden(net, x, numerics=hw.numerics)
        assert sum(d.mismatches for d in differences(runtime, hardware)) == 0


@st.composite
def timings(draw: st.DrawFn) -> dict[str, Any]:
    """Every field of `Timing` but the columns, which are numerics for a tree."""
    return {
        "rows": draw(st.integers(1, 6)),
        "acc_depth": 2 * draw(st.integers(3, 8)),
        "act_spad_bytes": draw(st.sampled_from([2000, 5000, 100_000])),
        "weight_spad_bytes": draw(st.sampled_from([2000, 100_000])),
        "param_spad_bytes": draw(st.sampled_from([2000, 100_000])),
        "x_port_bytes": draw(st.integers(4, 64)),
        "w_port_bytes": draw(st.integers(1, 64)),
        "requant_lanes": draw(st.integers(1, 4)),
        "vector_lanes": draw(st.integers(1, 32)),
        "dram_bytes_per_cycle": draw(st.integers(1, 64)),
        "dram_latency": draw(st.integers(1, 100)),
        "dram_outstanding": draw(st.integers(1, 8)),
        "read_latency": draw(st.integers(1, 4)),
        "mul_latency": draw(st.integers(1, 4)),
        "tree_levels_per_stage": draw(st.integers(1, 4)),
        "chain_per_stage": draw(st.integers(1, 4)),
        "requant_latency": draw(st.integers(1, 8)),
        "dataflow": draw(st.sampled_from(["auto", "output-stationary", "weight-stationary"])),
        "double_buffering": draw(st.sampled_from(["on", "off"])),
        "layer_reuse": draw(st.sampled_from(["on", "off"])),
        **{f"{op}_{what}": draw(st.integers(1, 9)) for op in VECTOR_OPS for what in ("depth", "interval")},
        "clock_mhz": draw(st.integers(1, 2000)),
    }  # fmt: skip


@given(networks(), descriptions(), timings(), st.integers(0, 99))
def test_timing_never_changes_a_bit(net: Network, hw: Hardware, timing: dict[str, Any], seed: int) -> None:
    assert set(timing) | {"cols"} == {f.name for f in Timing.__dataclass_fields__.values()}
    roomy = hw.replace(act_spad_bytes=10_000, weight_spad_bytes=10_000, param_spad_bytes=10_000, acc_depth=12)
    x = random_samples(net, seed, 2)
    try:
        one = execute(lower(net, roomy), x, keep="all")
        other = execute(lower(net, roomy.replace(**timing)), x, keep="all")
    except HardwareError:
        return
    for name, want in one.tensors.items():
        assert np.array_equal(want.view(np.uint8), other.tensors[name].view(np.uint8)), name
    assert all(a.same_as(b) for a, b in zip(one.stats, other.stats, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("overflow", ["saturate", "wrap", "readout"])
@pytest.mark.parametrize("preset", presets())
@pytest.mark.parametrize("name", NETWORKS)
def test_given_networks(name: str, preset: str, overflow: str) -> None:
    net = fxsim.load(given_folder() / f"{name}.tflite")
    bits = {"saturate": 32, "wrap": 17, "readout": 18}[overflow]
    compare(net, Hardware.load(preset).replace(acc_bits=bits, overflow=overflow, bias_policy="apply"), 2, 1)
