"""The public functions on our own networks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

import fxsim
from fxsim.api import differences, random_samples
from fxsim.hw import presets
from tests.own import CARD, MODELS, images


@pytest.mark.parametrize("name", sorted(CARD))
def test_card(name: str) -> None:
    data = (MODELS / f"{name}.tflite").read_bytes()
    assert hashlib.sha256(data).hexdigest() == CARD[name]["sha256"]
    assert CARD[name]["sha256"] in (MODELS / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CARD))
def test_accuracy_of_the_card_by_simulation(name: str) -> None:
    result = fxsim.run(MODELS / f"{name}.tflite", images(name))
    labels = np.load(MODELS / "y_eval.npy")
    accuracy = (result.outputs["probabilities"].argmax(axis=1) == labels).mean()
    assert accuracy == CARD[name]["int8_accuracy"]


@pytest.mark.slow
@pytest.mark.parametrize("preset", presets())
@pytest.mark.parametrize("profile", ["tflite", "litert"])
@pytest.mark.parametrize("name", sorted(CARD))
def test_simulator_equals_golden_on_every_tensor(name: str, profile: str, preset: str) -> None:
    net = fxsim.load(MODELS / f"{name}.tflite", profile=profile)
    hw = fxsim.Hardware.load(preset)
    x = images(name, 20)
    result = fxsim.run(net, x, hw=hw, keep="all")
    for numerics in (hw.numerics, None):
        rows = differences(fxsim.golden(net, x, numerics=numerics), result.tensors)
        assert len(rows) == len(result.tensors)
        assert sum(row.mismatches for row in rows) == 0
    assert all(layer.overflow_count == 0 for layer in result.layers)


@pytest.mark.slow
def test_golden_of_the_runtime_differs_exactly_when_overflow_was_counted() -> None:
    net = fxsim.load(MODELS / "digits_cnn.tflite")
    x = images("digits_cnn", 8)
    seen = set()
    for bits in (14, 16, 18, 20, 23, 24):
        hw = fxsim.Hardware(acc_bits=bits, bias_policy="apply")
        result = fxsim.run(net, x, hw=hw, keep="all")
        exact = sum(d.mismatches for d in differences(fxsim.golden(net, x, numerics=hw.numerics), result.tensors))
        runtime = sum(d.mismatches for d in differences(fxsim.golden(net, x), result.tensors))
        counted = any(layer.overflow_count or layer.bias_overflow_count for layer in result.layers)
        assert exact == 0
        assert counted or runtime == 0
        seen.add((counted, runtime > 0))
    assert seen >= {(True, True), (False, False)}


def test_paths_names_bytes_and_objects_are_accepted() -> None:
    path = MODELS / "digits_fc.tflite"
    x = images("digits_fc", 3)
    hw = fxsim.Hardware.load("paper-4x4")
    wanted = fxsim.run(path, x, hw="paper-4x4").outputs["probabilities"]
    for model in (str(path), path.read_bytes(), fxsim.load(path)):
        assert np.array_equal(fxsim.run(model, x, hw=hw).outputs["probabilities"], wanted)
    program = fxsim.lower(path, "paper-4x4")
    assert np.array_equal(fxsim.simulate(program.to_bytes(), x).outputs["probabilities"], wanted)
    assert np.array_equal(fxsim.simulate(program, {"image": x}).outputs["probabilities"], wanted)


def test_result_is_the_sum_of_its_layers() -> None:
    result = fxsim.run(MODELS / "digits_fc.tflite", images("digits_fc", 3), keep=["dense2"])
    assert set(result.tensors) == {"dense2", "probabilities"}
    assert set(result.outputs) == {"probabilities"}
    assert sum(layer.cycles for layer in result.layers) == result.cycles
    assert np.isclose(sum(layer.energy_pj for layer in result.layers), result.energy_pj, rtol=1e-12)
    for layer in result.layers:
        assert layer.cycles == layer.compute_cycles + layer.stall_cycles
        assert layer.stall_cycles == sum(layer.stalls.values())
        assert np.isclose(sum(layer.energy_by_event.values()), layer.energy_pj, rtol=1e-12)
    assert result.layers["dense1"] is result.layers[0]
    assert result.macs == 64 * 64 + 64 * 32 + 32 * 10
    assert result.tops_per_watt == 2 * result.macs / result.energy_pj


def test_result_round_trip(tmp_path: Path) -> None:
    result = fxsim.run(MODELS / "digits_fc.tflite", images("digits_fc", 3), keep="all")
    result.save(tmp_path / "r.npz")
    again = fxsim.Result.load(tmp_path / "r.npz")
    assert again.to_json() == result.to_json()
    assert again.table() == result.table()
    assert all(np.array_equal(again.tensors[name], result.tensors[name]) for name in result.tensors)
    for name, real in result.tensors.dequantize().items():
        assert np.array_equal(again.tensors.dequantize()[name], real)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-30], lambda b: b[: len(b) // 2], lambda _: b"", lambda b: b"PK" + b[2:40]]
)
def test_damaged_result_files(damage: object, tmp_path: Path) -> None:
    result = fxsim.run(MODELS / "digits_fc.tflite", images("digits_fc", 1))
    path = tmp_path / "r.npz"
    result.save(path)
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(fxsim.FxsimError, match="must be a result file"):
        fxsim.Result.load(path)


def test_an_altered_immediate_changes_the_predicted_output() -> None:
    """One code of the last requantization's zero point, altered in the saved file, moves every logit by that much."""
    from fxsim.isa import INSTRUCTIONS, WORD_BYTES

    program = fxsim.lower(MODELS / "digits_fc.tflite")
    x = images("digits_fc", 50)
    before = fxsim.simulate(program, x, keep=["logits"]).tensors["logits"].astype(int)
    req = INSTRUCTIONS["REQ"]
    number = int(np.flatnonzero(program.columns.opcode == req.opcode)[-1])
    field = next(f for f in req.layout if f.name == "out_zero")
    data = bytearray(program.to_bytes())
    start = bytes(data).index(program.code) + number * WORD_BYTES
    word = int.from_bytes(data[start : start + WORD_BYTES], "little")
    zero = int(program.columns.field("out_zero")[number])
    mask = (1 << field.bits) - 1
    word = word & ~(mask << field.offset) | ((zero + 3) & mask) << field.offset
    data[start : start + WORD_BYTES] = word.to_bytes(WORD_BYTES, "little")
    after = fxsim.simulate(bytes(data), x, keep=["logits"]).tensors["logits"].astype(int)
    assert np.array_equal(after, np.clip(before + 3, -128, 127))


