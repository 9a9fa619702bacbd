"""Parts of networks compute what the whole did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fxsim
from fxsim.analysis import before, isolate, search_network, witness
from fxsim.graph import DType, Network, Node, TensorType, Value, build
from fxsim.hw import Numerics
from fxsim.numerics import Affine
from fxsim.ops import Binary, FullyConnected

RULE = Numerics(bias_policy="apply")


def two_inputs() -> Network:
    """Y = dense(x + z), and u = dense(z): node 2 needs both inputs, node 1 needs z only."""

    def code(name: str, data: Any = None) -> Value:
        shape = (1, 4) if data is None else data.shape
        return Value(name, TensorType(shape, DType.INT8, Affine(np.float32(0.5), 3 if data is None else 0)), data)

    w = np.arange(-8, 8, dtype=np.int8).reshape(4, 4)
    values = [code("x"), code("z"), code("sum"), code("u"), code("y"), code("w", w)]
    nodes = [
        Node("ADD", "add", (0, 1), (2,), Binary()),
        Node("FULLY_CONNECTED", "side", (1, 5, -1), (3,), FullyConnected()),
        Node("FULLY_CONNECTED", "dense", (2, 5, -1), (4,), FullyConnected()),
    ]
    return build("two", values, nodes, [0, 1], [3, 4])


def sample(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {name: rng.integers(-128, 128, (3, 4)).astype(np.int8) for name in ("x", "z")}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_isolated_layers_compute_what_they_did(number: int) -> None:
    net, x = two_inputs(), sample(1)
    whole = fxsim.golden(net, x)
    part = isolate(net, number)
    names = [part.values[i].name for i in part.inputs]
    assert names == [["x", "z"], ["z"], ["sum"]][number]
    assert [node.name for node in part.nodes] == [net.nodes[number].name]
    (out,) = (part.values[i].name for i in part.outputs)
    np.testing.assert_array_equal(fxsim.golden(part, {name: whole[name] for name in names})[out], whole[out])


def test_what_comes_before_a_layer() -> None:
    net, x = two_inputs(), sample(2)
    part = before(net, 2)
    assert [node.name for node in part.nodes] == ["add"]
    np.testing.assert_array_equal(fxsim.golden(part, x)["sum"], fxsim.golden(net, x)["sum"])


def test_an_input_that_the_layer_does_not_need_is_left_out() -> None:
    net = two_inputs()
    chained = build("chained", net.values, [net.nodes[0], net.nodes[1], moved()], [0, 1], [2, 4])
    part = before(chained, 2)
    assert [part.values[i].name for i in part.inputs] == ["z"]
    assert [node.name for node in part.nodes] == ["side"]


def moved() -> Node:
    """The last layer behind the side layer."""
    return Node("FULLY_CONNECTED", "dense", (3, 5, -1), (4,), FullyConnected())


def test_witnesses_of_networks_with_several_inputs() -> None:
    net = two_inputs()
    side = witness(net, 1, RULE)
    assert side.reach == "network"
    assert side.x is not None
    assert sorted(side.x) == ["x", "z"]
    np.testing.assert_array_equal(side.x["z"], side.ifm)
    found = search_network(net, witness(net, 2, RULE), RULE, evaluations=300)
    assert found.witness.reach == "network"
    np.testing.assert_array_equal(fxsim.golden(net, found.x)["sum"], found.witness.ifm)
