"""Drawn layers and networks: every operator of the registry, legal, and with sums where hardware goes wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fxsim
from fxsim._core.errors import GraphError
from fxsim.graph import Network
from fxsim.ops import OPERATORS, mac_params, validate
from fxsim.oracle import golden, golden_stats
from fxsim.testing import Case, layers, networks, samples
from fxsim.testing.steps import STEPS
from tests.testing.reach import unseen


def test_every_operator_has_a_strategy() -> None:
    assert set(STEPS) == set(OPERATORS)
    with pytest.raises(GraphError, match="op must be one of ADD, .*, not 'GELU'"):
        layers("GELU")


@pytest.mark.parametrize("op", OPERATORS)
@settings(max_examples=12)
@given(st.data())
def test_layers_are_legal(op: str, data: st.DataObject) -> None:
    case = data.draw(layers(op, profile=data.draw(st.sampled_from(("tflite", "litert")))))
    (node,) = case.network.nodes
    assert node.op == op
    validate(case.network)
    out = np.asarray(golden(case.network, case.x)[case.network.values[node.outputs[0]].name])
    assert out.size % case.network.values[node.outputs[0]].type.size == 0


@given(networks())
@settings(max_examples=25)
def test_networks_are_legal(net: Network) -> None:
    validate(net)


def test_networks_have_all_operators() -> None:
    expected = set(OPERATORS) - {"SQUEEZE", "EXPAND_DIMS"}
    assert not unseen(networks(), lambda net: {node.op for node in net.nodes}, expected)


ATTRIBUTES: dict[str, dict[str, set[Any]]] = {
    "CONV_2D": {
        "stride_h": {1, 2, 3},
        "stride_w": {1, 2, 3},
        "dilation_h": {1, 2},
        "padding": {"SAME", "VALID"},
        "activation": {"NONE", "RELU", "RELU6", "RELU_N1_TO_1"},
    },
    "DEPTHWISE_CONV_2D": {"depth_multiplier": {1, 2, 3}},
    "MEAN": {"keep_dims": {0, 1}},
}


def attributes(case: Case) -> list[tuple[str, Any]]:
    return list(dataclasses.asdict(case.network.nodes[0].attrs).items())


@pytest.mark.parametrize("op", ATTRIBUTES)
def test_layers_have_all_attributes(op: str) -> None:
    expected = [(name, value) for name, values in ATTRIBUTES[op].items() for value in values]
    assert not unseen(layers(op), attributes, expected)


def operands(case: Case) -> list[int]:
    return [sum(i >= 0 for i in case.network.nodes[0].inputs)]


def test_biases_may_be_missing_and_operands_many() -> None:
    assert not unseen(layers("FULLY_CONNECTED"), operands, {2, 3})
    assert not unseen(layers("CONCATENATION"), operands, {2, 3})
    assert not unseen(layers("ADD"), lambda case: [len(case.network.inputs)], {1, 2})


def sums_of(case: Case) -> list[int]:
    """Exact sums, bias included, of a FULLY_CONNECTED layer, in plain integers."""
    net = case.network
    x, w, b = (net.values[i] for i in net.nodes[0].inputs)
    (zx,), zw = x.type.quant.zero_point.tolist(), w.type.quant.zero_point.tolist()  # type: ignore[union-attr]
    rows = case.x["x"].reshape(-1, w.type.shape[1]).tolist()
    return [
        int(bias) + sum((xs - zx) * (ws - zw[0]) for xs, ws in zip(row, weights, strict=True))
        for row in rows
        for weights, bias in zip(w.data.tolist(), b.data.tolist(), strict=True)  # type: ignore[union-attr]
    ]


def zero_point_counts(case: Case) -> bool:
    """Whether the input's zero point is in every sum: a layer of zeros meets its aims whatever its zero point is."""
    x, w = (case.network.values[i] for i in case.network.nodes[0].inputs[:2])
    assert x.type.quant is not None
    assert w.data is not None
    axes = (
        tuple(range(1, w.data.ndim)) if case.network.nodes[0].op == "FULLY_CONNECTED" else tuple(range(w.data.ndim - 1))
    )
    return bool(x.type.quant.zero_point.any() and w.data.astype(np.int64).sum(axis=axes).all())


def aims(case: Case) -> list[object]:
    """Sums of a layer with a bias, and whether one lies halfway between two codes."""
    node = case.network.nodes[0]
    if node.inputs[2] < 0 or not zero_point_counts(case):
        return []
    outputs = case.network.values[node.outputs[0]].type.shape[-1]
    factors = np.resize(mac_params(case.network, node).requant.real, outputs)
    ties = np.array(sums_of(case)).reshape(-1, outputs) * factors % 1 == 0.5
    return [*sums_of(case), "tie"] if ties.any() else list(sums_of(case))


def test_sums_lie_on_ends_of_the_accumulator_and_on_ties() -> None:
    end = 1 << 15
    wanted = {end - 2, end - 1, end, -end - 1, -end, -end + 1, "tie"}
    assert not unseen(layers("FULLY_CONNECTED", acc_bits=16), aims, wanted)


def extremes(case: Case) -> list[int]:
    """Extremes of golden's prefixes, by channel: with one group and zero points subtracted, 0, bias or a whole sum."""
    if not zero_point_counts(case):
        return []
    wide = fxsim.Hardware(acc_bits=48, cols=1024, zero_point="subtract", bias_policy="apply").numerics
    _, (stats,) = golden_stats(case.network, case.x, wide)
    return [*np.ravel(stats.channel_acc_max).tolist(), *np.ravel(stats.channel_acc_min).tolist()]


def test_sums_of_convolutions_are_aimed_too() -> None:
    assert not unseen(layers("DEPTHWISE_CONV_2D", acc_bits=14), extremes, {8190, 8191, 8192, -8193, -8192, -8191})


@pytest.mark.slow
@settings(max_examples=30)
@given(layers(acc_bits=20), st.sampled_from(["saturate", "wrap", "readout"]))
def test_simulator_equals_golden(case: Case, overflow: str) -> None:
    hw = fxsim.Hardware(acc_bits=20, overflow=overflow, bias_policy="apply", rows=4, cols=3)
    result = fxsim.simulate(fxsim.lower(case.network, hw), case.x)
    expected = golden(case.network, case.x, numerics=hw.numerics)
    for name in result.tensors:
        np.testing.assert_array_equal(np.asarray(result.tensors[name]), np.asarray(expected[name]))


@given(networks(), st.data())
@settings(max_examples=10)
def test_samples_are_inputs(net: Network, data: st.DataObject) -> None:
    x = data.draw(samples(net))["x"]
    kind = net.values[net.inputs[0]].type
    assert x.dtype == kind.dtype.numpy
    assert x[0].size == kind.size
    golden(net, x)
