"""Network inputs that a search finds: executed, they overflow; where the bound is out of reach, the search says so."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import fxsim
from fxsim import Hardware
from fxsim._core.errors import InputError
from fxsim.analysis import layer_bounds, search_network, witness
from fxsim.hw import Numerics
from fxsim.numerics import bits_needed
from fxsim.ops import accumulate_outputs, gather, mac_params
from fxsim.testing import Chain

LAYERS = {
    "conv": Chain((1, 4, 5, 3), seed=4, zero_point=-77).conv(3, stride_w=2).conv(4, (3, 2), dilation_h=2).build(),
    "depthwise": Chain((2, 4, 4, 9), seed=5).conv(3, (3, 3)).depthwise(2, (2, 2), bias=False).build(),
    "dense": Chain((3, 50), seed=6, zero_point=100).dense(6).dense(4, weight_zero=-20).build(),
}
RULES = {
    "saturate": Numerics(overflow="saturate", bias_policy="apply", group_size=4),
    "wrap": Numerics(overflow="wrap", bias_policy="apply", zero_point="subtract", order="reversed"),
    "readout": Numerics(overflow="readout", bias_policy="apply", reduction="chain", group_size=1, split_k=2),
}


@pytest.mark.parametrize("mode", list(RULES))
@pytest.mark.parametrize("name", list(LAYERS))
def test_what_is_found_is_what_golden_accumulates(name: str, mode: str) -> None:
    net, rule = LAYERS[name], RULES[mode]
    target = witness(net, 1, rule)
    search = search_network(net, target, rule, evaluations=2000)
    found = search.witness
    assert search.evaluations < 2000
    assert (found.prefix < 0) == (target.prefix < 0)
    params = mac_params(net, net.nodes[1], rule)
    g = params.window
    images = found.ifm.reshape(-1, g.in_h, g.in_w, g.channels)
    x = gather(params, images, slice(0, len(images) * g.positions))
    seen = accumulate_outputs(params, x, dataclasses.replace(rule, acc_bits=40))
    row = np.arange(len(images)) * g.positions + found.position[0] * g.out_w + found.position[1]
    low, high, final = (values[row, found.channel] for values in (seen.low, seen.high, seen.exact))
    assert ((low <= found.prefix) & (found.prefix <= high)).any()
    assert mode == "saturate" or found.prefix in final


@pytest.mark.parametrize("mode", list(RULES))
@pytest.mark.parametrize("name", list(LAYERS))
@pytest.mark.slow
def test_what_is_found_overflows_in_the_whole_network(name: str, mode: str) -> None:
    net, rule = LAYERS[name], RULES[mode]
    found = search_network(net, witness(net, 1, rule), rule, evaluations=2000)
    assert found.witness.reach == "network"
    assert found.bits == found.witness.bits == witness(net, 1, rule).bits
    assert found.witness.x is found.x
    np.testing.assert_array_equal(fxsim.golden(net, found.x)["t0"], found.witness.ifm)
    cols = 16 if rule.reduction == "chain" else rule.group_size
    fields = {**dataclasses.asdict(rule), "acc_bits": 32}
    hw = Hardware(cols=cols, acc_depth=128, **fields)
    program = fxsim.lower(net, hw, layers={"n1": {"acc_bits": found.bits - 1}})
    first, second = fxsim.simulate(program, found.x).layers[:2]
    assert first.overflow_count == 0
    assert second.overflow_count + second.bias_overflow_count > 0


def test_prefixes_of_a_reversed_sum_begin_at_its_end() -> None:
    """Application 1 of the reversed dense layer: bias as loaded, and the products of its last two operands."""
    net, rule = LAYERS["dense"], Numerics(bias_policy="apply", group_size=2, order="reversed")
    target = dataclasses.replace(witness(net, 1, rule), application=1, bits=60)
    params = mac_params(net, net.nodes[1], rule)
    start, last = int(params.initial[target.channel]), params.stream[-2:, target.channel].tolist()
    for seed in range(20):
        found = search_network(net, target, rule, evaluations=1, seed=seed)
        rows = fxsim.golden(net, found.x)["t0"].reshape(3, 6)[:, -2:].tolist()
        sums = [start + sum(w * x for w, x in zip(last, row, strict=True)) for row in rows]
        best = max(sums) if target.prefix >= 0 else min(sums)
        assert found.bits == bits_needed(best, best)


def test_positions_are_counted_within_an_image() -> None:
    net, rule = LAYERS["depthwise"], RULES["wrap"]
    found = [search_network(net, witness(net, 1, rule), rule, seed=seed).witness for seed in range(6)]
    assert all(row < 4 and column < 4 for row, column in (w.position for w in found))
    assert len({w.position for w in found}) > 1


def test_a_bound_out_of_reach_stays_layer_reachable() -> None:
    """Behind RELU6 at scale 0.2 the codes are -7..23, so that the exact bound of the second layer is far off."""
    net = Chain((1, 3, 3, 2), seed=8).conv(6, activation="RELU6").conv(4, bias=False).build()
    rule = Numerics(bias_policy="apply", zero_point="subtract")
    target = witness(net, 1, rule)
    found = search_network(net, target, rule, evaluations=40)
    assert found.witness is target
    assert target.reach == "layer"
    assert found.evaluations == 40
    assert found.bits <= layer_bounds(net, rule)[1].proved < target.bits
    again = search_network(net, target, rule, evaluations=40)
    np.testing.assert_array_equal(found.x["x"], again.x["x"])


def test_more_evaluations_find_no_less() -> None:
    net, rule = LAYERS["conv"], RULES["saturate"]
    target = dataclasses.replace(witness(net, 1, rule), bits=60)
    bits = [search_network(net, target, rule, evaluations=count).bits for count in (1, 20, 100)]
    assert bits == sorted(bits)
    assert bits[0] < bits[-1]


def test_an_input_of_the_network_is_found_already() -> None:
    net, rule = LAYERS["conv"], RULES["saturate"]
    target = witness(net, 0, rule)
    found = search_network(net, target, rule)
    assert (found.witness, found.evaluations) == (target, 0)
    assert found.x is target.x
    with pytest.raises(InputError, match="evaluations must be at least 1, not 0"):
        search_network(net, target, rule, evaluations=0)
