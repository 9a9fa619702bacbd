"""Other requantizers, by plain integers layer by layer, by golden end to end, and on networks where one must win."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import fxsim
from fxsim._core.errors import InputError, QuantizationError, TrapError
from fxsim.analysis import OWN, RequantizerRun, RequantizerStudy, mac_nodes, predicted, study_requantizers
from fxsim.analysis.mac_sums import MacSums
from fxsim.analysis.requantizers import layer as layers_module
from fxsim.analysis.requantizers import study as requantizers
from fxsim.analysis.requantizers.layer import requantizer_candidates
from fxsim.api import random_samples
from fxsim.graph import Network
from fxsim.hw import Hardware, Numerics
from fxsim.numerics import PROFILES, SCHEMES
from fxsim.numerics.reference import ref_derive, ref_multiplier, ref_requantize
from fxsim.ops import FullyConnected, accumulate_outputs, gather, mac_params
from fxsim.testing import Chain
from tests.ops.mac_cases import MacCase, mac_cases
from tests.ops.networks import bias, single, tensor, weights
from tests.ops.test_mac import numerics
from tests.own import images

HW = Hardware(rows=4, cols=4)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two widths of multipliers instead of all."""
    monkeypatch.setattr(layers_module, "MULTIPLIER_BITS", (14, 8))


def net(profile: str = "tflite") -> Network:
    """A 1 x 1 convolution, a pool, a fully connected layer."""
    return Chain((1, 4, 3, 2), seed=3).conv(3, (1, 1)).pool("MAX").reshape(1, 36).dense(4).build(profile=profile)


def rows_of(codes: Any, depth: int) -> list[list[int]]:
    found: list[list[int]] = np.asarray(codes).reshape(-1, depth).tolist()
    return found


