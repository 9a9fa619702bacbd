"""Layer-to-layer reuse: which tensors stay in the scratchpad, that nothing else enters their bytes, what it saves."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import HardwareError
from fxsim.hw import Hardware
from fxsim.isa import Load, Space, Store, bursts, regions
from fxsim.lowering import lower
from fxsim.lowering.residency import plan_residency
from tests.lowering.nets import Chain
from tests.lowering.running import check_bits
from tests.lowering.test_lower import branches
from tests.lowering.test_random import networks

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


@given(networks(), st.sampled_from([64, 200, 1000, 5000]))
def test_residents_keep_their_bytes(net: Any, room: int) -> None:
    """While a resident tensor lives, nothing but its own layer writes to its bytes."""
    hw = Hardware(rows=4, cols=4, acc_depth=8, act_spad_bytes=max(room, 64), acc_bits=32)
    try:
        program = lower(net, hw)
    except HardwareError:
        return
    low, high = regions(program.columns, 4, 4)["write", Space.ACT]
    for symbol in program.symbols:
        if symbol.memory == "ACT":
            inside = (low < symbol.address + symbol.nbytes) & (high > symbol.address)
            assert not inside[symbol.ready : symbol.until].any()
            assert np.flatnonzero(inside).size
