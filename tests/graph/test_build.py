from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import FxsimError, GraphError
from fxsim.graph import ABSENT, DType, Network, Node, TensorType, Value, build, network_text, unique_names
from fxsim.numerics import Affine
from fxsim.ops import Conv2D, FullyConnected, Quantize, Softmax

T = TensorType((1, 4), DType.INT8, Affine(0.5, 3))
CONST = Value("k", TensorType((2,), DType.INT8), np.array([1, 2], np.int8))


def node(inputs: tuple[int, ...], outputs: tuple[int, ...], name: str = "n") -> Node:
    return Node("QUANTIZE", name, inputs, outputs, Quantize())


def values(*names: str) -> list[Value]:
    return [Value(name, T) for name in names]


def shaped(*shape: int) -> Value:
    return Value("x", TensorType(shape, DType.INT8))


def test_nodes_are_sorted_and_legal_orders_are_kept() -> None:
    chain = [node((2,), (3,), "last"), node((0,), (1,), "first"), node((1,), (2,), "middle"), node((0,), (4,), "free")]
    net = build("net", values("x", "a", "b", "y", "z"), chain, [0], [3, 4])
    assert [n.name for n in net.nodes] == ["first", "middle", "last", "free"]
    legal = [chain[i] for i in (1, 3, 2, 0)]
    assert build("net", values("x", "a", "b", "y", "z"), legal, [0], [3]).nodes == tuple(legal)


@given(st.permutations(range(8)), st.data())
def test_any_shuffled_graph_is_sorted(order: list[int], data: st.DataObject) -> None:
    sources = [data.draw(st.sets(st.integers(0, i), min_size=1)) for i in range(8)]
    nodes = [node(tuple(sorted(s)), (i + 1,), str(i)) for i, s in enumerate(sources)]
    net = build("net", values(*map(str, range(9))), [nodes[i] for i in order], [0], [8])
    done = {0}
    for n in net.nodes:
        assert set(n.inputs) <= done
        done |= set(n.outputs)
    assert len(net.nodes) == 8


ILLEGAL = [
    ([], [], [], [], "must have values; network must have nodes; network must have inputs; network must have outputs"),
    (values("x", "x"), [node((0,), (1,))], [0], [1], "2 values are called 'x'"),
    (values("x", ""), [node((0,), (1,))], [0], [1], "1 values are called ''"),
    (values("x", "y"), [node((0,), (2,))], [0], [1], r"results of node 'n' must be value ids below 2, not \[2\]"),
    (values("x", "y"), [node((-2,), (1,))], [0], [1], r"operands of node 'n' must be value ids below 2, not \[-2\]"),
    (values("x", "y"), [node((0,), (ABSENT,))], [0], [1], r"results of node 'n' must be value ids below 2, not \[-1\]"),
    (values("x", "y"), [node((0,), (1,))], [7], [-1], r"inputs must be value ids .*; outputs must be value ids"),
    (values("x", "y"), [node((0,), (1,))], [0, 0], [1], r"inputs must not repeat, not \[0, 0\]"),
    ([CONST, *values("y")], [node((0,), (1,))], [0], [1], "input 'k' must not be a constant"),
    ([CONST, *values("x")], [node((1,), (0,))], [1], [0], "tensor 'k' must have one producer, not 2"),
    (values("x", "y"), [node((0,), (1,)), node((0,), (1,))], [0], [1], "tensor 'y' must have one producer, not 2"),
    (values("x", "y"), [node((0,), (0,)), node((0,), (1,))], [0], [1], "tensor 'x' must have one producer, not 2"),
    (values("x", "y", "z"), [node((2,), (1,))], [0], [1], "operand 'z' of node 'n' must be an input, a constant or"),
    (values("x", "y", "z"), [node((0,), (1,))], [0], [2], "output 'z' must be produced by a node"),
    (values("x", "y"), [node((0,), (1,))], [0], [0], "output 'x' must be produced by a node"),
    (values("x", "a", "b"), [node((0, 2), (1,), "p"), node((1,), (2,), "q")], [0], [2], r"acyclic.* not \['p', 'q'\]"),
    (values("x", "y"), [node((1,), (1,))], [0], [1], "acyclic"),
    ([shaped(-1, 4), *values("y")], [node((0,), (1,))], [0], [1], "dimensions of at least 0"),
    ([shaped(2**20, 2**20), *values("y")], [node((0,), (1,))], [0], [1], r"fewer than 2\^31 elements"),
    ([shaped(*[1] * 9), *values("y")], [node((0,), (1,))], [0], [1], "at most 8 dimensions"),
    ([shaped(0, 4), *values("y")], [node((0,), (1,))], [0], [1], "must not be empty"),
    (
        [*values("x", "y"), Value("k", TensorType((3,), DType.INT8), np.zeros(2, np.int8))],
        [node((0,), (1,))],
        [0],
        [1],
        r"tensor 'k': data must be int8\[3\], not int8\[2\]",
    ),
]


