"""Layer-to-layer reuse: which tensors stay in the scratchpad, that nothing else enters their bytes, what it saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import HardwareError
from fxsim.hw import Hardware
from fxsim.isa import Load, Space, Store, bursts, regions
from fxsim.lowering import lower
from fxsim.lowering.residency import plan_residency
from fxsim.testing import Chain, networks
from tests.lowering.running import check_bits
from tests.lowering.test_lower import branches

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fxsim.graph import Network

SMALL: dict[str, Any] = {"rows": 4, "cols": 4, "acc_depth": 8, "weight_spad_bytes": 4096, "param_spad_bytes": 1024}


def moved(net: Any, hw: Hardware) -> int:
    program = lower(net, hw)
    return 64 * sum(int(bursts(program.columns.table(cls)).sum()) for cls in (Load, Store))


def test_a_chain_that_fits_touches_dram_for_its_ends_and_constants() -> None:
    net = Chain((1, 4, 4, 8)).conv(8).conv(8).conv(8).build()
    hw = Hardware(**SMALL, act_spad_bytes=4096)
    program = check_bits(net, hw)
    assert [s.memory for s in program.symbols] == ["DRAM", "ACT", "ACT", "DRAM"]
    loads = program.columns.table(Load)
    acts = loads.space == Space.ACT
    assert (loads.rows * loads.row_bytes)[acts].sum() == 128
    assert [layer.dram_saved for layer in program.layers] == [128, 256, 128]


def test_the_bytes_saved_are_those_that_the_same_tiles_move_through_dram() -> None:
    """Tensors of whole bursts, whole in one tile on either side: the difference is exact."""
    net = Chain((1, 4, 4, 16)).conv(16, (1, 1)).conv(16, (1, 1)).conv(16, (1, 1)).build()
    hw = Hardware(**SMALL, act_spad_bytes=4096, dataflow="weight-stationary")
    saved = sum(layer.dram_saved for layer in lower(net, hw).layers)
    assert saved == moved(net, hw.replace(layer_reuse="off")) - moved(net, hw) > 0


def test_reuse_off_and_ends_of_the_network() -> None:
    net = branches()
    on, off = (lower(net, Hardware(**SMALL, layer_reuse=reuse)) for reuse in ("on", "off"))
    assert {s.memory for s in off.symbols} == {"DRAM"}
    assert not any(layer.dram_saved for layer in off.layers)
    assert all(s.memory == "DRAM" for s in on.symbols if s.kind != "tensor")
    assert "ACT" in {s.memory for s in on.symbols}


def test_a_tensor_that_does_not_fit_goes_through_dram() -> None:
    net = Chain((1, 4, 4, 8)).conv(8).conv(8).build()
    for room, memory in ((127, "DRAM"), (400, "ACT")):
        program = check_bits(net, Hardware(**SMALL, act_spad_bytes=room))
        assert program.symbol(net.values[net.nodes[0].outputs[0]].name).memory == memory


def test_a_layer_without_room_for_its_tiles_sends_what_crowds_it_to_dram() -> None:
    """64 of 90 bytes held across a pool would leave 26, but one window needs 37."""
    chain = Chain((1, 6, 6, 4)).conv(2, (1, 1), stride_h=1, stride_w=1)
    held = chain.last
    chain.last = 0
    chain.pool("MAX", (6, 6), padding="VALID")
    pooled, chain.last = chain.last, held
    net = chain.conv(1, (1, 1)).build(pooled, len(chain.values) - 1)
    hw = Hardware(**SMALL, act_spad_bytes=90)
    assert held in plan_residency(net, hw.timing).addresses
    assert check_bits(net, hw).symbol(net.values[held].name).memory == "DRAM"


@pytest.mark.parametrize("reader", ["conv", "depthwise", "dense", "pool"])
def test_an_image_too_wide_for_its_reader_goes_through_dram(reader: str) -> None:
    """Extents of an image are 16-bit fields; a reader without extents takes lines of bytes."""
    grow: dict[str, Callable[[Chain], Chain]] = {
        "conv": lambda chain: chain.conv(1, (1, 1)),
        "depthwise": lambda chain: chain.depthwise(1, (1, 1)),
        "dense": lambda chain: chain.reshape(chain.values[chain.last].type.size, 1).dense(1),
        "pool": lambda chain: chain.pool("MAX", (1, 1)),
    }
    for width, memory in (((1 << 16) - 1, "ACT"), (1 << 16, "DRAM")):
        net = grow[reader](Chain((1, 1, width, 1)).activation("RELU")).activation("RELU6").build()
        first, *_, last = lower(net, Hardware.load("server-128x128")).symbols[1:-1]
        assert (first.memory, last.memory) == (memory, "ACT")


@given(networks(), st.sampled_from([64, 200, 1000, 5000]))
def test_readers_of_residents_meet_what_was_written(net: Network, room: int) -> None:
    """From `ready` to the last reader of its bytes, nobody writes to a byte of a resident tensor."""
    hw = Hardware(rows=4, cols=4, acc_depth=8, act_spad_bytes=room, acc_bits=32)
    try:
        program = lower(net, hw)
    except HardwareError:
        return
    spans = regions(program.columns, 4, 4)
    read, written = (np.stack(spans[access, Space.ACT]) for access in ("read", "write"))
    for symbol in (s for s in program.symbols if s.memory == "ACT"):
        own = symbol.address, symbol.address + symbol.nbytes
        layers = [i for i, node in enumerate(net.nodes) if symbol.name in {v.name for v in net.operands(node) if v}]
        for reader in np.flatnonzero(np.isin(program.layer_of, layers) & meets(read, *own)).tolist():
            start, end = max(own[0], read[0, reader]), min(own[1], read[1, reader])
            assert reader >= symbol.ready
            assert not meets(written[:, symbol.ready : reader], start, end).any()


def meets(spans: NDArray[np.int64], start: int, end: int) -> NDArray[np.bool_]:
    """Which of the byte ranges [2, n] share a byte with [start, end)."""
    shared: NDArray[np.bool_] = (spans[0] < end) & (spans[1] > start)
    return shared
