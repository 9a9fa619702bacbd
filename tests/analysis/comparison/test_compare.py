"""The comparison of three executions: batches, labels, traps, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fxsim
from fxsim._core.errors import InputError, TrapError
from fxsim.analysis import compare_network
from fxsim.analysis.comparison import run as compare_module
from fxsim.analysis.comparison.models.functions import SoftmaxModel
from fxsim.hw import Hardware
from fxsim.oracle import FakeQuant, golden
from tests.own import MODELS, images

HW = Hardware.load("edge-16x16")


@pytest.mark.slow
def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = fxsim.load(MODELS / "digits_cnn.tflite"), images("digits_cnn", 7)
    labels = np.load(MODELS / "y_eval.npy")[:7]
    whole = compare_network(net, x, hw=HW, labels=labels).to_json()
    monkeypatch.setattr(compare_module, "_BATCH_BYTES", 1)
    assert compare_network(net, x, hw=HW, labels=labels).to_json() == whole


@pytest.mark.slow
def test_counts_by_hand() -> None:
    net, x = fxsim.load(MODELS / "digits_fc.tflite"), images("digits_fc", 60)
    found = compare_network(net, x, hw=HW)
    fake, exact = FakeQuant(net).codes(x), golden(net, x, numerics=HW.numerics)
    for layer in found.layers:
        pairs = list(zip(fake[layer.tensor].ravel().tolist(), exact[layer.tensor].ravel().tolist(), strict=True))
        differences = [b - a for a, b in pairs]
        zero = layer.free.zero
        assert layer.elements == len(pairs)
        assert layer.mismatches == sum(a != b for a, b in pairs) == sum(layer.causes.values())
        assert layer.max_abs_lsb == max(map(abs, differences))
        assert layer.free.histogram == {d: differences.count(d) for d in sorted(set(differences))}
        assert layer.free.mean_lsb == sum(differences) / len(pairs)
        signal, noise = sum((a - zero) ** 2 for a, _ in pairs), sum(d * d for d in differences)
        assert layer.sqnr_db == (10 * np.log10(signal / noise) if noise else np.inf)
        first = layer.free.first
        if first is not None:
            sample, *rest = first.index
            assert (fake[layer.tensor][sample][tuple(rest)], exact[layer.tensor][sample][tuple(rest)]) == (
                first.fake,
                first.exact,
            )
    assert found.end is not None
    assert found.end.correct is None
    json.loads(found.to_json())


def test_what_is_refused() -> None:
    net = fxsim.gemm(2, 16, 4)
    x = np.zeros((3, 2, 16), np.int8)
    with pytest.raises(InputError, match="float, grid"):
        compare_network(net, x, hw=HW, bias="real")
    with pytest.raises(InputError, match="labels"):
        compare_network(net, x, hw=HW, labels=np.zeros(2, np.int64))
    with pytest.raises(InputError, match="shape"):
        compare_network(net, x[0], hw=HW)


def test_a_trap_says_which_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_module, "_BATCH_BYTES", 1)
    net = fxsim.gemm(1, 64, 4)
    x = np.zeros((3, 1, 64), np.int8)
    x[2] = 127
    hw = HW.replace(acc_bits=16, overflow="trap", bias_policy="apply")
    with pytest.raises(TrapError, match="sample 2"):
        compare_network(net, x, hw=hw)


def test_what_the_mechanisms_do_not_give_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong model is planted; its layer is unexplained in every element, and says so."""
    net, x = fxsim.load(MODELS / "digits_fc.tflite"), images("digits_fc", 3)
    assert {layer.free.unexplained for layer in compare_network(net, x, hw=HW).layers} == {0}
    wrong = np.full((3, 1, 10), 99, np.int8)
    monkeypatch.setattr(SoftmaxModel, "_exact", lambda *_: wrong)
    found = compare_network(net, x, hw=HW)
    assert [layer.free.unexplained for layer in found.layers] == [0, 0, 0, 30]
    assert found.layers["probabilities"].isolated.unexplained == 30
    assert found.table().split("Causes, every")[0].rstrip().endswith("30")