@pytest.mark.parametrize(("vals", "nodes", "inputs", "outputs", "message"), ILLEGAL)
def test_ill_formed_graphs_are_refused(
    vals: list[Value], nodes: list[Node], inputs: list[int], outputs: list[int], message: str
) -> None:
    with pytest.raises(GraphError, match=message):
        build("net", vals, nodes, inputs, outputs)


def test_many_problems_are_cut() -> None:
    nodes = [node((2,), (1,), f"n{i}") for i in range(60)]
    with pytest.raises(GraphError, match="and 41 more"):
        build("net", values("x", "y", "z"), nodes, [0], [1])


def test_unused_empty_tensors_are_harmless() -> None:
    spare = Value("spare", TensorType((0,), DType.FLOAT32))
    assert build("net", [*values("x", "y"), spare], [node((0,), (1,))], [0], [1]).values[2].name == "spare"


def test_unknown_profile_is_refused() -> None:
    with pytest.raises(FxsimError, match="profile must be one of"):
        build("net", values("x", "y"), [node((0,), (1,))], [0], [1], "nobody")


def test_with_profile_changes_the_profile_only() -> None:
    net = build("net", values("x", "y"), [node((0,), (1,))], [0], [1])
    other = net.with_profile("litert")
    assert (net.profile, other.profile, other.nodes) == ("tflite", "litert", net.nodes)
    with pytest.raises(FxsimError, match="profile must be one of"):
        net.with_profile("nobody")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "", "a", ""], ["a#0", "#1", "a#2", "#3"]),
        (["a#1", "a", "a"], ["a#1#0", "a#1#1", "a#2"]),
        (["#1", ""], ["#1#0", "#1#1"]),
    ],
)
def test_repeated_and_empty_names_carry_their_index(names: list[str], expected: list[str]) -> None:
    assert unique_names(names) == expected


@given(st.lists(st.text("a#01", max_size=3), max_size=8))
def test_names_become_unique_and_unique_ones_stay(names: list[str]) -> None:
    result = unique_names(names)
    assert len(set(result)) == len(names)
    assert all(result)
    assert all(r.startswith(n) for n, r in zip(names, result, strict=True))


def test_text_form() -> None:
    vals = [
        Value("x", TensorType((1, 2), DType.INT8, Affine(0.1, -5))),
        Value("w", TensorType((3, 2), DType.INT8, Affine([0.5, 0.25, 1.0], 0, 0)), np.zeros((3, 2), np.int8)),
        Value("h", TensorType((1, 3), DType.INT8, Affine(0.5, 0))),
        Value("y", TensorType((1, 3), DType.INT8, Affine(1 / 256, -128))),
    ]
    nodes = [
        Node("FULLY_CONNECTED", "fc", (0, 1, ABSENT), (2,), FullyConnected("RELU")),
        Node("SOFTMAX", "sm", (2,), (3,), Softmax(1.0)),
    ]
    net: Network = build("tiny", vals, nodes, [0], [3], "litert")
    assert network_text(net).splitlines() == [
        "network 'tiny' profile litert",
        "  input    %0 'x' int8[1x2] scale 0.100000001 zero -5",
        "  constant %1 'w' int8[3x2] scale 0.25..1 along 0",
        "  %2 'h' int8[1x3] scale 0.5 zero 0 = FULLY_CONNECTED(%0, %1, -) "
        "{activation=RELU, keep_num_dims=0, weights_format=DEFAULT}",
        "  %3 'y' int8[1x3] scale 0.00390625 zero -128 = SOFTMAX(%2) {beta=1.0}",
        "  output   %3 'y' int8[1x3] scale 0.00390625 zero -128",
    ]


def test_operands_and_results() -> None:
    vals = [*values("x", "y"), CONST]
    n = Node("CONV_2D", "c", (0, 2, ABSENT), (1,), Conv2D())
    net = build("net", vals, [n], [0], [1])
    assert net.operands(n) == (vals[0], CONST, None)
    assert net.results(n) == (vals[1],)
    assert net.values[2].name == "k"
