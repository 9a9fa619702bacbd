"""What samples say: extremes and widths against plain golden runs, one configuration at a time."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from fxsim import Hardware
from fxsim.analysis import layer_bounds, mac_nodes, observe, zero_event_bound
from fxsim.api import golden, random_samples
from fxsim.graph import Network
from fxsim.hw import Numerics
from fxsim.oracle import golden_stats
from fxsim.testing import Chain

NETS = {
    "conv": lambda: Chain((1, 5, 4, 3), seed=2).conv(4, padding="SAME").build(),
    "depthwise": lambda: Chain((1, 5, 4, 3), seed=4).depthwise(2).build(),
    "dense": lambda: Chain((1, 40), seed=5).dense(6).build(),
}
RULES: list[dict[str, Any]] = [
    {"overflow": "saturate"},
    {"overflow": "wrap", "zero_point": "subtract"},
    {"overflow": "readout", "acc_internal_bits": 32, "order": "reversed"},
    {"overflow": "saturate", "reduction": "chain", "group_size": 1, "split_k": 2},
    {"overflow": "trap", "bias_order": "last"},
    {"overflow": "readout", "acc_bits": 12, "acc_internal_bits": 14, "bias_policy": "apply"},
    {"overflow": "saturate", "cols": 4, "inner_bits": 40, "inner_products": 8},
    {"overflow": "wrap", "cols": 4, "inner_bits": 40, "inner_products": 8, "split_k": 2, "order": "reversed"},
]


def numerics(fields: dict[str, Any]) -> Numerics:
    rule: Numerics = Hardware(**fields).numerics
    return rule


def at_width(rule: Numerics, bits: int) -> Numerics:
    internal = max(bits, rule.acc_internal_bits)
    return dataclasses.replace(rule, acc_bits=bits, acc_internal_bits=internal, bias_policy="apply")


def brute_equal(net: Network, x: Any, rule: Numerics) -> list[int]:
    """Per channel, the least width from which on no OFM code differs: a golden run for every width."""
    name = net.values[net.outputs[0]].name
    exact = golden(net, x, numerics=at_width(rule, 32))[name]
    equal = np.full(exact.shape[-1], 2)
    for bits in range(2, 32):
        differ = golden(net, x, numerics=at_width(rule, bits))[name] != exact
        equal[differ.reshape(-1, exact.shape[-1]).any(axis=0)] = bits + 1
    return [int(bits) for bits in equal]


@pytest.mark.parametrize("fields", RULES)
@pytest.mark.parametrize("kind", NETS)
def test_one_layer_against_golden_at_every_width(kind: str, fields: dict[str, Any]) -> None:
    net, rule = NETS[kind](), numerics(fields)
    x = random_samples(net, 1, 5)
    (layer,) = observe(net, x, rule, layer_bounds(net, rule)).layers
    stats = golden_stats(net, x, at_width(rule, 32))[1][0]
    assert layer.low.tolist() == stats.channel_acc_min.tolist()
    assert layer.high.tolist() == stats.channel_acc_max.tolist()
    assert layer.output_equal.tolist() == brute_equal(net, x, rule)
    for low, high, bits in zip(layer.low, layer.high, layer.bits, strict=True):
        half = 1 << (int(bits) - 1)
        assert -half <= low <= high < half
        assert bits == 2 or low < -(half >> 1) or high >= half >> 1


@pytest.mark.parametrize("inner_overflow", ["saturate", "wrap"])
@pytest.mark.parametrize("kind", NETS)
def test_inner_widths_against_golden_at_every_width(kind: str, inner_overflow: str) -> None:
    """Saturate: the least width without events, found by trying; wrap: a width at which outputs are exact."""
    net, x = NETS[kind](), random_samples(NETS[kind](), 1, 4)
    rule = numerics({"cols": 4, "inner_bits": 11, "inner_products": 8, "inner_overflow": inner_overflow})
    (layer,) = observe(net, x, rule, layer_bounds(net, rule)).layers
    assert layer.inner_bits is not None
    tried = [dataclasses.replace(rule, inner_bits=bits) for bits in range(2, 24)]
    if inner_overflow == "saturate":
        events = [golden_stats(net, x, each)[1][0].channel_inner_events for each in tried]
        assert layer.inner_bits.tolist() == (2 + np.count_nonzero(events, axis=0)).tolist()
    name = net.values[net.outputs[0]].name
    fits = golden(net, x, numerics=tried[int(layer.inner_bits.max()) - 2])[name]
    assert np.array_equal(fits, golden(net, x)[name])
    assert layer.output_equal.tolist() == brute_equal(net, x, dataclasses.replace(rule, inner_bits=40))
    (plain,) = observe(net, x, dataclasses.replace(rule, inner_bits=0), layer_bounds(net, rule)).layers
    assert plain.inner_bits is None


def test_spilled_sums_under_wrap_by_hand() -> None:
    """Products 100, -60, 7 and 20, two a window: 100 and 40 must fit under saturate, 40 and 27 under wrap."""
    net = Chain((1, 4), zero_point=0).dense(1, bias=False).build()
    weights = net.values[1].data
    assert weights is not None
    weights[...] = [[100, -60, 7, 20]]
    x = np.ones((2, 4), np.int8)
    for overflow, bits in (("saturate", 8), ("wrap", 7)):
        fields = {"inner_bits": 8, "inner_products": 2, "inner_overflow": overflow}
        rule = numerics({"cols": 1, "reduction": "chain", **fields})
        found = observe(net, x, rule, layer_bounds(net, rule))
        (layer,) = found.layers
        assert layer.inner_bits is not None
        assert layer.inner_bits.tolist() == [bits]
        assert (layer.low.tolist(), layer.high.tolist()) == ([0], [67])
        assert (found.table().heads[-1], found.table().rows[0][-1]) == ("inner bits", bits)
        assert found.to_dict()["layers"][0]["inner_bits"] == [bits]


def test_later_layers_see_the_exact_ifm() -> None:
    net = Chain((1, 6, 6, 3), seed=1).conv(5).pool("MAX").conv(4).build()
    rule, x = Hardware(acc_bits=12, bias_policy="apply").numerics, random_samples(net, 3, 2)
    exact = golden_stats(net, x, Hardware().numerics)[1]
    found = observe(net, x, rule, layer_bounds(net, rule))
    assert [layer.node for layer in found.layers] == mac_nodes(net) == [0, 2]
    for layer in found.layers:
        assert layer.low.tolist() == exact[layer.node].channel_acc_min.tolist()


def test_held_out_samples_are_the_odd_ones() -> None:
    """Sum of the codes, weights 1: samples 0, 2, 4 need few bits, samples 1 and 3 more; 4 * -128 needs 10."""
    net = Chain((1, 4), zero_point=0).dense(1, bias=False).build()
    weights = net.values[1].data
    assert weights is not None
    weights[...] = 1
    x = np.array([[1] * 4, [50] * 4, [2] * 4, [40] * 4, [3] * 4, [0] * 4], np.int8)
    rule = Hardware(reduction="chain", group_size=1).numerics
    found = observe(net, x, rule, layer_bounds(net, rule))
    (layer,) = found.layers
    assert (found.samples, found.held_out, layer.calibrated, layer.exceeding) == (6, 3, 5, 2)
    assert (int(layer.high.max()), int(layer.bits.max())) == (200, 9)
    assert found.margins(0).tolist() == [10 - 9]
    assert "Calibrated on 3 samples (even), held against 3 (odd)" in found.sentence
    assert "200" in found.table().text()
    assert found.to_dict()["layers"][0]["margins"] == [1]


def test_the_bound_of_zero_events_by_hand() -> None:
    """0.95 to the power of 1; the rule of three, 3 / n, from above."""
    assert zero_event_bound(1) == pytest.approx(0.95)
    assert (1 - zero_event_bound(59)) ** 59 == pytest.approx(0.05)
    assert 2.98 / 300 < zero_event_bound(300) < 3 / 300
