"""Event counts against an enumeration, issue by issue, in plain Python."""

from __future__ import annotations

import dataclasses
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from fxsim.hw import Event, Hardware, Kind
from fxsim.isa import (
    Init,
    Load,
    Mac,
    Merge,
    Order,
    Pool,
    PoolKind,
    Req,
    Space,
    Store,
    ZeroPoint,
)
from fxsim.numerics import Overflow, Reduction, SchemeCode
from tests.energy.counted import counts

COLS, ROWS = 4, 4


def bits_of(mac: Mac | Merge) -> int:
    return mac.internal_bits if mac.overflow == Overflow.READOUT else mac.acc_bits


def tree(lanes: int, width: int, cols: int, step: int) -> tuple[Counter[Event], int]:
    """Nodes with two active inputs, level by level, and the registers behind each stage."""
    out: Counter[Event] = Counter()
    active, level, span = lanes, 0, cols
    while span > 1:
        level, span = level + 1, (span + 1) // 2
        pairs = active // 2
        out[Event(Kind.TREE_ADD, width + level)] += pairs
        active -= pairs
        if level % step == 0 or span == 1:
            out[Event(Kind.PIPELINE, width + level)] += active
    return out, level


def naive_mac(mac: Mac, hw: Hardware) -> Counter[Event]:
    """Walk every (group, position, row)."""
    out: Counter[Event] = Counter()
    numerics, timing = hw.numerics, hw.timing
    a = numerics.act_bits + (1 if mac.zero_point == ZeroPoint.SUBTRACT else 0)
    b = numerics.weight_bits + (1 if mac.w_zero else 0)
    register = bits_of(mac)
    per_tap = 1 if mac.private_x else mac.channels
    stream = mac.kh * mac.kw * per_tap
    for start in range(mac.k_start, mac.k_start + mac.k_count, timing.cols):
        lanes = range(start, min(start + timing.cols, mac.k_start + mac.k_count))
        for p in range(mac.positions):
            _naive_operands(out, mac, lanes, p, stream, per_tap)
            for _ in range(mac.rows):
                _naive_issue(out, mac, hw, len(lanes), (a, b, mac.inner_bits or register))
                _naive_write(out, mac, register, lanes, timing.cols)
    out[Event(Kind.WEIGHT_READ)] += mac.rows * mac.k_count * (2 if mac.w_wide else 1)
    out[Event(Kind.SHADOW_LOAD, 2 * numerics.weight_bits)] += mac.rows * mac.k_count
    if mac.load_params:
        out[Event(Kind.PARAM_READ)] += 16 * mac.rows
        out[Event(Kind.ROW_FILE, 104)] += mac.rows
        out[Event(Kind.OVERFLOW_COMPARE, register)] += mac.rows
    return +out


