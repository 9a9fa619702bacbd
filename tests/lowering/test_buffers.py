"""Tiles of constants: one behind the other round their scratchpad, or all at address 0."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fxsim.hw import Hardware
from fxsim.isa import Space
from fxsim.lowering.buffers import Buffers

ROOM = 100
SMALL = Hardware(weight_spad_bytes=ROOM, param_spad_bytes=ROOM)


def test_tiles_stand_behind_each_other_until_one_does_not_fit() -> None:
    buffers = Buffers(SMALL.timing)
    assert [buffers.take(Space.WEIGHT, size) for size in (40, 60, 40, 61, 39, 100, 1)] == [0, 40, 0, 0, 61, 0, 0]


def test_scratchpads_are_apart() -> None:
    buffers = Buffers(SMALL.timing)
    taken = [buffers.take(space, 30) for space in (Space.WEIGHT, Space.PARAM, Space.WEIGHT, Space.PARAM)]
    assert taken == [0, 0, 30, 30]


@given(st.lists(st.integers(1, ROOM)), st.sampled_from(["on", "off"]))
def test_tiles_are_inside_and_apart_from_the_one_before_where_both_fit(sizes: list[int], double: str) -> None:
    buffers = Buffers(SMALL.replace(double_buffering=double).timing)
    starts = [buffers.take(Space.WEIGHT, size) for size in sizes]
    assert all(0 <= start <= ROOM - size for start, size in zip(starts, sizes, strict=True))
    if double == "off":
        assert not any(starts)
        return
    pairs = list(zip(starts, sizes, strict=True))
    for (before, size), (start, own) in pairwise(pairs):
        assert start == (before + size if before + size + own <= ROOM else 0)