def plain_codes(net: Network, number: int, x: Any, fields: dict[str, Any]) -> list[int] | None:
    """Codes of a layer that multiplies rows by a matrix, from its operand's codes; None where a factor does not fit."""
    node = net.nodes[number]
    before, w, b, after = (net.values[i] for i in (*node.inputs, node.outputs[0]))
    (si, zx), (so, zy) = ((float(v.type.quant.scale[0]), int(v.type.quant.zero_point[0])) for v in (before, after))  # type: ignore[union-attr]
    matrix = rows_of(w.data, w.type.shape[-1])
    steps = [float(s) for s in w.type.quant.scale]  # type: ignore[union-attr]
    real = [ref_multiplier(net.profile, node.op, len(steps) > 1, si, s, so) for s in steps]
    if fields["multipliers"] == "tensor":
        real = [min(real) * math.sqrt(max(real) / min(real))]
    name = fields["requantizer"]
    name = PROFILES[net.profile].scheme(node.op).name if name == "profile" else name
    try:
        SCHEMES[name].derive(np.array(real), fields["multiplier_bits"])
    except QuantizationError:
        return None
    derived = [ref_derive(r, name, fields["multiplier_bits"]) for r in real] * (len(matrix) // len(real))
    return [
        ref_requantize(int(b0) + sum((i - zx) * j for i, j in zip(row, column, strict=True)),
                       *scale, name, 32, zy, -128, 127)
        for row in rows_of(x, len(matrix[0]))
        for column, b0, scale in zip(matrix, b.data.tolist(), derived, strict=True)  # type: ignore[union-attr]
    ]  # fmt: skip


def test_layers_alone_by_plain_integers() -> None:
    """The last layer of profile litert requantizes in binary64."""
    made = net("litert")
    x = random_samples(made, 1, 12)
    study, exact = check_end_to_end(made, x, HW), fxsim.golden(made, x)
    assert [layer.number for layer in study.layers] == mac_nodes(made) == [0, 3]
    own = {"requantizer": "profile", "multiplier_bits": 32, "multipliers": "channel"}
    for layer in study.layers:
        node = made.nodes[layer.number]
        operand = exact[made.values[node.inputs[0]].name]
        wanted = exact[layer.tensor].reshape(-1).tolist()
        assert layer.elements == len(wanted)
        for name, fields in requantizer_candidates().items():
            codes = plain_codes(made, layer.number, operand, own | fields)
            assert (codes is None) == (name in layer.refused) == (name not in layer.mismatches), name
            if codes is not None:
                assert layer.mismatches[name] == sum(a != b for a, b in zip(codes, wanted, strict=True)), name
        assert any(layer.mismatches.values())
        assert layer.cheapest == min(layer.equal, key=lambda name: layer.pj[name])


def check_end_to_end(made: Network, x: Any, hw: Hardware, y: Any = None) -> RequantizerStudy:
    """Every run is golden's; so is the assignment, in every element."""
    study = study_requantizers(made, x, hw, labels=y)
    reference = fxsim.golden(made, x, numerics=hw.numerics)
    outputs = [made.values[i].name for i in made.outputs]
    tensors = [layer.tensor for layer in study.layers]
    assert {*(run.name for run in study.runs), *study.refused} == set(requantizer_candidates())
    for run in study.runs:
        found = fxsim.golden(made, x, numerics=hw.replace(**run.fields).numerics)
        assert run.mismatches == sum(int(np.count_nonzero(found[n] != reference[n])) for n in tensors), run.name
        assert run.output_mismatches == sum(int(np.count_nonzero(found[n] != reference[n])) for n in outputs)
        assert run.alone == sum(layer.mismatches[run.name] for layer in study.layers)
        mine, theirs = (predicted(tensors.subset(outputs)) for tensors in (found, reference))
        assert run.same_answer == int(np.count_nonzero(mine == theirs))
        assert run.correct == (None if y is None else int(np.count_nonzero(mine == y)))
    for run in study.runs[::9]:
        assert run.energy_pj == pytest.approx(fxsim.estimate(made, hw.replace(**run.fields)).energy.nominal)
    for name in study.refused:
        with pytest.raises(QuantizationError):
            fxsim.golden(made, x, numerics=hw.replace(**requantizer_candidates()[name]).numerics)
    together = fxsim.golden(made, x, numerics=hw.numerics, layers=study.assignment.layers)
    assert all(np.array_equal(together[name], reference[name]) for name in reference)
    return study


@pytest.mark.parametrize(
    ("profile", "fields"),
    [
        ("litert", {"acc_bits": 14, "overflow": "wrap", "bias_policy": "apply", "zero_point": "subtract"}),
        ("tflite", {"requantizer": "FLOOR", "multiplier_bits": 9, "multipliers": "tensor", "acc_bits": 40}),
    ],
)
def test_the_network_by_golden(profile: str, fields: dict[str, Any]) -> None:
    made = net(profile)
    x = random_samples(made, 2, 10)
    study = check_end_to_end(made, x, HW.replace(**fields), np.arange(10) % 4)
    assert len({run.mismatches for run in study.runs}) > 5
    keys = [(r.mismatches, r.output_mismatches, -r.correct, r.energy_pj) for r in study.runs]  # type: ignore[operator]
    assert keys == sorted(keys)


@pytest.mark.slow
def test_layers_with_numerics_of_their_own() -> None:
    """The reference is what `layers` make of the hardware; a requantizer that is tried replaces theirs."""
    made, x = net(), random_samples(net(), 2, 20)
    own: dict[str, Any] = {"n3": {"requantizer": "FLOOR", "multiplier_bits": 6, "acc_bits": 40}}
    study = study_requantizers(made, x, HW, layers=own)
    reference = fxsim.golden(made, x, numerics=HW.numerics, layers=own)
    for name, fields in {"FLOOR": SCHEMES["FLOOR"].name, "RNDNU": "RNDNU"}.items():
        other = HW.replace(requantizer=fields).numerics
        found = fxsim.golden(made, x, numerics=other, layers={"n3": {"acc_bits": 40}})
        tensors = [layer.tensor for layer in study.layers]
        assert study.runs[name].mismatches == sum(int(np.count_nonzero(found[n] != reference[n])) for n in tensors)
    assert study.runs[OWN].mismatches == 0
    narrow = study.layers[1].mismatches
    assert narrow["FLOOR, 8 bits"] > 0
    assert study.assignment.layers[study.layers[1].tensor]["requantizer"] == "FLOOR"


def scaled(steps: list[float], out: float = 1.0) -> Network:
    """Eight weights of 1 per channel; accumulators are the sums of the codes, factors the steps over `out`."""
    w = weights([[1] * 8] * len(steps), steps, axis=0)
    n = len(steps)
    return single("FULLY_CONNECTED", FullyConnected(), tensor((1, 8), 1.0), tensor((1, n), out), w, bias([0] * n))


def test_powers_of_two_need_no_multiplier() -> None:
    """Halves and quarters: one rounding to nearest is a shift; without it, or with ties to even, codes differ."""
    made, hw = scaled([0.5, 0.25, 0.5]), HW.replace(requantizer="TFL_SINGLE")
    x = np.random.default_rng(0).integers(-20, 21, (50, 8)).astype(np.int8)
    study = check_end_to_end(made, x, hw)
    (layer,) = study.layers
    assert layer.cheapest == "own, shift only"
    assert layer.pj["own, shift only"] < layer.pj["TFL_SINGLE, 8 bits"] < layer.pj[OWN]
    assert layer.mismatches["REVEN_SHIFT"] > 0
    assert layer.mismatches["FLOOR, shift only"] > 0
    assert layer.mismatches["TFL_DOUBLE"] > 0
    assert "own, per tensor" not in layer.equal
    assert study.assignment.layers == {layer.tensor: {"requantizer": "TFL_SINGLE", "multiplier_bits": 2,
                                                      "multipliers": "channel"}}  # fmt: skip
    assert study.assignment.requant_pj == pytest.approx(layer.pj["own, shift only"])
    assert study.runs["own, shift only"].requant_pj == pytest.approx(layer.pj["own, shift only"])
    assert study.assignment.energy_pj < study.runs[OWN].energy_pj


def test_where_nothing_is_rounded_the_least_hardware_wins() -> None:
    """A factor of 1 drops no bits; all schemes agree, and the one that only drops bits costs least."""
    made = scaled([1.0, 1.0])
    x = np.random.default_rng(0).integers(-9, 10, (20, 8)).astype(np.int8)
    study = check_end_to_end(made, x, HW)
    (layer,) = study.layers
    assert layer.cheapest == "FLOOR, shift only"
    assert not any(layer.mismatches.values())
    assert study.runs[0].name == "FLOOR, shift only"
    assert "FLOOR, shift only" in study.table()


def test_what_does_not_fit_is_listed_with_its_reason() -> None:
    """Accumulators of 50 bits, and a factor of 3 in one layer: shifts to the right only halve."""
    x = np.ones((4, 8), np.int8)
    wide = study_requantizers(scaled([0.5, 0.25]), x, HW.replace(requantizer="FP32_RNE", acc_bits=50))
    assert "acc_bits must be in 2..48 to requantize by TFL_SINGLE" in wide.refused["TFL_SINGLE, 8 bits"]
    assert "multiplier_bits must be 32 for FP32_RNE, its factor is a float" in wide.refused["own, 14 bits"]
    assert {run.name for run in wide.runs} == {OWN, "REVEN_SHIFT", "TFL_DOUBLE_FP", "FP32_RNE", "own, per tensor"}
    steep = study_requantizers(scaled([3.0, 0.25]), x, HW)
    assert "shift of REVEN_SHIFT must be in 0..62, not -2" in steep.refused["REVEN_SHIFT"]
    assert "shift of REVEN_SHIFT" in steep.layers[0].refused["REVEN_SHIFT"]
    assert "Requantizers that do not fit" in steep.table()
    assert set(steep.refused) == {"REVEN_SHIFT"}


@pytest.mark.slow
def test_batches_and_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = net()
    x = random_samples(made, 4, 17)
    y = np.random.default_rng(5).integers(0, 4, 17)
    whole = study_requantizers(made, x, HW, labels=y).to_dict()
    monkeypatch.setattr(requantizers, "_BATCH_BYTES", 1200)
    monkeypatch.setattr(layers_module, "_CHUNK_ELEMENTS", 40)
    assert study_requantizers(made, x, HW, labels=y).to_dict() == whole
    assert json.loads(json.dumps(whole)) == whole


@pytest.mark.slow
def test_our_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers_module, "MULTIPLIER_BITS", (28, 24, 8))
    made = fxsim.load("models/digits/digits_fc.tflite")
    x = images("digits_fc", 60)
    study = study_requantizers(made, x, Hardware.load("edge-16x16"))
    assert study.runs[OWN].mismatches == study.runs["TFL_DOUBLE"].mismatches == 0
    assert study.runs["FLOOR"].mismatches > study.runs["own, 8 bits"].mismatches > 0
    assert study.runs[0].requant_pj <= study.runs[OWN].requant_pj
    assert study.assignment.requant_pj < study.runs[OWN].requant_pj
    text = study.table()
    assert "no proof" in text
    assert all(layer.name in text for layer in study.layers)


