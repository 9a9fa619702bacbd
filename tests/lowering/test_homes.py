"""Operators whose tensors live in the scratchpad, in every mix, with room for few bytes of tiles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fxsim._core.errors import HardwareError
from fxsim.graph import DType
from fxsim.hw import Hardware
from fxsim.isa import Load, Pool, Reduce, Store
from fxsim.testing import Chain
from tests.lowering.homes import check_homes, mixes

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


FLAT = {
    "QUANTIZE": Chain((1, 5, 23)).quantize(DType.UINT8, 0.08, 120).build(),
    "DEQUANTIZE": Chain((1, 5, 23)).dequantize().build(),
    "RELU": Chain((1, 5, 23)).activation("RELU", (0.08, 12)).build(),
    "RELU6": Chain((1, 5, 23)).activation("RELU6").build(profile="litert"),
    "LOGISTIC": Chain((1, 5, 23)).activation("LOGISTIC").build(),
    "TANH": Chain((1, 5, 23)).activation("TANH").build(profile="litert"),
    "SOFTMAX": Chain((23, 5)).softmax().build(),
}


@pytest.mark.parametrize("name", FLAT)
@pytest.mark.parametrize("room", [5, 11, 40, 1000])
@pytest.mark.parametrize("buffers", ["on", "off"])
def test_element_wise(name: str, room: int, buffers: str) -> None:
    for resident in mixes(FLAT[name]):
        check_homes(FLAT[name], Hardware(double_buffering=buffers), resident, room)


@st.composite
def pools(draw: st.DrawFn) -> Network:
    size = st.integers(1, 7)
    shape = (draw(st.sampled_from([1, 1, 2])), draw(size), draw(size), draw(st.integers(1, 6)))
    kernel = draw(st.integers(1, min(3, shape[1]))), draw(st.integers(1, min(3, shape[2])))
    padding = draw(st.sampled_from(["SAME", "VALID"]))
    strides = {"stride_h": draw(st.integers(1, 2)), "stride_w": draw(st.integers(1, 3))}
    return Chain(shape).pool(draw(st.sampled_from(["AVERAGE", "MAX"])), kernel, padding=padding, **strides).build()


@given(pools(), BUFFERS, st.sampled_from([10, 12, 20, 33, 100, 1000]), st.integers(0, 99))
def test_pools(net: Network, buffers: str, room: int, seed: int) -> None:
    for resident in mixes(net):
        check_homes(net, Hardware(double_buffering=buffers), resident, room, seed)


def test_a_resident_pool_is_one_instruction_per_image() -> None:
    net = Chain((2, 6, 6, 5)).pool("MAX", stride_h=2, stride_w=2).build()
    assert [type(i) for i in check_homes(net, Hardware(), (True, True), 0)] == [Pool, Pool]


def test_pool_tiles_alternate_between_two_buffers() -> None:
    net = Chain((1, 8, 4, 4)).pool("AVERAGE", stride_h=2, stride_w=2).build()
    for buffers, expected in (("on", 2), ("off", 1)):
        tiles = check_homes(net, Hardware(double_buffering=buffers), (False, False), 100)
        assert len({i.x_addr for i in tiles if isinstance(i, Pool)}) == expected
        assert len([i for i in tiles if isinstance(i, Pool)]) == (4 if buffers == "on" else 2)


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


@st.composite
def sums(draw: st.DrawFn) -> Network:
    """One MAC operator: K streams in one or several groups, one or several row tiles, one or two images."""
    batch, height, width = draw(st.integers(1, 2)), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    channels = draw(st.integers(1, 9))
    chain, kernel = Chain((batch, height, width, channels)), (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    strides: dict[str, Any] = {"stride_h": draw(st.integers(1, 2)), "stride_w": draw(st.integers(1, 2))}
    if draw(st.booleans()):
        return chain.conv(draw(st.integers(1, 9)), kernel, **strides).build()
    return chain.depthwise(draw(st.integers(1, 2)), kernel, **strides).build()


ARRAYS = st.fixed_dictionaries(
    {
        "rows": st.integers(1, 4),
        "cols": st.integers(1, 4),
        "acc_depth": st.sampled_from([2, 6, 12]),
        "dataflow": st.sampled_from(["auto", "output-stationary", "weight-stationary"]),
        "double_buffering": BUFFERS,
        "weight_spad_bytes": st.sampled_from([16, 60, 400]),
        "param_spad_bytes": st.sampled_from([64, 200]),
    }
)


@given(sums(), ARRAYS, st.sampled_from([12, 40, 100, 1000]), st.integers(0, 99))
def test_sums(net: Network, array: dict[str, Any], room: int, seed: int) -> None:
    for resident in mixes(net):
        try:
            check_homes(net, Hardware(**array), resident, room, seed)
        except HardwareError as error:
            assume("activation scratchpad must hold" in str(error) and not all(resident))


@given(st.integers(1, 40), BUFFERS, st.sampled_from([10, 11, 33, 100]), st.integers(0, 99))
def test_rows(length: int, buffers: str, room: int, seed: int) -> None:
    """SOFTMAX, whole rows at a time: in place where neither tensor lives in the scratchpad."""
    net = (
        Chain((3, 5, 10)).softmax().build() if length % 2 else Chain((1, length)).quantize(DType.UINT8, 0.1, 3).build()
    )
    for resident in mixes(net):
        check_homes(net, Hardware(double_buffering=buffers), resident, room, seed)
