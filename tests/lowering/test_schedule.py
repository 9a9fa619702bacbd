"""The choice of the schedule: auto against both fixed dataflows, and what compute-bound layers reach."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fxsim
from fxsim.formats import read_tflite
from fxsim.graph import Network
from fxsim.hw import Hardware, presets
from fxsim.lowering import explain
from fxsim.sim import LayerResult, Result
from fxsim.testing import mobilenet_v1

MODELS = Path(__file__).resolve().parents[2] / "models"


def cycles(net: Network, preset: str, dataflow: str) -> int:
    result: Result = fxsim.estimate(net, Hardware.load(preset).replace(dataflow=dataflow))
    return result.cycles


def mobilenet() -> Network:
    return mobilenet_v1(width=0.5, size=128)


def residual() -> Network:
    return read_tflite(MODELS / "digits" / "digits_resnet.tflite")


@pytest.mark.parametrize("preset", ["edge-16x16", "server-128x128", "gemmini-like-16x16-ws"])
@pytest.mark.parametrize("network", [mobilenet, residual])
def test_the_scheduler_beats_both_fixed_dataflows(network: Callable[[], Network], preset: str) -> None:
    net = network()
    auto, *fixed = (cycles(net, preset, flow) for flow in ("auto", "output-stationary", "weight-stationary"))
    assert auto < min(fixed)


@pytest.mark.parametrize("preset", presets())
def test_the_scheduler_is_never_behind(preset: str) -> None:
    """Layers with many positions and few products leave nothing to choose: the better dataflow is the same all over."""
    net = fxsim.load(MODELS / "digits" / "digits_cnn.tflite")
    auto, *fixed = (cycles(net, preset, flow) for flow in ("auto", "output-stationary", "weight-stationary"))
    assert auto <= min(fixed)


def test_the_chosen_option_comes_first() -> None:
    """Least energy among the options within 1 % of the fewest cycles; a fixed dataflow takes the least traffic."""
    net = fxsim.load(MODELS / "digits" / "digits_cnn.tflite")
    for plan in explain(net, Hardware.load("edge-16x16")):
        if plan.options:
            best = min(option.cost.cycles for option in plan.options)
            tied = [o.cost.energy_pj for o in plan.options if 100 * o.cost.cycles <= 101 * best]
            assert plan.options[0].cost.energy_pj == min(tied)
    for plan in explain(net, Hardware(dataflow="weight-stationary")):
        if plan.options:
            assert plan.options[0].cost.dram_bytes == min(o.cost.dram_bytes for o in plan.options)


@pytest.mark.parametrize("size", [(256, 256, 256), (784, 256, 256), (196, 512, 512), (49, 1024, 1024)])
def test_compute_bound_layers_are_busy(size: tuple[int, int, int]) -> None:
    """K and N whole multiples of the array, more compute than traffic: at least 90 % of the peak."""
    net = fxsim.gemm(*size)
    (plan,) = explain(net, Hardware.load("edge-16x16"))
    assert plan.options[0].cost.bound == "compute"
    assert layer(fxsim.estimate(net, "edge-16x16")).utilization >= 0.9


def test_bounds_are_named() -> None:
    """A wide bus and few outputs: each bound holds where the hardware makes it."""
    hw = Hardware.load("edge-16x16")
    cases: list[tuple[tuple[int, int, int], dict[str, Any], str]] = [
        ((256, 256, 256), {}, "compute"),
        ((1, 256, 256), {}, "DRAM"),
        ((256, 16, 64), {"dram_bytes_per_cycle": 64}, "requantizer"),
        ((256, 256, 256), {"w_port_bytes": 1, "acc_depth": 2, "dram_bytes_per_cycle": 64}, "weight port"),
    ]
    for size, changes, bound in cases:
        (plan,) = explain(fxsim.gemm(*size), hw.replace(**changes))
        assert plan.options[0].cost.bound == bound


def layer(result: Result) -> LayerResult:
    (only,) = result.layers
    return only
