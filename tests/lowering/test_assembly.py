"""Operators that move codes: boxes, tiles, fills, and tensors that live in the scratchpad."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import HardwareError
from fxsim.graph import Network, Node, Value, build
from fxsim.hw import Hardware
from fxsim.isa import Copy, Fill, Load, Store
from fxsim.lowering.assembly import Assembly, Box
from fxsim.lowering.tiling import Span
from fxsim.ops import Concatenation
from fxsim.testing import Chain
from tests.lowering.homes import check_homes, mixes
from tests.ops.networks import tensor

BUFFERS = st.sampled_from(["on", "off"])
ROOMS = st.sampled_from([1, 2, 3, 7, 20, 33, 100, 3000])


def join(axis: int, *shapes: tuple[int, ...], constant: int | None = None) -> Network:
    """A concatenation of tensors of random codes."""
    rng = np.random.default_rng(0)
    values = [
        Value(f"x{i}", tensor(s), rng.integers(-128, 128, s).astype(np.int8) if i == constant else None)
        for i, s in enumerate(shapes)
    ]
    whole = list(shapes[0])
    whole[axis] = sum(s[axis] for s in shapes)
    operands = tuple(range(len(shapes)))
    node = Node("CONCATENATION", "y", operands, (len(shapes),), Concatenation(axis))
    inputs = [i for i in operands if i != constant]
    return build("join", [*values, Value("y", tensor(whole))], [node], inputs, [len(shapes)])


@st.composite
def joins(draw: st.DrawFn) -> Network:
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    axis = draw(st.integers(0, len(shape) - 1))
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    constant = draw(st.sampled_from([None, *range(len(sizes))])) if len(sizes) > 1 else None
    return join(axis, *((*shape[:axis], n, *shape[axis + 1 :]) for n in sizes), constant=constant)


@st.composite
def pads(draw: st.DrawFn) -> Network:
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=5)))
    sizes = st.sampled_from([0, 0, 1, 2, 5]) if math.prod(shape) < 100 else st.sampled_from([0, 0, 0, 1])
    sides = [(draw(sizes), draw(sizes)) for _ in shape]
    return Chain(shape).pad(*sides, code=draw(st.sampled_from([None, -128, 77]))).build()


@given(joins(), BUFFERS, ROOMS, st.integers(0, 31))
def test_concatenations(net: Network, buffers: str, room: int, mix: int) -> None:
    choices = list(mixes(net))
    check_homes(net, Hardware(double_buffering=buffers), choices[mix % len(choices)], room)


@given(pads(), BUFFERS, ROOMS)
def test_pads(net: Network, buffers: str, room: int) -> None:
    for resident in mixes(net):
        check_homes(net, Hardware(double_buffering=buffers), resident, room)


def test_dimensions_that_boxes_take_whole_are_merged() -> None:
    boxes = (
        Box(0, (Span(0, 2), Span(0, 3), Span(0, 4), Span(0, 5))),
        Box(1, (Span(0, 2), Span(3, 9), Span(0, 4), Span(0, 5))),
    )
    merged = Assembly((2, 9, 4, 5), boxes).merged()
    assert merged.shape == (2, 180)
    assert [box.spans for box in merged.boxes] == [(Span(0, 2), Span(0, 60)), (Span(0, 2), Span(60, 180))]


def test_a_padded_image_in_the_scratchpad_is_copied_and_framed() -> None:
    net = Chain((1, 5, 6, 3)).pad((0, 0), (1, 2), (1, 1), (0, 0)).build()
    *frame, inside = check_homes(net, Hardware(), (True, True), 0)
    assert isinstance(inside, Copy)
    assert (inside.rows, inside.row_bytes, inside.x_stride, inside.out_stride) == (5, 18, 18, 24)
    fills = [(i.rows, i.row_bytes) for i in frame if isinstance(i, Fill)]
    assert fills == [(1, 24), (1, 48), (5, 3), (5, 3)]
    assert len(frame) == 4


def test_what_comes_from_dram_is_loaded_into_place() -> None:
    net = join(3, (1, 4, 5, 3), (1, 4, 5, 2))
    first, second = check_homes(net, Hardware(), (False, False, True), 0)
    assert isinstance(first, Load)
    assert isinstance(second, Load)
    assert (first.rows, first.row_bytes, first.dram_stride, first.spad_stride) == (20, 3, 3, 5)
    assert (second.rows, second.row_bytes, second.spad_addr - first.spad_addr) == (20, 2, 3)
    *_, store = check_homes(net, Hardware(), (False, False, False), 100)
    assert isinstance(store, Store)
    assert (store.rows, store.row_bytes) == (1, 100)


def test_tiles_alternate_between_two_buffers() -> None:
    net = join(1, (1, 10, 8), (1, 6, 8))
    for buffers, expected in (("on", [24, 24, 24, 24, 24, 8]), ("off", [48, 48, 32])):
        stores = [
            i for i in check_homes(net, Hardware(double_buffering=buffers), (False,) * 3, 48) if isinstance(i, Store)
        ]
        assert [i.row_bytes for i in stores] == expected
        assert len({i.spad_addr for i in stores}) == (2 if buffers == "on" else 1)


def test_no_room_at_all() -> None:
    net = join(1, (1, 2), (1, 3))
    check_homes(net, Hardware(), (True, True, False), 1)
    with pytest.raises(HardwareError, match="node 'y': activation scratchpad must hold one code, not 0"):
        check_homes(net, Hardware(), (True, True, False), 0)