def _naive_operands(out: Counter[Event], mac: Mac, lanes: range, p: int, stream: int, per_tap: int) -> None:
    column = mac.ox_start + p
    row, column = divmod(column, mac.out_w)
    for j in lanes:
        k = stream - 1 - j if mac.order == Order.REVERSED else j
        ky, kx = divmod(k // per_tap, mac.kw)
        y, x = mac.iy0 + row * mac.stride_y + ky * mac.dil_y, mac.ix0 + column * mac.stride_x + kx * mac.dil_x
        if 0 <= y < mac.tile_h and 0 <= x < mac.tile_w:
            channels = {(mac.row_base + n) // mac.depth_mult for n in range(mac.rows)} if mac.private_x else {0}
            out[Event(Kind.ACT_READ)] += len(channels) * (2 if mac.x_wide else 1)


def _naive_write(out: Counter[Event], mac: Mac, register: int, lanes: range, cols: int) -> None:
    """Which register an issue reads and writes: with an inner accumulator, that one but for the last of a window."""
    first, last = lanes.start == mac.k_start, lanes.stop == mac.k_start + mac.k_count
    if mac.inner_bits:
        number = (lanes.start - mac.k_start) // cols
        if number % mac.inner_groups:
            out[Event(Kind.BANK_READ, mac.inner_bits)] += 1
        if not last and (number + 1) % mac.inner_groups:
            out[Event(Kind.BANK_WRITE, mac.inner_bits)] += 1
            return
        out[Event(Kind.ACCUMULATE, max(register, mac.inner_bits))] += 1
        out[Event(Kind.OVERFLOW_COMPARE, register)] += 1
        first = number < mac.inner_groups
    out[Event(Kind.BANK_WRITE, register)] += 1
    if first and mac.init == Init.BIAS:
        out[Event(Kind.ROW_FILE, 64)] += 1
    if not first or mac.init == Init.KEEP:
        out[Event(Kind.BANK_READ, register)] += 1


def _naive_issue(out: Counter[Event], mac: Mac, hw: Hardware, lanes: int, widths: tuple[int, int, int]) -> None:
    a, b, register = widths
    out[Event(Kind.MULTIPLY, a, b)] += lanes
    out[Event(Kind.PIPELINE, a)] += lanes
    out[Event(Kind.PIPELINE, a + b)] += lanes * hw.timing.mul_latency
    if mac.reduction == Reduction.TREE:
        nodes, levels = tree(lanes, a + b, hw.timing.cols, hw.timing.tree_levels_per_stage)
        out.update(nodes)
        out[Event(Kind.ACCUMULATE, max(register, a + b + levels))] += 1
        out[Event(Kind.OVERFLOW_COMPARE, register)] += 1
    else:
        width = max(register, a + b)
        out[Event(Kind.ACCUMULATE, width)] += lanes
        out[Event(Kind.OVERFLOW_COMPARE, register)] += lanes
        out[Event(Kind.PIPELINE, width)] += -(-lanes // hw.timing.chain_per_stage)


@st.composite
def macs(draw: st.DrawFn) -> tuple[Mac, Hardware]:
    chain = draw(st.booleans())
    hw = Hardware(
        rows=ROWS,
        cols=draw(st.sampled_from([1, 2, 3, 4, 7])),
        reduction="chain" if chain else "tree",
        acc_depth=16,
        chain_per_stage=draw(st.integers(1, 3)),
        tree_levels_per_stage=draw(st.integers(1, 3)),
        mul_latency=draw(st.integers(1, 2)),
    )
    private = draw(st.booleans())
    channels = 1 if private else draw(st.integers(1, 3))
    kh, kw = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    stream = kh * kw * channels
    start = draw(st.integers(0, stream - 1))
    small = st.integers(1, 3)
    return Mac(
        init=draw(st.sampled_from(Init)),
        load_params=draw(st.integers(0, 1)),
        private_x=int(private),
        reduction=Reduction.CHAIN if chain else Reduction.TREE,
        zero_point=draw(st.sampled_from(ZeroPoint)),
        overflow=draw(st.sampled_from(Overflow)),
        order=draw(st.sampled_from(Order)),
        acc_bits=draw(st.integers(4, 48)),
        internal_bits=draw(st.integers(48, 64)),
        inner_bits=draw(st.sampled_from([0, 0, 7, 16, 50])),
        inner_groups=draw(st.integers(1, 4)),
        rows=draw(st.integers(1, ROWS)),
        positions=draw(st.integers(1, 8)),
        pixel_pitch=channels,
        tile_h=draw(small),
        tile_w=draw(small),
        iy0=draw(st.integers(-2, 1)),
        ix0=draw(st.integers(-2, 1)),
        ox_start=draw(st.integers(0, 2)),
        out_w=draw(small),
        stride_y=draw(st.integers(0, 3)),
        stride_x=draw(st.integers(0, 3)),
        dil_y=draw(small),
        dil_x=draw(small),
        kh=kh,
        kw=kw,
        channels=channels,
        k_start=start,
        k_count=draw(st.integers(1, stream - start)),
        depth_mult=draw(small),
        row_base=draw(st.integers(0, 5)),
        w_zero=draw(st.integers(-1, 1)),
        x_wide=draw(st.integers(0, 1)),
        w_wide=draw(st.integers(0, 1)),
    ), hw


@given(macs())
def test_mac(case: tuple[Mac, Hardware]) -> None:
    mac, hw = case
    assert counts(hw, mac) == naive_mac(mac, hw)


def test_merge_reads_two_and_writes_one() -> None:
    merge = Merge(rows=3, positions=2, parts=4, acc_bits=20, internal_bits=48, overflow=Overflow.WRAP)
    assert counts(Hardware(), merge) == {
        Event(Kind.ACCUMULATE, 20): 18,
        Event(Kind.OVERFLOW_COMPARE, 20): 18,
        Event(Kind.BANK_READ, 20): 36,
        Event(Kind.BANK_WRITE, 20): 18,
    }


def test_requantization_is_never_omitted() -> None:
    req = Req(rows=3, positions=5, out_w=1, acc_bits=40, scheme=SchemeCode.TFL_DOUBLE, overflow=Overflow.SATURATE)
    assert counts(Hardware(), req) == {
        Event(Kind.BANK_READ, 40): 15,
        Event(Kind.ROW_FILE, 40): 15,
        Event(Kind.ACT_WRITE): 15,
        Event(Kind.REQUANT_MULTIPLY, 40, 32): 15,
        Event(Kind.REQUANT_ADD64, 72): 30,
        Event(Kind.REQUANT_SHIFT, 72): 15,
        Event(Kind.REQUANT_ADD32, 40): 15,
        Event(Kind.REQUANT_COMPARE, 40): 30,
    }


def test_a_readout_is_as_wide_as_the_register() -> None:
    req = Req(rows=3, positions=2, out_w=1, acc_bits=12, internal_bits=40, overflow=Overflow.READOUT)
    got = counts(Hardware(), req)
    assert got[Event(Kind.BANK_READ, 40)] == 6
    assert not got[Event(Kind.BANK_READ, 12)]


def test_a_bias_that_is_added_last_costs_an_addition_and_a_read() -> None:
    """The adder is as wide as the register and the stored bias (32 bits), the comparison as the register."""
    req = Req(rows=3, positions=5, out_w=1, acc_bits=20, overflow=Overflow.WRAP)
    without = counts(Hardware(), req)
    assert counts(Hardware(), dataclasses.replace(req, add_bias=1)) - without == {
        Event(Kind.ACCUMULATE, 32): 15,
        Event(Kind.OVERFLOW_COMPARE, 20): 15,
        Event(Kind.ROW_FILE, 64): 15,
    }
    wide = counts(Hardware(bias_bits=48), dataclasses.replace(req, add_bias=1, acc_bits=40))
    assert wide[Event(Kind.ACCUMULATE, 48)] == 15


@given(
    st.integers(0, 200),
    st.integers(1, 300),
    st.integers(1, 200),
    st.sampled_from([0, 1, 17, 64, 96, 128, 1000, 1 << 20]),
)
def test_bursts_of_a_copy(address: int, rows: int, size: int, stride: int) -> None:
    """Block by block, row by row."""
    blocks = sum(
        len({byte // 64 for byte in range(address + r * stride, address + r * stride + size)}) for r in range(rows)
    )
    load = Load(dram_addr=address, rows=rows, row_bytes=size, dram_stride=stride, spad_stride=size)
    assert counts(Hardware(), load)[Event(Kind.DRAM_BLOCK)] == blocks


def test_dma_pays_whole_bursts() -> None:
    load = Load(space=Space.WEIGHT, dram_addr=60, rows=2, row_bytes=8, dram_stride=64, spad_stride=8)
    # rows 60..67 and 124..131 straddle a 64-byte boundary each: two blocks per row
    assert counts(Hardware(), load) == {Event(Kind.DRAM_BLOCK): 4, Event(Kind.WEIGHT_WRITE): 16}
    store = Store(dram_addr=64, rows=3, row_bytes=64, dram_stride=64, spad_stride=64)
    assert counts(Hardware(), store) == {Event(Kind.DRAM_BLOCK): 3, Event(Kind.ACT_READ): 192}


@given(st.data())
def test_pool_reads_window_by_window(data: st.DataObject) -> None:
    size, step = st.integers(1, 5), st.integers(0, 3)
    names = ("tile_h", "tile_w", "out_h", "out_w", "kh", "kw")
    f = {name: data.draw(size, name) for name in names}
    f |= {name: data.draw(step, name) for name in ("stride_y", "stride_x")}
    f |= {name: data.draw(st.integers(-3, 2), name) for name in ("iy0", "ix0")}
    taps = sum(
        0 <= f["iy0"] + oy * f["stride_y"] + ky < f["tile_h"] and 0 <= f["ix0"] + ox * f["stride_x"] + kx < f["tile_w"]
        for oy in range(f["out_h"])
        for ox in range(f["out_w"])
        for ky in range(f["kh"])
        for kx in range(f["kw"])
    )
    assert counts(Hardware(), Pool(kind=PoolKind.MAX, channels=3, **f))[Event(Kind.ACT_READ)] == 3 * taps


def test_the_largest_windows_of_a_pool_take_no_loop() -> None:
    most = (1 << 16) - 1
    # three windows end below rows 2, 3 and 4 of a tile of three: 2 + 3 + 3 rows, each in all of `most` columns
    windows = {"kh": most, "kw": most, "out_h": 3, "out_w": most, "stride_y": 1, "iy0": 2 - most}
    pool = Pool(kind=PoolKind.MAX, tile_h=3, tile_w=1, channels=1, **windows)
    assert counts(Hardware(), pool)[Event(Kind.ACT_READ)] == 8 * most


def test_pool_reads_only_taps_inside_the_tile() -> None:
    pool = Pool(
        kind=PoolKind.AVERAGE,
        pixel_pitch=2,
        tile_h=3,
        tile_w=3,
        channels=2,
        iy0=-1,
        ix0=-1,
        out_h=2,
        out_w=2,
        stride_y=2,
        stride_x=2,
        kh=2,
        kw=2,
    )
    # windows at rows/columns -1..0 and 1..2: (1 + 2) * (1 + 2) in-tile taps, 2 channels, 4 outputs
    assert counts(Hardware(), pool) == {
        Event(Kind.ACT_READ): 18,
        Event(Kind.ACT_WRITE): 8,
        Event(Kind.VECTOR_ADD, 32): 18 + 16,
        Event(Kind.VECTOR_MULTIPLY, 32, 32): 8,
        Event(Kind.VECTOR_ADD, 8): 16,
    }
    largest = counts(
        Hardware(),
        Pool(
            kind=PoolKind.MAX,
            pixel_pitch=1,
            tile_h=2,
            tile_w=2,
            channels=1,
            out_h=1,
            out_w=1,
            stride_y=1,
            stride_x=1,
            kh=2,
            kw=2,
        ),
    )
    assert largest == {Event(Kind.ACT_READ): 4, Event(Kind.ACT_WRITE): 1, Event(Kind.VECTOR_ADD, 8): 4 + 2}
