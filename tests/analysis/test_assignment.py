"""Widths layer by layer: scores against golden, costs against lowered programs, minimality by trying."""

from __future__ import annotations

import functools
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fxsim
from fxsim._core.errors import InputError
from fxsim.analysis import Assignment, Assignments, assign_widths, bit_costs

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).resolve().parents[2] / "models" / "digits"
FC = FOLDER / "digits_fc.tflite"
X, Y = np.load(FOLDER / "x_eval_flat.npy")[:100], np.load(FOLDER / "y_eval.npy")[:100]
HW = fxsim.Hardware(name="edge-16x16", bias_policy="apply", overflow="saturate")
PROVED = dict.fromkeys(("dense1", "dense2", "logits"), 24)


@functools.cache
def found(labelled: bool = True) -> Assignments:
    return assign_widths(fxsim.lower(FC, HW), X, proved=PROVED, labels=Y if labelled else None, epsilon=0.02)


def layers(widths: dict[str, int]) -> dict[str, dict[str, int]]:
    return {name: {"acc_bits": bits} for name, bits in widths.items()}


def golden_score(widths: dict[str, int]) -> float:
    out = fxsim.golden(FC, X, numerics=HW.numerics, layers=layers(widths))["probabilities"]
    return float((out.argmax(axis=1) == Y).mean())


def every() -> list[Assignment]:
    return [found().proved, found().measured, *found().uniform, *found().front]


def test_scores_are_those_of_golden() -> None:
    assert {a.score for a in every()} > {found().proved.score}
    for a in every():
        assert a.score == golden_score(a.widths)


def test_costs_are_those_of_lowered_programs() -> None:
    for a in every():
        estimate = fxsim.estimate(FC, HW, layers=layers(a.widths))
        chip = estimate.energy_pj - sum(layer.energy_by_event["dram"] for layer in estimate.layers)
        assert math.isclose(a.chip_pj, chip, rel_tol=1e-12)


def test_no_layer_can_lose_one_more_bit() -> None:
    best = found().measured
    assert found().target == found().proved.score - 0.02 <= best.score
    for name, bits in best.widths.items():
        assert golden_score({**best.widths, name: bits - 1}) < found().target


def test_the_front_is_beaten_by_nothing_measured() -> None:
    front = found().front
    assert all(a.chip_pj < b.chip_pj and a.score < b.score for a, b in pairwise(front))
    for a in every():
        assert any(f.chip_pj <= a.chip_pj and f.score >= a.score for f in front)


def test_without_labels_every_output_code_counts() -> None:
    exact = fxsim.golden(FC, X, numerics=HW.numerics)["probabilities"]
    strict = found(labelled=False)
    assert (strict.metric, strict.proved.score) == ("agreement", 1.0)
    assert min(a.score for a in strict.uniform) < 0.98 <= strict.measured.score
    for a in (strict.measured, *strict.uniform):
        narrow = fxsim.golden(FC, X, numerics=HW.numerics, layers=layers(a.widths))["probabilities"]
        assert a.score == float((narrow == exact).all(axis=1).mean())


def test_the_tables_say_what_was_measured() -> None:
    text = "\n".join(table.text() for table in found().tables())
    assert "accuracy over 100 samples, at most 2 points below" in text
    assert found().to_dict()["measured"]["widths"] == found().measured.widths
    assert found().proved.bank_width == 24


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": Y[:7]}, r"labels must be 100 integers, one per sample, not 'u?int\d+\(7,\)'"),
        ({"labels": Y.astype(np.float64)}, "labels must be 100 integers"),
        ({"epsilon": 1.5}, r"epsilon must be in 0..1, not 1.5"),
        ({"proved": {"dense1": 20}}, r"proved must hold every layer .*'dense2', 'logits'"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        assign_widths(fxsim.lower(FC, HW), X, **{"proved": PROVED, **arguments})


@pytest.mark.parametrize(
    "fields",
    [{}, {"overflow": "readout", "acc_bits": 18, "acc_internal_bits": 20}, {"reduction": "chain", "group_size": 1}],
)
def test_bit_costs_are_those_of_lowered_programs(fields: dict[str, Any]) -> None:
    hw = HW.replace(**fields)
    costs = bit_costs(fxsim.lower(FC, hw), (32, 12, 20))
    assert [cost.acc_bits for cost in costs.costs] == [12, 20, 32]
    for cost in costs.costs:
        own = hw.replace(acc_bits=cost.acc_bits, acc_internal_bits=max(cost.acc_bits, hw.numerics.acc_internal_bits))
        result = fxsim.estimate(FC, own)
        sums = {group: sum(layer.energy_by_event[group] for layer in result.layers) for group in ("tree", "accumulate")}
        assert math.isclose(cost.total_pj, result.energy_pj, rel_tol=1e-12)
        assert math.isclose(cost.tree_pj, sums["tree"], rel_tol=1e-12)
        assert math.isclose(cost.accumulate_pj, sums["accumulate"], rel_tol=1e-12)


def test_widths_of_bank_adder_and_requantizer_by_hand() -> None:
    """16 x 64 slots; 8 x 8 bit products are 16 bits, 16 of them 20; a zero point subtracted first makes it 21."""
    tree = bit_costs(fxsim.lower(FC, HW), (12, 40)).costs
    assert [(c.bank_bits, c.adder_bits, c.requantizer_bits) for c in tree] == [(12_288, 20, 32), (40_960, 40, 40)]
    subtract = HW.replace(zero_point="subtract", overflow="readout", acc_bits=18, acc_internal_bits=18)
    (narrow,) = bit_costs(fxsim.lower(FC, subtract), (18,)).costs
    assert (narrow.register_bits, narrow.bank_bits, narrow.adder_bits) == (18, 18_432, 21)
    chain = HW.replace(reduction="chain", group_size=1)
    (narrow,) = bit_costs(fxsim.lower(FC, chain), (12,)).costs
    assert (narrow.adder_bits, narrow.tree_pj) == (16, 0.0)


def test_the_cost_table_names_what_hides_the_adder() -> None:
    text = bit_costs(fxsim.lower(FC, HW), (12, 32)).table().text()
    assert "One accumulator adder stands behind a tree of 15 adders per row" in text
    assert "below 20 bits" in text
    chain = fxsim.lower(FC, HW.replace(reduction="chain", group_size=1))
    assert "each bit counts 16 times per row" in bit_costs(chain, (12,)).table().text()
