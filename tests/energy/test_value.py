"""Value-aware prices worked out by hand, and their place in results, files, tables and the command line."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fxsim
from fxsim.cli import main
from fxsim.hw import EnergyTable, Event, Hardware, Kind
from fxsim.sim import simulate
from tests.isa.tiny import tiny_program

MODELS = Path(__file__).resolve().parents[2] / "models" / "digits"
FC, CNN = str(MODELS / "digits_fc.tflite"), str(MODELS / "digits_cnn.tflite")
IMAGES = str(MODELS / "x_eval_flat.npy")
X = np.load(IMAGES)[:3]
RANDOM = "--random", "3", "--samples", "5"

EIGHT, REGISTER = 0.2, 8 * 0.003
"""pJ of an 8 x 8 product and of an x register of 8 bits."""


def close(got: float, wanted: float) -> bool:
    return math.isclose(got, wanted, rel_tol=1e-12)


def test_the_tiny_program_by_hand() -> None:
    """Weights (1, 2, 3, 4) and (-1, 0, 5, -128), x = (1, -2, 0, 3): every product is the first of its PE.

    Not gated are columns 0, 1, 3 of row 0 and columns 0, 3 of row 1: x raises 1 + 7 + 2 and 1 + 2 bits, w 1 + 1 + 1
    and 8 + 1.
    """
    x = np.array([[1, -2, 0, 3]], np.int8)
    result = simulate(tiny_program(), x, value_energy=True)
    value = result.layers[0].value_energy
    assert (value.products, value.x_zero, value.w_zero, value.gated) == (8, 2, 1, 3)
    assert (value.x_bits, value.w_bits, value.x_toggles, value.w_toggles) == (40, 40, 13, 12)
    assert close(value.multiply_pj, 8 * EIGHT)
    assert close(value.multiply_value_pj, 25 * EIGHT / 8)
    assert close(value.operand_pj, 8 * REGISTER)
    assert close(value.operand_value_pj, 13 * REGISTER / 4)
    assert close(value.gating_pj, -3 * (EIGHT + REGISTER))
    assert close(value.toggle_pj, 25 * EIGHT / 8 + 13 * REGISTER / 4 - 5 * (EIGHT + REGISTER))
    assert close(value.energy_pj, result.layers[0].energy_pj + value.gating_pj + value.toggle_pj)
    total = result.value_energy
    assert total is not None
    assert close(total.nominal, result.energy_pj - 8 * (EIGHT + REGISTER) + 25 * EIGHT / 8 + 13 * REGISTER / 4)
    low, high = (
        bound - 8 * (EIGHT + register) + share * (25 * EIGHT / 8 + 13 * register / 4)
        for bound, register, share in ((result.energy.low, 0.008, 2 / 3), (result.energy.high, 0.048, 4 / 3))
    )
    assert close(total.low, low)
    assert close(total.high, high)
    derived = result.energy.derived_share * result.energy_pj - 8 * REGISTER + 25 * EIGHT / 8 + 13 * REGISTER / 4
    assert close(total.derived_share, derived / total.nominal)
    assert (total.gating, total.toggle) == (value.gating_pj, value.toggle_pj)


def test_counts_are_sums_and_energy_is_per_sample() -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(-2, 3, (6, 4)).astype(np.int8)
    whole = simulate(tiny_program(), x, value_energy=True).layers[0].value_energy
    parts = [simulate(tiny_program(), row[None], value_energy=True).layers[0].value_energy for row in x]
    for name in ("products", "x_zero", "w_zero", "gated", "x_bits", "w_bits", "x_toggles", "w_toggles"):
        assert getattr(whole, name) == sum(getattr(part, name) for part in parts)
    for name in ("multiply_pj", "multiply_value_pj", "operand_value_pj", "gating_pj", "toggle_pj", "energy_pj"):
        assert close(getattr(whole, name), sum(getattr(part, name) for part in parts) / len(parts))


def test_random_operands_cost_what_the_table_says() -> None:
    """Half of the bits toggle: activity 1/2 is the reference. No operand is 0 here, so nothing is gated."""
    table = EnergyTable.load()
    for event in (Event(Kind.MULTIPLY, 8, 8), Event(Kind.MULTIPLY, 9, 5), Event(Kind.PIPELINE, 9)):
        bits = event.bits + event.other_bits
        per_toggle = table.price_per_toggle(event, Hardware())
        assert close(bits / 2 * per_toggle.nominal, table.price(event, Hardware()).nominal)
        assert per_toggle.derived
        assert per_toggle.low < per_toggle.nominal < per_toggle.high
        assert "average" in per_toggle.source


@pytest.mark.parametrize("share_x", [0.01, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("share_w", [0.0, 0.2, 0.5, 1.0])
def test_bounds_are_those_of_partial_products(share_x: float, share_w: float) -> None:
    """How often x and w toggles, enumerated over the bits before and after, against the linear rule."""
    chance = {
        (x, w, dx, dw): 0.25 * (share_x if dx else 1 - share_x) * (share_w if dw else 1 - share_w)
        for x in (0, 1) for w in (0, 1) for dx in (0, 1) for dw in (0, 1)
    }  # fmt: skip
    toggles = sum(p for (x, w, dx, dw), p in chance.items() if (x & w) != ((x ^ dx) & (w ^ dw)))
    at_random, linear = 3 / 8, (share_x + share_w) / 2 / 0.5
    rule = EnergyTable.load().rules["activity"]
    assert rule["derived_low"] - 1e-12 <= toggles / at_random / linear <= rule["derived_high"] + 1e-12


@pytest.mark.slow
def test_layers_add_up_and_nothing_else_changes(tmp_path: Path) -> None:
    images = np.load(MODELS / "x_eval.npy")[:4]
    valued, plain = fxsim.run(CNN, images, value_energy=True, keep="all"), fxsim.run(CNN, images, keep="all")
    assert plain.value_energy is None
    assert all(layer.value_energy is None for layer in plain.layers)
    total = valued.value_energy
    assert total is not None
    assert total.low < total.nominal < total.high
    assert close(total.nominal, sum(layer.value_energy.energy_pj for layer in valued.layers))
    assert close(total.nominal, valued.energy_pj + total.gating + total.toggle)
    for layer in valued.layers:
        assert close(layer.value_energy.multiply_pj, layer.energy_by_event["multiply"])
        assert layer.value_energy.products == 4 * layer.macs
    bare = valued.to_dict()
    bare["value_energy"] = None
    for record in bare["layers"]:
        record["value_energy"] = None
    assert bare == plain.to_dict()
    for result in (valued, plain):
        result.save(tmp_path / "r.npz")
        again = fxsim.Result.load(tmp_path / "r.npz")
        assert again.to_json() == result.to_json()
        assert again.table() == result.table()
        assert again.value_energy == result.value_energy
        assert list(again.layers) == list(result.layers)


def test_every_width_has_its_own_price() -> None:
    """Subtracted zero points make x one bit wider; the totals follow the table's 9 x 8 product."""
    hw = Hardware(zero_point="subtract")
    result = fxsim.run(FC, X, hw=hw, value_energy=True)
    product = EnergyTable.load().price(Event(Kind.MULTIPLY, 9, 8), hw).nominal
    value = result.layers["dense1"].value_energy
    assert close(value.multiply_value_pj, (value.x_toggles + value.w_toggles) * product / 8.5 / 3)
    assert close(value.operand_value_pj, value.x_toggles * 2 * 0.003 / 3)
    assert value.x_bits == 9 * (value.products - value.gated)