def test_bad_input_is_refused_first() -> None:
    x = random_samples(net(), 0, 3)
    with pytest.raises(InputError, match="labels must be 3 integers"):
        study_requantizers(net(), x, HW, labels=np.zeros(2, int))
    pool = Chain((1, 4, 4, 2)).pool("MAX").build()
    with pytest.raises(InputError, match="network must have layers with accumulators"):
        study_requantizers(pool, random_samples(pool, 0, 3), HW)
    with pytest.raises(TrapError, match="sample 0"):
        study_requantizers(net(), x, HW.replace(acc_bits=8, overflow="trap", bias_policy="apply"))


@given(mac_cases(), numerics())
def test_sums_are_the_machines(case: MacCase, hw: Numerics) -> None:
    params = mac_params(case.net, case.net.nodes[0], hw)
    window = params.window
    x = case.x.reshape(-1, window.in_h, window.in_w, window.channels)
    rows = slice(0, len(x) * window.positions)
    expected = accumulate_outputs(params, gather(params, x, rows), hw).value
    assert np.array_equal(MacSums(params, hw).accumulators(x), expected)


def test_sums_that_just_leave_the_accumulator() -> None:
    """8 * 127 + 100 is beyond 11 bits, but within twice their range."""
    w = weights([[1] * 8])
    made = single("FULLY_CONNECTED", FullyConnected(), tensor((1, 8)), tensor((1, 1)), w, bias([100]))
    x = np.full((2, 1, 1, 8), 127, np.int8)
    for bits, expected in ((11, 1023), (12, 1116)):
        rule = Numerics(acc_bits=bits)
        assert MacSums(mac_params(made, made.nodes[0], rule), rule).accumulators(x).tolist() == [[expected]] * 2


