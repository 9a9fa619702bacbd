"""Loads run ahead: their own order, what they may not pass, and what it buys."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from fxsim.hw import Hardware
from fxsim.isa import Load, Program, Space, reads, regions, writes
from fxsim.lowering import lower
from fxsim.lowering.prefetch import prefetch_order
from fxsim.sim.timing import timeline
from fxsim.testing import Chain
from tests.isa.strategies import legal_programs
from tests.lowering.running import check_bits

SMALL = Hardware(rows=4, cols=4, acc_depth=8, act_spad_bytes=4096, weight_spad_bytes=512, param_spad_bytes=512)


@given(legal_programs(30))
def test_every_dependency_keeps_its_order(program: Program) -> None:
    """Against the bytes of every pair of instructions: no load passes what it conflicts with, nothing else moves."""
    t = program.hardware.timing
    spans, nothing = regions(program.columns, t.rows, t.cols), np.zeros(len(program), np.int64)
    order = prefetch_order(program.columns, spans, (nothing, nothing))
    assert sorted(order) == list(range(len(program)))
    at = {index: place for place, index in enumerate(order)}
    loads = [i for i, instruction in enumerate(program.instructions) if isinstance(instruction, Load)]
    others = [i for i in range(len(program)) if i not in set(loads)]
    assert [i for i in order if i in set(loads)] == loads
    assert [i for i in order if i not in set(loads)] == others
    for load in loads:
        for other in (i for i in others if i < load):
            if conflict(program, other, load, t.rows, t.cols):
                assert at[other] < at[load]


def test_a_tensor_that_nobody_reads_is_complete_before_it_is_overwritten() -> None:
    """The input is loaded over it for the next layer; only a reader would keep that LOAD behind."""
    chain = Chain((1, 4, 4, 4)).conv(16)
    unread, chain.last = chain.last, 0
    net = chain.conv(4).build()
    program = check_bits(net, SMALL)
    symbol = program.symbol(net.values[unread].name)
    assert symbol.memory == "ACT"
    loads = program.columns.table(Load)
    over = loads.index[(loads.space == Space.ACT) & (program.layer_of[loads.index] == 1)]
    assert symbol.ready == symbol.until == over[0]


def conflict(program: Program, a: int, b: int, rows: int, cols: int) -> bool:
    """Whether the two touch a common byte and one of them writes it."""
    first, second = program.instructions[a], program.instructions[b]
    pairs = [(writes, writes), (writes, reads), (reads, writes)]
    return any(
        x[0] == y[0] and x[1] < y[2] and y[1] < x[2]
        for one, two in pairs
        for x in one(first, rows, cols)
        for y in two(second, rows, cols)
    )


def test_weights_of_the_next_layer_arrive_under_the_present_one() -> None:
    net = Chain((1, 8, 8, 8)).conv(8).conv(8, (1, 1)).build()
    program = lower(net, SMALL)
    second = [i for i, layer in enumerate(program.layer_of.tolist()) if layer == 1]
    ahead = [i for i in second if i < max(j for j, layer in enumerate(program.layer_of.tolist()) if layer == 0)]
    assert ahead
    assert all(isinstance(program.instructions[i], Load) for i in ahead)
    times, first_done = timeline(program), timeline(program).layers[1].begin
    assert all(times.end[i] < first_done for i in ahead)


def test_double_buffering_hides_dma() -> None:
    """Tiles through DRAM on both sides: with one buffer every tile waits for its loads, with two none but the first."""
    net = Chain((1, 16, 16, 8)).conv(16, (3, 3)).build()
    hw = SMALL.replace(act_spad_bytes=2048, weight_spad_bytes=4096, dram_bytes_per_cycle=16)
    one, two = (timeline(lower(net, hw.replace(double_buffering=b))) for b in ("off", "on"))
    assert two.layers[0].stalls["token_dma"] < one.layers[0].stalls["token_dma"] / 4
    assert two.cycles < one.cycles


def test_single_buffers_keep_the_emitted_order() -> None:
    program = lower(Chain((1, 8, 8, 8)).conv(8).conv(8).build(), SMALL.replace(double_buffering="off"))
    assert (program.layer_of[1:] >= program.layer_of[:-1]).all()
    constants = [i for i in program.instructions if isinstance(i, Load) and i.space is not Space.ACT]
    assert {i.spad_addr for i in constants} == {0}
