"""Roofline: by hand, and no network above its roof."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fxsim
from fxsim._core.errors import HardwareError
from fxsim.graph import Network
from fxsim.hw import Hardware, presets
from fxsim.lowering import lower
from fxsim.sim import estimate, roofline_of
from fxsim.testing import networks
from tests.lowering.test_random import descriptions

MODELS = Path(__file__).resolve().parents[2] / "models" / "digits"


def test_by_hand() -> None:
    """16 x 8 PEs, 60 bytes per cycle: a burst of 64 takes two cycles, 32 bytes each; ridge 128 / 32."""
    hw = Hardware(rows=16, cols=8, dram_bytes_per_cycle=60)
    below = roofline_of(1000, 500, 50, hw)
    assert (below.peak, below.bandwidth, below.ridge) == (128, 32.0, 4.0)
    assert (below.intensity, below.attainable, below.reached, below.bound) == (2.0, 64.0, 20.0, "DRAM")
    above = roofline_of(1000, 100, 10, hw)
    assert (above.intensity, above.attainable, above.reached, above.bound) == (10.0, 128.0, 100.0, "compute")
    nothing = roofline_of(8, 0, 0, hw)
    assert (nothing.intensity, nothing.attainable, nothing.reached, nothing.bound) == (math.inf, 128.0, 0.0, "compute")


@pytest.mark.parametrize("preset", presets())
@pytest.mark.parametrize("name", ["digits_cnn", "digits_fc"])
def test_the_table_has_the_line(name: str, preset: str) -> None:
    result = fxsim.estimate(MODELS / f"{name}.tflite", preset)
    t = result.hardware.timing
    traffic = sum(layer.dram_bytes for layer in result.layers)
    (line,) = (line for line in result.table().splitlines() if line.startswith("roofline "))
    intensity, ridge = result.macs / traffic, t.rows * t.cols / t.dram_bytes_per_cycle
    assert f" {intensity:,.4g} MACs per DRAM byte, ridge point {ridge:,.4g}: " in line
    assert f"bound by {'compute' if intensity >= ridge else 'DRAM'}; " in line
    attainable = min(t.rows * t.cols, intensity * t.dram_bytes_per_cycle)
    assert line.endswith(f" {attainable:,.4g} MACs per cycle attainable, {result.macs / result.cycles:,.4g} reached")


@given(networks(), descriptions(), st.sampled_from([1, 3, 8, 60, 64]))
def test_no_network_is_above_its_roof(net: Network, hw: Hardware, bus: int) -> None:
    try:
        program = lower(net, hw.replace(dram_bytes_per_cycle=bus))
    except HardwareError:
        return  # too small for one tile
    result = estimate(program)
    roof = result.roofline
    assert roof.macs <= roof.peak * roof.cycles
    assert roof.dram_bytes * -(-64 // bus) <= 64 * roof.cycles
    assert roof.reached <= roof.attainable * (1 + 1e-12)