def test_rank() -> None:
    """Elements that differ, of the outputs too, then right answers, or equal ones, then energy."""
    best = RequantizerRun("", {}, 9, 1, 9, 1, 0, 9, 5, 5, 1.0, 7.0)
    worse: list[dict[str, Any]] = [
        {"mismatches": 2},
        {"output_mismatches": 2},
        {"correct": 4, "energy_pj": 1.0},
        {"energy_pj": 8.0},
        {"correct": None, "same_answer": 4},
    ]
    assert all(requantizers._rank(best) < requantizers._rank(replace(best, **fields)) for fields in worse)


@pytest.mark.parametrize(("code", "depth"), [(127, 1040), (127, 1045), (127, 4000)])
def test_sums_beyond_binary32_are_exact(code: int, depth: int) -> None:
    """Products of 127 * 127 add up to either side of 2**24; an odd sum above it is no binary32 number."""
    w = weights([[127] * depth])
    made = single("FULLY_CONNECTED", FullyConnected(), tensor((1, depth), 1.0), tensor((1, 1), 1e6), w, bias([0]))
    params = mac_params(made, made.nodes[0], Numerics())
    x = np.full((1, 1, 1, depth), code, np.int8)
    x[..., 0] = code - 2
    assert MacSums(params, Numerics()).accumulators(x).tolist() == [[127 * (code * depth - 2)]]
