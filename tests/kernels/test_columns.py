"""The kernels' own constants say what the instruction set, which lies above them, says."""

from __future__ import annotations

import dataclasses

import pytest

from fxsim import kernels
from fxsim._core.jit import ENTRY_KERNELS
from fxsim.graph import LayerStats
from fxsim.isa import (
    Copy,
    Fill,
    Init,
    InnerOverflow,
    Instruction,
    Load,
    Lut,
    Mac,
    Merge,
    Order,
    Pool,
    PoolKind,
    Reduce,
    Req,
    Softmax,
    Space,
    Store,
    VAdd,
    VMul,
    VReq,
    ZeroPoint,
)
from fxsim.kernels import columns, pool, state
from fxsim.numerics import Overflow

RUN = (Load, Store, Mac, Merge, Req)
TOKENS = {"pops", "pushes"}


def names(*classes: type[Instruction]) -> set[str]:
    return {f.name for cls in classes for f in cls.layout} - TOKENS


def test_modes_have_the_codes_of_the_instruction_set() -> None:
    assert (columns.INIT_BIAS, columns.INIT_ZERO, columns.INIT_KEEP) == (Init.BIAS, Init.ZERO, Init.KEEP)
    assert (columns.SPACE_ACT, columns.SPACE_WEIGHT, columns.SPACE_PARAM) == (Space.ACT, Space.WEIGHT, Space.PARAM)
    assert columns.SUBTRACT == ZeroPoint.SUBTRACT
    assert columns.REVERSED == Order.REVERSED
    assert {m.name: m.value for m in InnerOverflow}.items() <= {m.name: m.value for m in Overflow}.items()
    assert pool.MAX == PoolKind.MAX


def test_run_columns_are_fields() -> None:
    """Bank order, which concerns time, and what the words are made for are left out of what the run kernels see."""
    unseen = {"first", "last", "multiplier_cut", "one_word"}
    assert set(columns.COLUMNS) - {"kind", "index", "stat"} == names(*RUN) - unseen


@pytest.mark.parametrize(
    ("cls", "known"),
    [
        (Pool, kernels.POOL_COLUMNS),
        (VReq, kernels.VREQ_COLUMNS),
        (Lut, kernels.LUT_COLUMNS),
        (Reduce, kernels.REDUCE_COLUMNS),
        (Softmax, kernels.SOFTMAX_COLUMNS),
        (VAdd, kernels.VADD_COLUMNS),
        (VMul, kernels.VMUL_COLUMNS),
        (Copy, kernels.COPY_COLUMNS),
        (Fill, kernels.FILL_COLUMNS),
    ],
    ids=lambda value: getattr(value, "mnemonic", ""),
)
def test_vector_columns_are_fields(cls: type[Instruction], known: tuple[str, ...]) -> None:
    assert set(known) == names(cls)
    assert len(set(known)) == len(known)


def test_counters_stand_in_the_order_of_layer_stats() -> None:
    order = [f.name for f in dataclasses.fields(LayerStats)]
    assert order[state.EVENTS] == "channel_overflow_events"
    assert order[state.OUTPUTS] == "channel_overflow_count"
    assert order[state.BIAS_OUTPUTS] == "channel_bias_overflow_count"
    assert order[state.WRAPS] == "channel_internal_wraps"
    assert order[state.LEAST] == "channel_acc_min"
    assert order[state.GREATEST] == "channel_acc_max"
    assert order[state.INNER_EVENTS] == "channel_inner_events"


def test_lanes_come_in_whole_blocks() -> None:
    for rows in (1, 7, 8, 9, 16, 1023):
        lanes = kernels.lanes_of(rows)
        assert rows <= lanes < rows + columns.LANE_BLOCK
        assert lanes % columns.LANE_BLOCK == 0


def test_the_door_lists_every_entry_kernel() -> None:
    own = {name.rpartition(".")[2] for name in ENTRY_KERNELS if name.startswith("fxsim.kernels.")}
    assert own <= set(kernels.__all__)
    assert len(own) <= 24
