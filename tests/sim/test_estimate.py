"""`estimate`: what `simulate` says of cycles, bytes and energy, without data and without compiling anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import fxsim
from fxsim._core.errors import HardwareError, InputError
from fxsim.api import random_samples
from fxsim.graph import Network
from fxsim.hw import Hardware, presets
from fxsim.lowering import lower
from fxsim.sim import Result, estimate, simulate
from fxsim.testing import mobilenet_v1, networks
from tests.given import NETWORKS, given_folder
from tests.lowering.test_random import descriptions

DIGITS = Path(__file__).resolve().parents[2] / "models" / "digits"
OWN = ("digits_cnn", "digits_fc", "digits_resnet")
VALUES = {
    "acc_min",
    "acc_max",
    "acc_bits_needed",
    "overflow_events",
    "overflow_count",
    "bias_overflow_count",
    "internal_wraps",
    "inner_events",
}


def without_values(record: dict[str, Any]) -> dict[str, Any]:
    """A result's record without what only samples can tell."""
    layers = [{key: v for key, v in layer.items() if key not in VALUES} for layer in record["layers"]]
    return {key: v for key, v in record.items() if key not in ("samples", "trap")} | {"layers": layers}


def assert_same(net: Network, hw: Hardware) -> None:
    program = lower(net, hw)
    guess, real = estimate(program), simulate(program, random_samples(net, 0))
    assert without_values(guess.to_dict()) == without_values(real.to_dict())
    assert guess.samples == 0
    assert all(getattr(layer, name) is None for layer in guess.layers for name in VALUES)


@pytest.mark.slow
@pytest.mark.parametrize("preset", presets())
@pytest.mark.parametrize("name", OWN)
def test_own_networks(name: str, preset: str) -> None:
    assert_same(fxsim.load(DIGITS / f"{name}.tflite"), Hardware.load(preset))


@pytest.mark.slow
@pytest.mark.parametrize("preset", presets())
@pytest.mark.parametrize("name", NETWORKS)
def test_given_networks(name: str, preset: str) -> None:
    assert_same(fxsim.load(given_folder() / f"{name}.tflite"), Hardware.load(preset))


@given(networks(), descriptions())
def test_random_networks_on_random_hardware(net: Network, hw: Hardware) -> None:
    try:
        lower(net, hw)
    except HardwareError:
        return  # too small for one tile
    assert_same(net, hw)


def test_layer_overrides_act() -> None:
    path = DIGITS / "digits_fc.tflite"
    layers = {"dense1": {"acc_bits": 20}}
    assert fxsim.estimate(path, layers=layers).energy_pj < fxsim.estimate(path).energy_pj
    program = fxsim.lower(path, layers=layers)
    x = np.load(DIGITS / "x_eval_flat.npy")[:1]
    assert fxsim.estimate(path, layers=layers).energy_pj == fxsim.simulate(program, x).energy_pj


def test_an_estimate_has_no_outputs(tmp_path: Path) -> None:
    guess = fxsim.estimate(DIGITS / "digits_fc.tflite", "paper-4x4")
    guess.save(tmp_path / "guess.npz")
    for result in (guess, Result.load(tmp_path / "guess.npz")):
        assert result.to_json() == guess.to_json()
        assert len(result.tensors) == 0
        with pytest.raises(InputError, match="digits_fc: an estimate has no values: simulate the program on samples"):
            result.outputs  # noqa: B018


def test_the_table_is_that_of_a_run_without_accumulators() -> None:
    path = DIGITS / "digits_fc.tflite"
    run = fxsim.run(path, np.load(DIGITS / "x_eval_flat.npy")[:1]).table().split("\n\n")
    assert [part.splitlines()[0] for part in run[:3]] == [
        "Cycles and bytes, per sample",
        "Energy by event in pJ, per sample",
        "Accumulators, over 1 samples",
    ]
    assert fxsim.estimate(path).table().split("\n\n") == [*run[:2], *run[3:]]


def test_nothing_compiles() -> None:
    code = f"""
import numba.core.event as event
import fxsim
seen = []
class Listener(event.Listener):
    def on_start(self, event):
        seen.append(event.data["dispatcher"])
    def on_end(self, event):
        pass
with event.install_listener("numba:compile", Listener()):
    fxsim.estimate({str(DIGITS / "digits_cnn.tflite")!r}).table()
    fxsim.estimate(fxsim.gemm(5, 70, 33), "paper-4x4").table()
print(seen)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("preset", presets())
def test_no_layer_works_more_than_the_array_can(preset: str) -> None:
    """A layer that begins under the one before has more cycles than its window; utilization counts them."""
    net = mobilenet_v1(width=0.25, size=96)
    hw = Hardware.load(preset)
    result = fxsim.estimate(net, hw)
    for layer in result.layers:
        assert layer.span_cycles >= layer.cycles
        assert layer.utilization == (
            layer.macs / (hw.timing.rows * hw.timing.cols * layer.span_cycles) if layer.macs else 0
        )
        assert layer.utilization <= 1
