"""Comparisons recounted in plain Python: several inputs, reals and uint8 at the ends, layers of their own, answers."""

from __future__ import annotations

import math
from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest

from fxsim.analysis import Comparison, compare_network
from fxsim.analysis.comparison import run as compare_module
from fxsim.analysis.comparison.record import Differences
from fxsim.graph import DType, Network, Node, Value, build
from fxsim.hw import Hardware
from fxsim.ops import OPERATORS, FullyConnected, layer_numerics
from fxsim.oracle import FakeQuant, float_run, golden, operand_arrays
from fxsim.testing import Chain
from tests.ops.networks import Array, single, tensor, weights

HW = Hardware.load("edge-16x16")
SAMPLES = 9


def two_inputs() -> Network:
    """A convolution of one input, plus the other one; real probabilities."""
    chain = Chain((1, 5, 5, 3)).conv(4)
    other = chain._value("z", (1, 5, 5, 4), DType.INT8, 0.09, 21)
    chain.binary("ADD", other).reshape(1, -1).dense(6).softmax().dequantize()
    return build("two inputs", chain.values, chain.nodes, [0, other], [chain.last], "tflite")


def pixels() -> Network:
    """uint8 at both ends."""
    chain = Chain((1, 6, 6, 2), scale=1 / 255, zero_point=0, dtype=DType.UINT8).quantize(DType.INT8, 1 / 255, -128)
    return chain.conv(5).mean(1, 2).dense(4).quantize(DType.UINT8, 0.21, 121).build()


NETWORKS = {"two inputs": two_inputs(), "pixels": pixels()}


def data(net: Network, seed: int = 0) -> dict[str, Array]:
    rng, found = np.random.default_rng(seed), {}
    for value in (net.values[i] for i in net.inputs):
        kind = value.type
        codes = rng.integers(kind.dtype.lo, kind.dtype.hi + 1, (SAMPLES, *kind.shape[1:]))
        found[value.name] = codes.astype(kind.dtype.numpy)
    return found


def recount(found: Differences, fake: Array, exact: Array, zero: int) -> None:
    """Every statistic of `found` from the codes, one after the other."""
    assert found.zero == zero
    pairs = list(zip(fake.ravel().tolist(), exact.ravel().tolist(), strict=True))
    differences = [b - a for a, b in pairs]
    assert found.listed() == [(a, b, n) for (a, b), n in sorted(Counter(pairs).items())]
    assert found.histogram == dict(sorted(Counter(differences).items()))
    assert found.elements == len(pairs)
    assert found.mismatches == sum(found.causes.values()) == sum(d != 0 for d in differences)
    assert found.max_abs_lsb == max(map(abs, differences))
    assert found.mean_lsb == sum(differences) / len(pairs)
    assert found.mean_abs_lsb == sum(map(abs, differences)) / len(pairs)
    signal, energy = (sum((code - zero) ** 2 for code in column) for column in zip(*pairs, strict=True))
    noise, together = sum(d * d for d in differences), sum((a - zero) * (b - zero) for a, b in pairs)
    assert found.fidelity.sqnr_db == pytest.approx(10 * math.log10(signal / noise) if noise else math.inf)
    assert found.fidelity.cosine == pytest.approx(together / math.sqrt(signal * energy))
    place = next((i for i in np.ndindex(fake.shape) if fake[i] != exact[i]), None)
    assert (found.first.index if found.first else None) == place
    if found.first is not None:
        assert [found.first.fake, found.first.exact] == [fake[place].item(), exact[place].item()]


def coded(net: Network, node: Node) -> Value:
    """The value whose codes stand for the node's result."""
    return net.values[node.inputs[0] if node.op == "DEQUANTIZE" else node.outputs[0]]


def zero_point(value: Value) -> int:
    assert value.type.quant is not None
    return int(value.type.quant.zero_point[0])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "layers"), [("two inputs", {}), ("pixels", {}), ("pixels", {"t1": {"acc_bits": 14}})])
def test_every_count(name: str, layers: dict[str, dict[str, object]], monkeypatch: pytest.MonkeyPatch) -> None:
    net, hw = NETWORKS[name], HW.replace(overflow="saturate", bias_policy="apply")
    x = data(net)
    monkeypatch.setattr(compare_module, "_BATCH_BYTES", 4 * 8 * 2000)
    found = compare_network(net, x, hw=hw, layers=layers)
    numerics = layer_numerics(net, hw.numerics, layers)
    fake, exact = FakeQuant(net).codes(x), golden(net, x, numerics=hw.numerics, layers=layers)
    by_number = {i: fake[v.name].reshape(-1, *v.type.shape) for i, v in enumerate(net.values) if v.name in fake}
    assert found.mismatches > 0
    for layer, node, own in zip(found.layers, net.nodes, numerics, strict=True):
        value = coded(net, node)
        recount(layer.free, fake[value.name], exact[value.name], zero_point(value))
        operands = operand_arrays(net, node, by_number, SAMPLES)
        (alone,) = OPERATORS[node.op].run(net, node, operands, own).outputs
        if node.op == "DEQUANTIZE":
            assert layer.isolated.mismatches == 0
        else:
            shown = fake[value.name]
            recount(layer.isolated, shown, alone.reshape(shown.shape), zero_point(value))
    overflows = {layer.name for layer in found.layers if "overflow" in layer.isolated.causes}
    assert overflows == ({"n1"} if layers else set())


