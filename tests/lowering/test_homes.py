"""Operators whose tensors live in the scratchpad, in every mix, with room for few bytes of tiles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import HardwareError
from fxsim.hw import Hardware
from fxsim.isa import Load, Reduce, Store
from tests.lowering.homes import check_homes, mixes
from tests.lowering.nets import Chain

if TYPE_CHECKING:
    from fxsim.graph import Network

BUFFERS = st.sampled_from(["on", "off"])


@st.composite
def means(draw: st.DrawFn) -> Network:
    shape = tuple(draw(st.lists(st.sampled_from([1, 2, 3, 4, 5, 9]), min_size=1, max_size=6)))
    if math.prod(shape) > 600:
        shape = shape[:3]
    axes = draw(st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, max_size=6))
    return Chain(shape).mean(*axes, keep_dims=draw(st.integers(0, 1))).build()


@given(means(), BUFFERS, st.sampled_from([6, 7, 12, 20, 33, 100, 1000]), st.integers(0, 99))
def test_means(net: Network, buffers: str, room: int, seed: int) -> None:
    for resident in mixes(net):
        check_homes(net, Hardware(double_buffering=buffers), resident, room, seed)


def test_a_resident_operand_is_averaged_where_it_lies() -> None:
    """The common case is one instruction, and with both tensors in the scratchpad it needs no room."""
    net = Chain((1, 7, 7, 24)).mean(1, 2).build()
    (only,) = check_homes(net, Hardware(), (True, True), 0)
    assert isinstance(only, Reduce)
    whole = check_homes(net, Hardware(), (False, False), 24 * 50)
    assert [type(i) for i in whole] == [Load, Reduce, Store]


@pytest.mark.parametrize(("resident", "least"), [((False, False), 6), ((True, False), 1), ((False, True), 5)])
def test_too_little_room(resident: tuple[bool, bool], least: int) -> None:
    net = Chain((1, 4, 4, 3)).mean(1, 2).build()
    check_homes(net, Hardware(), resident, least)
    with pytest.raises(HardwareError, match=f"must hold the {least} bytes of one code, its sum .*, not {least - 1}"):
        check_homes(net, Hardware(), resident, least - 1)
