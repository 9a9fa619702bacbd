"""`accumulators`: the parts meet in one report, and what does not fit is refused before the work starts."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fxsim
from fxsim._core.errors import HardwareError, InputError, LoweringError, MissingDependencyError, TrapError
from fxsim.analysis import AccumulatorReport, layer_bounds
from fxsim.hw import Hardware
from fxsim.testing import Chain

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).resolve().parents[2] / "models" / "digits"
FC = FOLDER / "digits_fc.tflite"
X, Y = np.load(FOLDER / "x_eval_flat.npy")[:30], np.load(FOLDER / "y_eval.npy")[:30]
HW = Hardware.load("edge-16x16").replace(acc_bits=14, bias_policy="apply")


@functools.cache
def report() -> AccumulatorReport:
    found: AccumulatorReport = fxsim.accumulators(FC, X, hw=HW, labels=Y, epsilon=0.1)
    return found


def test_widths_by_name_and_number() -> None:
    exact = fxsim.run(FC, X)
    wide = layer_bounds(fxsim.load(FC), Hardware().numerics)
    assert [layer.name for layer in report().layers] == ["dense1", "dense2", "logits"]
    for number, layer in enumerate(report().layers):
        bits = report().layers[layer.name].bits
        assert bits is layer.bits
        assert bits.observed == exact.layers[layer.name].acc_bits_needed
        assert (bits.exact_wrap, bits.exact_saturate) == (
            wide[number].exact_wrap.max(),
            wide[number].exact_saturate.max(),
        )
        assert layer.channel_bits.propagated.tolist() == wide[number].propagated_saturate.tolist()
        assert bits.output_equal <= bits.observed <= bits.calibrated <= bits.propagated <= bits.exact_saturate
        assert bits.exact_saturate <= bits.l1 <= bits.type
        assert len(layer.channel_bits.observed) == layer.channels == len(layer.channel_bits.type)


def test_a_bound_is_attained_by_an_input_of_the_network() -> None:
    """The first layer's IFM is the network's input: one bit fewer and the machine overflows on the witness."""
    first = report().layers[0]
    assert first.witness.reach == "network"
    assert first.reached == first.bits.exact_saturate == first.witness.bits
    for bits, overflows in ((first.witness.bits, False), (first.witness.bits - 1, True)):
        hw = HW.replace(acc_bits=bits)
        assert bool(fxsim.run(FC, first.witness.x, hw=hw).layers[0].overflow_count) == overflows
    for layer in report().layers:
        assert layer.witness is not None
        assert layer.bits.observed <= layer.reached or layer.witness.reach == "layer"


def test_forensics_and_sweeps_are_those_of_the_machine() -> None:
    result = fxsim.run(FC, X, hw=HW)
    found = report().forensics
    assert found is not None
    assert [layer.stats.overflow_count for layer in found.layers] == [
        layer.overflow_count for layer in result.layers if layer.overflow_count is not None and layer.macs
    ]
    sweep = report().network_sweep
    assert sweep is not None
    point = next(point for point in sweep.curve("saturate") if point.width == 14)
    assert point.overflowed == sum(layer.overflow_count for layer in result.layers)
    assert point.accuracy == (result.outputs["probabilities"].argmax(axis=1) == Y).mean()


def test_the_text_has_every_section() -> None:
    text = report().table()
    for words in (
        "Accumulator bits needed", "Observed on 30 samples", "at 95 % confidence", "held against 15 (odd)",
        "One width in every layer, over 30 samples",
        "Overflows on the machine", "Where it happens most", "worst: sample", "Orders of layer 0 'dense1'",
        "Per-layer widths: accuracy over 30 samples, at most 10 points below", "Pareto front", "What a bit buys",
    ):  # fmt: skip
        assert words in text, words


def test_json_holds_the_numbers() -> None:
    data = json.loads(report().to_json())
    assert data["schema"] == 1
    assert data["layers"][0]["bits"]["observed"] == report().layers[0].bits.observed
    assert data["forensics"]["worst"]["sentence"] in report().table()
    assignments = report().assignments
    assert assignments is not None
    assert data["assignments"]["measured"]["widths"] == assignments.measured.widths
    assert data["observation"]["zero_event_bound"] == pytest.approx(1 - 0.05 ** (1 / 30))


def test_without_samples_only_theorems_and_costs() -> None:
    bare = fxsim.accumulators(FC)
    assert bare.samples == 0
    assert (bare.observation, bare.layer_sweep, bare.forensics, bare.assignments, bare.orders) == (None,) * 4 + ((),)
    assert bare.layers[0].bits.observed is bare.layers[0].bits.output_equal is None
    assert "observed" not in bare.table().split("What a bit buys")[0]
    assert json.loads(bare.to_json())["layer_sweep"] is None


def test_propagated_widths_do_not_depend_on_the_own_width() -> None:
    wide = fxsim.accumulators(FC, hw=HW.replace(acc_bits=32))
    narrow = fxsim.accumulators(FC, hw=HW.replace(acc_bits=9))
    assert [layer.bits.propagated for layer in wide.layers] == [layer.bits.propagated for layer in narrow.layers]


def test_layers_far_from_the_input_are_searched_by_what_comes_before() -> None:
    """Depthwise layers, additions, long names: an input of the network is tried for every layer."""
    deep = fxsim.accumulators(FOLDER / "digits_resnet.tflite")
    assert [layer.witness.reach for layer in deep.layers[:1]] == ["network"]
    for layer in deep.layers:
        assert layer.reached is not None
        assert layer.reached <= layer.bits.exact_saturate


def test_trap_stops_with_the_sentence() -> None:
    with pytest.raises(TrapError, match=r"sample 0, layer 0 'dense1' .*: 14-bit accumulator .* would be enough"):
        fxsim.accumulators(FC, X, hw=HW.replace(overflow="trap"))
    calm = fxsim.accumulators(FC, X[:2], hw=HW.replace(overflow="trap", acc_bits=24))
    assert calm.forensics is not None
    assert calm.forensics.first is None
    assert "Nothing overflowed on 2 samples." in calm.table()


@pytest.mark.parametrize(
    ("error", "message", "arguments"),
    [
        (InputError, "labels must be 30 integers, one per sample", {"labels": Y[:3]}),
        (InputError, r"labels must be in 0..9, not \(0, 10\)", {"labels": np.arange(30) % 11}),
        (InputError, r"epsilon must be in 0..1, not 2", {"epsilon": 2}),
        (InputError, "int16", {"x": X.astype(np.int16)}),
        (InputError, "labels must come with samples", {"x": None}),
        (LoweringError, r"bias must fit 9 accumulator bits \(or bias_policy = apply\)", {"hw": Hardware(acc_bits=9)}),
        (HardwareError, "acc_bits", {"hw": "no-such-preset"}),
    ],
)
def test_bad_input_is_refused_before_the_work_starts(error: Any, message: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(error, match=message if arguments.get("hw") != "no-such-preset" else "hardware must be"):
        fxsim.accumulators(FC, **{"x": X, "labels": Y, "hw": HW, **arguments})


def test_a_network_without_accumulators_is_refused() -> None:
    net = Chain((1, 4, 4, 2)).pool("MAX").build()
    with pytest.raises(InputError, match="net: network must have layers with accumulators"):
        fxsim.accumulators(net)


def test_cells_need_a_synthesizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingDependencyError, match="yosys must be installed to count cells"):
        fxsim.accumulators(FC, cells=True)
