"""Operators with two operands: loops, tiles, and operands and results that live in the scratchpad."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import HardwareError
from fxsim.graph import Network, Node, Value, build
from fxsim.hw import Hardware
from fxsim.isa import Load, Store, VAdd
from fxsim.lowering import lower
from fxsim.lowering.binary_layer import Loop, nest
from fxsim.ops import Binary
from fxsim.testing import Chain
from tests.lowering.homes import check_homes, mixes
from tests.lowering.running import check_bits
from tests.ops.networks import double, tensor

OPS = ["ADD", "SUB", "MUL"]
SHAPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((1, 4, 5, 3), (1, 4, 5, 3)),
    ((1, 4, 5, 3), (3,)),
    ((), (1, 4, 5, 3)),
    ((1, 4, 1, 3), (1, 1, 5, 3)),
    ((1, 6, 1), (1, 7)),
    ((2, 1, 3, 1, 2), (2, 4, 1, 5, 1)),
    ((1,), (1, 1)),
]


def network(op: str, a: tuple[int, ...], b: tuple[int, ...], constant: int | None = None) -> Network:
    """One node of two operands; codes of a constant one are random."""
    kinds = [tensor(a, 0.07, -11), tensor(b, 0.05, 3)]
    rng = np.random.default_rng(1)
    operands: list[Any] = [
        Value(f"c{i}", kind, rng.integers(-128, 128, kind.shape).astype(np.int8)) if i == constant else kind
        for i, kind in enumerate(kinds)
    ]
    return double(op, Binary("RELU6"), (operands[0], operands[1]), tensor(np.broadcast_shapes(a, b), 0.09, -5))


@pytest.mark.parametrize(
    ("shapes", "loops"),
    [
        (((1, 4, 5, 3), (1, 4, 5, 3)), [(60, (1, 1, 1))]),
        (((1, 4, 5, 3), (3,)), [(20, (3, 0, 3)), (3, (1, 1, 1))]),
        (((1, 4, 5, 3), ()), [(60, (1, 0, 1))]),
        (((4, 1), (1, 5)), [(4, (1, 0, 5)), (5, (0, 1, 1))]),
        (((2, 3, 1, 4), (5, 4)), [(6, (4, 0, 20)), (5, (0, 4, 4)), (4, (1, 1, 1))]),
        (((2, 1, 3), (1, 7, 1)), [(2, (3, 0, 21)), (7, (0, 1, 3)), (3, (1, 0, 1))]),
        (((1, 1), ()), [(1, (1, 1, 1))]),
    ],
)
def test_loops_over_two_shapes(shapes: Any, loops: Any) -> None:
    assert nest(*shapes) == [Loop(*loop) for loop in loops]


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("constant", [None, 0, 1])
@pytest.mark.parametrize("shapes", SHAPES)
def test_every_mix_of_homes(op: str, constant: int | None, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    net = network(op, *shapes, constant)
    for buffers in ("on", "off"):
        for room in (3, 8, 30, 500):
            for resident in mixes(net):
                check_homes(net, Hardware(double_buffering=buffers), resident, room)


@pytest.mark.parametrize("op", OPS)
def test_a_resident_residual_is_one_instruction(op: str) -> None:
    net = network(op, (1, 4, 5, 3), (1, 4, 5, 3))
    assert len(check_homes(net, Hardware(), (True, True, True), 0)) == 1


def test_a_tensor_and_itself() -> None:
    values = (Value("x", tensor((1, 9))), Value("y", tensor((1, 9))))
    same = build("same", values, [Node("ADD", "n", (0, 0), (1,), Binary())], [0], [1])
    for resident in mixes(same):
        check_homes(same, Hardware(), resident, 6)


def test_tiles_alternate_between_two_buffers() -> None:
    net = network("ADD", (1, 10, 10), (1, 10, 10))
    twice = [i for i in check_homes(net, Hardware(), (False,) * 3, 80) if isinstance(i, VAdd)]
    first = twice[0].out_addr
    assert [(i.count, i.out_addr - first) for i in twice] == [(20, 0), (20, 40)] * 2 + [(20, 0)]
    once = check_homes(net, Hardware(double_buffering="off"), (False,) * 3, 80)
    assert [i.count for i in once if isinstance(i, VAdd)] == [40, 40, 20]


def test_a_repeated_operand_is_loaded_once() -> None:
    net = network("ADD", (1, 10, 10), (10,), constant=1)
    instructions = check_homes(net, Hardware(), (False, False), 50)
    assert [i.row_bytes for i in instructions if isinstance(i, Load)] == [10] + [20] * 5
    assert [i.row_bytes for i in instructions if isinstance(i, Store)] == [20] * 5
    # a room that half of it would not hold takes the operand in pieces
    instructions = check_homes(net, Hardware(), (False, False), 19)
    assert {i.row_bytes for i in instructions if isinstance(i, Load | Store)} == {4, 2}


def test_a_scratchpad_without_room_is_named() -> None:
    expected = "node 'node': activation scratchpad must hold the 2 bytes of one element, not 1"
    with pytest.raises(HardwareError, match=expected):
        check_homes(network("ADD", (1, 3), (1, 3)), Hardware(), (False,) * 3, 1)


def test_constants_follow_each_other_in_dram() -> None:
    chain = Chain((1, 4, 4, 3))
    net = chain.binary("ADD", chain.constant(3)).binary("ADD", chain.constant(4, 1, 1), swap=True).build()
    program = check_bits(net, Hardware())
    assert len(program.constants) == 64 + 4


@st.composite
def shapes(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    whole = draw(st.lists(st.integers(1, 5), max_size=5))
    pair = [tuple(draw(st.sampled_from((1, n))) for n in whole[draw(st.integers(0, len(whole))) :]) for _ in range(2)]
    return pair[0], pair[1]


@given(
    shapes(),
    st.sampled_from(OPS),
    st.sampled_from([None, 0, 1]),
    st.integers(3, 60),
    st.sampled_from(["on", "off"]),
    st.integers(0, 7),
)
def test_random_shapes_rooms_and_homes(
    pair: tuple[tuple[int, ...], tuple[int, ...]], op: str, constant: int | None, room: int, buffers: str, mix: int
) -> None:
    net = network(op, *pair, constant)
    choices = list(mixes(net))
    check_homes(net, Hardware(double_buffering=buffers), choices[mix % len(choices)], room)


def test_program_of_a_residual_network() -> None:
    chain = Chain((1, 6, 6, 4)).conv(4)
    net = chain.binary("ADD", 0).binary("ADD", 3, activation="RELU").build()
    for name in ("edge-16x16", "paper-4x4"):
        check_bits(net, Hardware.load(name))
    assert len(lower(net, Hardware()).layers) == 3