@pytest.mark.slow
def test_fidelity_to_the_reals() -> None:
    net = NETWORKS["two inputs"]
    x = data(net)
    found = compare_network(net, x, hw=HW)
    runs = {"fake_quant": FakeQuant(net).codes(x), "exact": golden(net, x, numerics=HW.numerics)}
    reals = float_run(net, x)
    for layer, (name, run) in product(found.layers, runs.items()):
        value = coded(net, net.nodes[layer.number])
        assert value.type.quant is not None
        scale, zero = float(value.type.quant.scale[0]), zero_point(value)
        real = list(map(float, reals[layer.tensor].ravel()))
        other = [scale * (int(code) - zero) for code in run[value.name].ravel()]
        signal, energy = (math.fsum(v * v for v in values) for values in (real, other))
        noise = math.fsum((a - b) ** 2 for a, b in zip(real, other, strict=True))
        together = math.fsum(a * b for a, b in zip(real, other, strict=True))
        assert layer.to_float[name].sqnr_db == pytest.approx(10 * math.log10(signal / noise), rel=1e-5)
        assert layer.to_float[name].cosine == pytest.approx(together / math.sqrt(signal * energy), rel=1e-6)


def test_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Chain((1, 24)).dense(4, bias=False).quantize(DType.UINT8, 0.21, 121).build()
    x, labels = data(net, 3), np.arange(SAMPLES) % 4
    hw, narrow = HW.replace(overflow="wrap"), {"n0": {"acc_bits": 15}}
    monkeypatch.setattr(compare_module, "_BATCH_BYTES", 1)
    end = compare_network(net, x, hw=hw, layers=narrow, labels=labels).end
    assert end is not None
    runs = {
        "float": float_run(net, x),
        "fake_quant": FakeQuant(net).codes(x),
        "exact": golden(net, x, numerics=hw.numerics, layers=narrow),
    }
    answers = {name: [scores.index(max(scores)) for scores in run[end.output].tolist()] for name, run in runs.items()}
    right = {name: [a == b for a, b in zip(found, labels, strict=True)] for name, found in answers.items()}
    assert answers["fake_quant"] != answers["exact"]
    assert end.agreements == {
        f"{one} = {other}": sum(a == b for a, b in zip(answers[one], answers[other], strict=True))
        for one, other in [("float", "fake_quant"), ("float", "exact"), ("fake_quant", "exact")]
    }
    assert end.correct == {name: sum(hits) for name, hits in right.items()}
    cells = Counter(zip(right["fake_quant"], right["exact"], strict=True))
    paired = end.difference
    assert paired is not None
    assert (paired.both, paired.first_only, paired.second_only, paired.neither) == (
        cells[True, True], cells[True, False], cells[False, True], cells[False, False],
    )  # fmt: skip
    assert end.to_dict()["difference"]["method"].startswith("Newcombe")


def powers_of_two() -> Network:
    """Sums that are codes: scales 1/4 * 1/4 = 1/16, clamped at both ends."""
    w = weights([[1, -2, 3], [-1, 0, 2]], 0.25)
    return single("FULLY_CONNECTED", FullyConnected(), tensor((1, 3), 0.25, 5), tensor((1, 2), 1 / 16, -3), w)


def test_no_differences_are_said_plainly() -> None:
    net = powers_of_two()
    x = np.random.default_rng(1).integers(-128, 128, (300, 3)).astype(np.int8)
    found = compare_network(net, x, hw=HW)
    codes = FakeQuant(net).codes(x)["y"]
    assert {int(codes.min()), int(codes.max())} == {-128, 127}
    assert (found.mismatches, found.worst) == (0, None)
    (layer,) = found.layers
    assert (layer.causes, layer.free.also, layer.isolated.causes, layer.free.first) == ({}, {}, {}, None)
    assert layer.free.histogram == {0: 600}
    text = found.table()
    assert "equal in every element of every layer" in text
    assert "First differing elements" not in text
    record = found.to_dict()["layers"][0]
    assert (record["sqnr_db"], record["cosine"], record["mismatches"]) == (None, 1.0, 0)


def test_samples_count_from_the_first_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_module, "_BATCH_BYTES", 1)
    net = single("FULLY_CONNECTED", FullyConnected(), tensor((1, 3)), tensor((1, 1), 1024), weights([[100, 100, 100]]))
    x = np.array([[0, 0, 0], [1, 0, 0], [127, 127, 127]], np.int8)
    (layer,) = compare_network(net, x, hw=HW.replace(acc_bits=15, overflow="saturate")).layers
    for side in (layer.free, layer.isolated):
        assert side.first is not None
        assert (side.first.index, side.first.fake, side.first.exact) == ((2, 0), 5, 2)


def test_a_single_score_has_no_answer() -> None:
    net = single("FULLY_CONNECTED", FullyConnected(), tensor((1, 3)), tensor((1, 1)), weights([[1, 2, 3]]))
    found = compare_network(net, np.zeros((2, 3), np.int8), hw=HW)
    assert found.end is None
    assert "No top-1 answers" in found.table()
    assert found.to_dict()["end"] is None


def test_runtimes_count_against_the_exact_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_module, "_BATCH_BYTES", 1)
    net, x = powers_of_two(), np.arange(12, dtype=np.int8).reshape(4, 3)
    seen = []

    def runtime(inputs: Any) -> dict[str, Array]:
        """Wrong in the second element of every sample."""
        seen.append(inputs["x"])
        y = golden(net, inputs["x"], numerics=HW.numerics)["y"]
        return {"y": y + np.array([0, 1], np.int8)}

    steps: list[int] = []
    runtimes = {"off by one": runtime, "silent": lambda _: {}}
    found = compare_network(net, x, hw=HW, runtimes=runtimes, progress=steps.append)
    assert found.layers["node"].runtimes == {"off by one": 4}
    assert found.runtimes == ("off by one", "silent")
    assert np.array_equal(np.concatenate(seen), x)
    assert steps == [1, 1, 1, 1]
    assert rows(found)[0][-2:] == [4, ""]


def rows(found: Comparison) -> list[Any]:
    return list(found.tables()[0].rows)
