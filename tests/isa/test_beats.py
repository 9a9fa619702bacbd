"""Beats per position and group starts: hand-worked cases, and any MAC against its addresses one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim.hw import Hardware
from fxsim.isa import Mac, Order, array_of, beats_of, mac_shapes
from fxsim.numerics import Reduction
from fxsim.sim.timing import timeline
from tests.sim.timing_cases import TREE, group_starts, mac, position_beats, program

# With Tw = 1 <= f, groups follow each other: start at 1 + Tw, end = 2 + (sum of f) - 1 + Ld = 5 + sum of f.
FAST = TREE.replace(w_port_bytes=16)
DENSE = {"kh": 3, "kw": 3, "channels": 2, "pixel_pitch": 2, "k_count": 18}


@pytest.mark.parametrize(
    ("fields", "beats"),
    [
        # 1x1, 16 dense channels: 4 groups of one run of 4 bytes.
        ({}, [1, 1, 1, 1]),
        # Two bytes per element: 8 bytes per group.
        ({"x_wide": 1, "pixel_pitch": 32}, [2, 2, 2, 2]),
        # 3x3 window, 2 dense channels: a kernel row is a run of 6, so groups are 4 | 2+2 | 4 | 4 | 2.
        (DENSE, [1, 2, 1, 1, 1]),
        # Pixels apart or over one another, or taps apart: every tap is a run of 2.
        (DENSE | {"pixel_pitch": 8}, [2, 2, 2, 2, 1]),
        (DENSE | {"pixel_pitch": 1}, [2, 2, 2, 2, 1]),
        (DENSE | {"dil_x": 2}, [2, 2, 2, 2, 1]),
        # One column that is read three times is no run of 6 either.
        (DENSE | {"dil_x": 0}, [2, 2, 2, 2, 1]),
        # Taps are apart in a permuted order too.
        (DENSE | {"order": Order.REVERSED}, [2, 2, 2, 2, 1]),
        # An interval from stream position 5 on: 5 | 6 7 8 and so on: runs end at 6 and 12.
        (DENSE | {"k_start": 5, "k_count": 9}, [2, 2, 1]),
        # Rows of 5 bytes through a port of 4: one run per group costs 1 beat, a break costs one more.
        (DENSE | {"channels": 5, "pixel_pitch": 5, "kw": 1, "k_count": 15}, [1, 2, 2, 1]),
        # Private x, 4 rows of 4 channels: 4 bytes per tap, 9 taps in 3 groups.
        ({"private_x": 1, "channels": 1, "kh": 3, "kw": 3, "k_count": 9, "pixel_pitch": 4}, [4, 4, 1]),
        # A depth multiplier of 2 from output channel 1: rows 1 .. 4 read channels 0, 1, 2; two bytes each, 2 beats.
        (
            {
                "private_x": 1,
                "channels": 1,
                "kh": 2,
                "kw": 1,
                "k_count": 2,
                "pixel_pitch": 8,
                "depth_mult": 2,
                "row_base": 1,
                "x_wide": 1,
            },
            [4],
        ),
    ],
)
def test_beats_of_one_position(fields: dict[str, Any], beats: list[int]) -> None:
    instruction = mac(first=1, **fields)
    assert [position_beats(instruction, g, 0, FAST) for g in range(len(beats))] == beats
    assert timeline(program(instruction, hardware=FAST)).end.tolist() == [5 + sum(beats)]


WINDOW = {"private_x": 1, "channels": 1, "kh": 2, "kw": 2, "k_count": 4, "pixel_pitch": 4, "positions": 3}


@pytest.mark.parametrize(
    ("fields", "beats"),
    [
        (WINDOW, 4 + 2 + 2),  # one new column of 2 taps per position
        (WINDOW | {"stride_x": 2}, 4 + 4 + 4),  # min(stride, kw) = 2 columns
        (WINDOW | {"stride_x": 3}, 4 + 4 + 4),
        (WINDOW | {"kw": 1, "k_count": 2, "stride_x": 3}, 2 + 2 + 2),
        (WINDOW | {"dil_x": 2}, 12),
        (WINDOW | {"ox_start": 6}, 12),  # columns 6, 7, 8 of a grid of 8
        (WINDOW | {"ox_start": 5}, 8),
        (WINDOW | {"kh": 3, "k_count": 6}, 18),  # six taps do not fit four columns
        (WINDOW | {"k_count": 3}, 9),  # not the whole window
    ],
)
def test_row_reuse_of_private_x(fields: dict[str, Any], beats: int) -> None:
    assert timeline(program(mac(first=1, **fields), hardware=FAST)).end.tolist() == [5 + beats]


@st.composite
def machines(draw: st.DrawFn) -> Hardware:
    def number(lo: int, hi: int) -> int:
        return draw(st.integers(lo, hi))

    return Hardware(
        rows=number(1, 5),
        cols=number(1, 9),
        x_port_bytes=number(4, 9),
        w_port_bytes=number(1, 40),
        reduction=draw(st.sampled_from(["tree", "chain"])),
        chain_per_stage=number(1, 3),
        acc_depth=32,
        act_spad_bytes=1 << 20,
        weight_spad_bytes=1 << 20,
    )


@st.composite
def macs(draw: st.DrawFn, machine: Hardware) -> Mac:
    def number(lo: int, hi: int) -> int:
        return draw(st.integers(lo, hi))

    private, wide, kh, kw = number(0, 1), number(0, 1), number(1, 4), number(1, 4)
    channels = 1 if private else number(1, 12)
    total = kh * kw * channels
    start = number(0, total - 1)
    reduction = Reduction[machine.numerics.reduction.upper()]
    return mac(
        first=1,
        private_x=private,
        x_wide=wide,
        kh=kh,
        kw=kw,
        channels=channels,
        k_start=start,
        k_count=draw(st.sampled_from([total - start, number(1, total - start)])),
        positions=number(1, 9),
        rows=number(1, machine.timing.rows),
        row_base=number(0, 5),
        depth_mult=number(1, 3),
        pixel_pitch=draw(st.sampled_from([channels * (1 + wide), 24, 40])),
        dil_x=number(0, 2),
        stride_x=number(1, 4),
        ox_start=number(0, 12),
        out_w=number(1, 12),
        tile_h=4,
        tile_w=12,
        order=draw(st.sampled_from(list(Order))),
        reduction=reduction,
    )


@given(st.data())
def test_runs_are_apart(data: st.DataObject) -> None:
    machine = data.draw(machines())
    columns = program(data.draw(macs(machine)), hardware=machine).columns
    (shape,) = mac_shapes(columns.table(Mac), array_of(machine))
    beats = beats_of(shape, array_of(machine))
    assert (beats.lo < beats.hi).all()
    assert (beats.hi[:-1] < beats.lo[1:]).all()


@given(st.data())
def test_any_mac_ends_where_its_addresses_say(data: st.DataObject) -> None:
    machine = data.draw(machines())
    instruction = data.draw(macs(machine))
    times = timeline(program(instruction, hardware=machine))
    last, beats = group_starts(instruction, machine)[-1]
    t = machine.timing
    if machine.numerics.reduction == "tree":
        stages = -(-max(0, t.cols - 1).bit_length() // t.tree_levels_per_stage) + 1
    else:
        stages = -(-t.cols // t.chain_per_stage)
    assert times.end - times.start == last + beats - 1 + t.read_latency + t.mul_latency + stages