def test_random_samples_cover_the_whole_range() -> None:
    net = fxsim.load(MODELS / "digits_fc.tflite")
    x = random_samples(net, seed=5, samples=200)["image"]
    assert x.dtype == np.int8
    assert x.shape == (200, 64)
    assert set(range(-128, 128)) == set(x.ravel().tolist())
    assert np.array_equal(x, random_samples(net, seed=5, samples=200)["image"])


def test_float_schemes_are_named() -> None:
    """The litert profile requantizes FULLY_CONNECTED in binary64, which is no hardware."""
    x = images("digits_fc", 1)
    integer = fxsim.run(MODELS / "digits_fc.tflite", x)
    real = fxsim.run(fxsim.load(MODELS / "digits_fc.tflite", profile="litert"), x)
    assert (integer.float_schemes, real.float_schemes) == ((), ("TFL_DOUBLE_FP",))
    assert "TFL_DOUBLE_FP: floating point, not synthesizable" in real.table()
    assert "synthesizable" not in integer.table()


def test_energy_per_mac_by_hand() -> None:
    """One 8 x 8 product, 15/16 tree adds of 17..20 bits, 1/16 accumulation of 32 bits (16 columns)."""
    add = {bits: 0.03 + 0.07 / 24 * (bits - 8) for bits in (17, 18, 19, 20, 32)}
    wanted = 0.2 + (8 * add[17] + 4 * add[18] + 2 * add[19] + add[20] + add[32]) / 16
    result = fxsim.run(MODELS / "digits_fc.tflite", images("digits_fc", 1))  # K = 64, 64 and 32: whole groups only
    assert np.isclose(result.pj_per_mac, wanted, rtol=1e-12)