def test_the_command_line_prints_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", FC, *RANDOM, "--value-energy"]) == 0
    out = capsys.readouterr().out
    for words in (
        "Value-aware energy in pJ, per sample, over 5 samples",
        "gated %",
        "x toggles/bit",
        "both derived",
        "averages that state no operands",
    ):
        assert words in out, words
    energies = [line for line in out.splitlines() if line.startswith(("energy ", "value-aware "))]
    assert len(energies) == 2
    assert main(["run", FC, *RANDOM]) == 0
    assert "alue-aware" not in capsys.readouterr().out


def test_json_carries_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", FC, *RANDOM, "--value-energy", "--json", "-"]) == 0
    valued = json.loads(capsys.readouterr().out)
    assert valued["value_energy"]["nominal"] < valued["energy"]["nominal"]
    assert valued["layers"][0]["value_energy"]["products"] == 5 * 64 * 64
    assert main(["run", FC, *RANDOM, "--json", "-"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["value_energy"] is plain["layers"][0]["value_energy"] is None
    assert plain["energy"] == valued["energy"]


def test_layers_without_products_have_no_row() -> None:
    table = fxsim.run(FC, X, value_energy=True).table()
    block = table.split("Value-aware energy")[1].split("\n\n")[0]
    assert [line.split()[1] for line in block.splitlines()[3:]] == ["dense1", "dense2", "logits"]


@pytest.mark.slow
def test_nothing_more_is_compiled_unless_asked_for() -> None:
    code = f"""
import fxsim, numpy as np
from fxsim._core.jit import specialisations
x = np.load({IMAGES!r})[:2]
seen = []
for value_energy in (False, True):
    fxsim.run({FC!r}, x, value_energy=value_energy)
    seen.append(specialisations()["fxsim.kernels.activity.observe"])
print(seen)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[0, 1]"
