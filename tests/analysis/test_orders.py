import dataclasses
from typing import Any

import numpy as np
import pytest

import fxsim
from fxsim import Hardware
from fxsim._core.errors import InputError
from fxsim.analysis import compare_orders, exact_run, order_plans
from fxsim.api import Array, Samples, random_samples
from fxsim.graph import Network
from fxsim.hw import Numerics
from fxsim.testing import Chain

EXECUTABLE = [plan.name for plan in order_plans(Hardware().numerics) if plan.executable]
NARROW = Hardware(acc_bits=14, overflow="saturate", bias_policy="apply")


def small_net() -> Network:
    return Chain((1, 5, 6, 4), seed=3).conv(6).build()


def simulated(net: Network, x: Samples, numerics: Numerics) -> tuple[Array, int, int]:
    """OFM and overflow counters of the machine whose array suits `numerics`."""
    fields = dataclasses.asdict(numerics)
    cols = numerics.group_size if numerics.reduction == "tree" else 16
    result = fxsim.run(net, x, hw=Hardware(cols=cols, acc_depth=128, **fields))
    layer = result.layers[0]
    return next(iter(result.outputs.values())), layer.overflow_count, layer.overflow_events


def saturating(products: list[int], bias: int, bits: int) -> tuple[int, int]:
    """One accumulator on plain integers, a product at a time: register and events."""
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    register = min(max(bias, low), high)
    events = 0
    for product in products:
        wanted = register + product
        register = min(max(wanted, low), high)
        events += register != wanted
    return register, events


@pytest.mark.parametrize("name", EXECUTABLE)
def test_an_executable_order_is_what_the_machine_computes(name: str) -> None:
    net, numerics = small_net(), NARROW.numerics
    x = random_samples(net, 2, 3)
    plans = {plan.name: plan.numerics for plan in order_plans(numerics)}
    found = {order.name: order for order in compare_orders(net, x, numerics)[0].orders}[name]
    own, _, _ = simulated(net, x, numerics)
    ofm, count, events = simulated(net, x, plans[name])
    exact = exact_run(net, x, numerics)[0][net.values[net.outputs[0]].name]
    assert events > 0
    assert (found.outputs, found.events) == (own.size, events)
    assert found.changed == np.count_nonzero(ofm != own)
    assert found.wrong == np.count_nonzero(ofm != exact)
    assert found.overflowed >= count


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("chain, negative weights first", lambda k, w: (np.sign(w), k)),
        ("chain, signs in turn", None),
    ],
)
def test_permutations_against_plain_integers(name: str, key: Any) -> None:
    net = fxsim.gemm(3, 40, 5)
    numerics = Hardware(acc_bits=17, zero_point="subtract", bias_policy="apply").numerics
    x = random_samples(net, 5, 2)["a"].reshape(-1, 40).tolist()
    weights, bias = constant(net, 1), constant(net, 2)
    events = wrong = 0
    for row in x:
        for w, b in zip(weights, bias, strict=True):
            order = in_turn(w) if key is None else sorted(range(40), key=lambda k: key(k, w[k]))
            register, seen = saturating([row[k] * w[k] for k in order], b, 17)
            events += seen
            wrong += register != b + sum(p * q for p, q in zip(row, w, strict=True))
    found = {o.name: o for o in compare_orders(net, np.array(x, np.int8).reshape(2, 3, 40), numerics)[0].orders}[name]
    assert not found.executable
    assert events > 0
    assert (found.events, found.wrong_acc) == (events, wrong)


def constant(net: Network, number: int) -> Any:
    data = net.values[number].data
    assert data is not None
    return data.tolist()


def in_turn(w: list[int]) -> list[int]:
    """Negative and other weights in turn, the largest first."""
    negative = sorted((k for k in range(len(w)) if w[k] < 0), key=lambda k: w[k])
    others = sorted((k for k in range(len(w)) if w[k] >= 0), key=lambda k: -w[k])
    paired = [k for pair in zip(negative, others, strict=False) for k in pair]
    return paired + negative[len(others) :] + others[len(negative) :]


def test_at_18_bits_and_576_products_the_order_changes_most_results() -> None:
    net = fxsim.gemm(32, 576, 32)
    own, *others = compare_orders(net, random_samples(net, 1), Hardware(acc_bits=18, bias_policy="apply").numerics)[
        0
    ].orders
    assert own.name == "as the hardware, tree of 16"
    assert own.acc_changed == 0
    reversed_tree = next(order for order in others if order.name == "tree of 16, reversed")
    assert 2 * reversed_tree.acc_changed > reversed_tree.outputs


def test_wrapping_sums_do_not_depend_on_the_order() -> None:
    net = fxsim.gemm(4, 70, 6)
    layer = compare_orders(
        net, random_samples(net, 1), Hardware(acc_bits=14, overflow="wrap", bias_policy="apply").numerics
    )[0]
    assert layer.orders[0].wrong_acc > 0
    assert {(order.acc_changed, order.changed) for order in layer.orders} == {(0, 0)}


def test_depthwise_layers_and_a_choice_of_layers() -> None:
    net = Chain((1, 5, 5, 4), seed=1).conv(4).depthwise().build()
    x = random_samples(net, 1)
    (layer,) = compare_orders(net, x, NARROW.numerics, layers=[1])
    assert (layer.layer, layer.op, layer.depth) == (1, "DEPTHWISE_CONV_2D", 9)
    assert layer.orders[0].outputs == 100
    assert "analysis only" in layer.table().text()
    assert layer.to_dict()["orders"][0]["name"] == "as the hardware, tree of 16"


def test_a_layer_without_accumulators_is_refused() -> None:
    net = Chain((1, 4, 4, 4)).conv(4).pool("MAX").build()
    with pytest.raises(InputError, match="nodes with accumulators, not"):
        compare_orders(net, random_samples(net, 1), NARROW.numerics, layers=[1])
