from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fxsim.isa import (
    DRAM,
    Instruction,
    Interval,
    Load,
    Mac,
    Memory,
    Program,
    Req,
    Space,
    Store,
    decode_columns,
    encode,
    reads,
    regions,
    writes,
)
from fxsim.isa.reference import PlainMachine
from tests.isa.strategies import CONSTANTS, DRAM_BYTES, HARDWARE, legal_instructions, legal_programs

ROWS, COLS = HARDWARE.timing.rows, HARDWARE.timing.cols


class Recorder(PlainMachine):
    """A plain machine that notes every byte it touches."""

    def __init__(self) -> None:
        super().__init__(HARDWARE, constants=CONSTANTS, dram_bytes=DRAM_BYTES)
        self.touched: set[tuple[str, Memory, int]] = set()

    def note(self, access: str, memory: Memory, address: int, size: int) -> None:
        self.touched |= {(access, memory, address + i) for i in range(size)}

    def read(self, space: Space, address: int, size: int) -> bytes:
        self.note("read", space, address, size)
        return super().read(space, address, size)

    def write(self, space: Space, address: int, data: bytes) -> None:
        self.note("write", space, address, len(data))
        super().write(space, address, data)

    def read_dram(self, address: int, size: int) -> bytes:
        self.note("read", DRAM, address, size)
        return super().read_dram(address, size)

    def write_dram(self, address: int, data: bytes) -> None:
        self.note("write", DRAM, address, len(data))
        super().write_dram(address, data)


def covered(access: str, intervals: list[Interval]) -> set[tuple[str, Memory, int]]:
    return {(access, memory, byte) for memory, lo, hi in intervals for byte in range(lo, hi)}


@given(legal_instructions())
def test_execution_stays_inside_the_footprint(instruction: Instruction) -> None:
    machine = Recorder()
    instruction.execute(machine)
    stated = covered("read", reads(instruction, ROWS, COLS)) | covered("write", writes(instruction, ROWS, COLS))
    assert machine.touched <= stated
    written = {touch for touch in machine.touched if touch[0] == "write"}
    if not isinstance(instruction, Mac):
        assert written == covered("write", writes(instruction, ROWS, COLS))


@given(legal_programs())
def test_regions_are_the_hulls_of_intervals(program: Program) -> None:
    found = regions(program.columns, ROWS, COLS)
    for index, instruction in enumerate(program.instructions):
        for access, intervals in (("read", reads(instruction, ROWS, COLS)), ("write", writes(instruction, ROWS, COLS))):
            for memory in (*Space, DRAM):
                mine = [(lo, hi) for where, lo, hi in intervals if where == memory]
                expected = (min(lo for lo, _ in mine), max(hi for _, hi in mine)) if mine else (0, 0)
                lo, hi = found[access, memory]
                assert (lo[index], hi[index]) == expected


def test_dense_lines_are_one_interval() -> None:
    dense = Load(space=Space.ACT, dram_addr=64, rows=3, row_bytes=8, dram_stride=8, spad_stride=10, spad_addr=5)
    assert reads(dense, ROWS, COLS) == [(DRAM, 64, 88)]
    assert writes(dense, ROWS, COLS) == [(Space.ACT, 5, 13), (Space.ACT, 15, 23), (Space.ACT, 25, 33)]


def test_many_lines_become_their_hull() -> None:
    store = Store(rows=65, row_bytes=2, spad_stride=3, dram_stride=2, dram_addr=4000)
    assert reads(store, ROWS, COLS) == [(Space.ACT, 0, 64 * 3 + 2)]
    assert writes(store, ROWS, COLS) == [(DRAM, 4000, 4130)]


def test_requantizer_writes_partial_grid_rows() -> None:
    req = Req(rows=2, positions=5, ox_start=2, out_w=3, out_addr=100, out_pitch=2, out_row_pitch=8)
    assert writes(req, ROWS, COLS) == [(Space.ACT, 104, 106), (Space.ACT, 108, 114), (Space.ACT, 116, 118)]


def test_weight_tile_counts_with_its_padding() -> None:
    mac = Mac(
        rows=1, positions=1, k_count=5, kh=1, kw=1, channels=5, tile_h=1, tile_w=1, out_w=1, depth_mult=1, w_addr=7
    )
    assert (Space.WEIGHT, 7, 7 + 8 * ROWS) in reads(mac, ROWS, COLS)


def test_window_in_the_padding_reads_nothing() -> None:
    mac = Mac(rows=1, positions=1, k_count=1, kh=1, kw=1, channels=1, tile_h=1, tile_w=1, out_w=1, depth_mult=1, iy0=5)
    assert [memory for memory, _, _ in reads(mac, ROWS, COLS)] == [Space.WEIGHT]
    found = regions(decode_columns(encode([mac])), ROWS, COLS)
    assert [bound.tolist() for bound in found["read", Space.ACT]] == [[0], [0]]


@given(st.integers(0, 40), st.lists(st.integers(1, 12), min_size=1, max_size=3))
def test_split_streams_read_what_the_whole_reads(start: int, cuts: list[int]) -> None:
    fields: dict[str, Any] = {
        "rows": 2,
        "positions": 3,
        "kh": 2,
        "kw": 2,
        "channels": 9,
        "tile_h": 3,
        "tile_w": 4,
        "out_w": 3,
        "stride_x": 1,
        "stride_y": 1,
        "dil_y": 1,
        "dil_x": 1,
        "pixel_pitch": 9,
        "depth_mult": 1,
        "x_addr": start,
    }
    whole = Mac(k_count=36, **fields)
    bounds = sorted({0, 36, *np.minimum(np.cumsum(cuts), 36).tolist()})
    parts = [Mac(k_start=a, k_count=b - a, **fields) for a, b in pairwise(bounds)]
    pixels = covered("read", [i for part in parts for i in reads(part, ROWS, COLS) if i[0] is Space.ACT])
    assert pixels == covered("read", [i for i in reads(whole, ROWS, COLS) if i[0] is Space.ACT])
