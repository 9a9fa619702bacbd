"""Vector engine, DMA and access checks of the plain machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fxsim._core.errors import ProgramError
from fxsim.isa import Copy, Fill, Load, Lut, Pool, PoolKind, Reduce, Softmax, Space, Store, VAdd, VMul, VReq
from fxsim.isa.reference import PlainMachine
from fxsim.numerics import SchemeCode
from tests.isa.plain import HARDWARE, machine

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(("kind", "expected"), [(PoolKind.AVERAGE, [-2, 3, -2, 2]), (PoolKind.MAX, [-1, 5, -1, 5])])
def test_pool_skips_taps_outside(kind: PoolKind, expected: list[int]) -> None:
    """Columns 2×2 windows at stride 1 from column -1 of a 2 × 2 tile, rows clipped the same way."""
    plain = machine(np.array([-2, 5, -1, 1], np.int8).tobytes())
    Pool(
        kind=kind,
        tile_h=2,
        tile_w=2,
        channels=1,
        pixel_pitch=1,
        ix0=-1,
        kh=2,
        kw=2,
        out_h=2,
        out_w=2,
        stride_x=2,
        stride_y=0,
        out_addr=64,
        out_pitch=1,
        out_row_pitch=2,
        clamp_lo=-128,
        clamp_hi=127,
        x_signed=1,
    ).execute(plain)
    assert np.frombuffer(plain.read(Space.ACT, 64, 4), np.int8).tolist() == [expected[0], expected[1]] * 2


def test_lut_vreq_and_softmax() -> None:
    plain = machine(bytes([0, 255, 128]), b"", bytes(range(256)) + np.arange(256, dtype="<u4").tobytes())
    Lut(count=3, out_addr=16, entry_bytes=1, x_signed=1).execute(plain)
    assert list(plain.read(Space.ACT, 16, 3)) == [128, 127, 0]
    Lut(count=3, out_addr=16, entry_bytes=4, table_addr=256).execute(plain)
    assert np.frombuffer(plain.read(Space.ACT, 16, 12), "<u4").tolist() == [0, 255, 128]
    VReq(
        count=3, scheme=SchemeCode.TFL_DOUBLE, multiplier=1 << 30, shift=1, in_zero=128, clamp_lo=-128, clamp_hi=126
    ).execute(plain)
    assert np.frombuffer(plain.read(Space.ACT, 0, 3), np.int8).tolist() == [-128, 126, 0]
    row = np.array([-128, -50, 0, 10, 40, 41, 100, 127], np.int8)
    plain.write(Space.ACT, 0, row.tobytes())
    Softmax(rows=1, length=8, out_addr=32, multiplier=1717986944, left_shift=22, diff_min=-496).execute(plain)
    assert np.frombuffer(plain.read(Space.ACT, 32, 8), np.int8).tolist() == [
        -128,
        -128,
        -128,
        -127,
        -125,
        -125,
        -77,
        70,
    ]


def test_reduce_sums_and_requantizes() -> None:
    """Rows of 3 pixels of 2 channels: sums over pixels, halved; then in two parts, then over channels."""
    plain = machine(np.array([[[1, -5], [4, -5], [2, -4]], [[-128, 127], [-128, 127], [-127, 127]]], np.int8).tobytes())
    half: dict[str, Any] = {
        "scheme": SchemeCode.TFL_DOUBLE,
        "multiplier": 1 << 30,
        "clamp_lo": -100,
        "clamp_hi": 127,
        "x_signed": 1,
    }
    pixels: dict[str, Any] = {
        "outer": 2,
        "inner": 2,
        "outer_stride": 6,
        "inner_stride": 1,
        "sum_inner": 1,
        "sum_outer_stride": 2,
    }
    out: dict[str, Any] = {"out_addr": 32, "out_pitch": 3}
    Reduce(first=1, last=1, sum_outer=3, out_zero=1, **pixels, **half, **out).execute(plain)
    assert np.frombuffer(plain.read(Space.ACT, 32, 5), np.int8).tolist() == [5, -6, 0, -100, 127]
    Reduce(first=1, sum_outer=2, sum_addr=64, in_zero=-1, **pixels, **half, **out).execute(plain)
    assert np.frombuffer(plain.read(Space.ACT, 64, 16), "<i4").tolist() == [7, -8, -254, 256]
    plain.write(Space.ACT, 32, bytes(5))
    Reduce(last=1, sum_outer=1, sum_addr=64, x_addr=4, **pixels, **half, **out).execute(plain)
    assert np.frombuffer(plain.read(Space.ACT, 32, 5), np.int8).tolist() == [5, -6, 0, -100, 127]
    channels: dict[str, Any] = {
        "outer": 1,
        "inner": 6,
        "inner_stride": 2,
        "sum_outer": 1,
        "sum_inner": 2,
        "sum_inner_stride": 1,
    }
    Reduce(first=1, last=1, **channels, **half, **out).execute(plain)
    assert np.frombuffer(plain.read(Space.ACT, 32, 6), np.int8).tolist() == [-2, 0, -1, 0, 0, 0]


def test_reduce_wraps_its_sums_at_32_bits() -> None:
    plain = machine(bytes([3]), b"", b"")
    one: dict[str, Any] = {"outer": 1, "inner": 1, "sum_outer": 1, "sum_inner": 1, "sum_addr": 64, "out_addr": 32}
    plain.write(Space.ACT, 64, (2**31 - 2).to_bytes(4, "little"))
    Reduce(**one).execute(plain)
    assert int.from_bytes(plain.read(Space.ACT, 64, 4), "little", signed=True) == -(2**31) + 1


def test_vadd_adds_codes_of_two_scales() -> None:
    """Scales 0.05, 0.0321 and 0.0713; the runtime's own results."""
    plain = machine(np.array([127, -128, 0, 4, 50, -77, 127, -128, 0, -9, -100, 33], np.int8).tobytes())
    fields: dict[str, int] = {
        "x_step": 1, "x_zero": 4, "y_zero": -9, "out_zero": 13, "x_multiplier": 1073741824,
        "y_multiplier": 1378684459, "y_shift": 1, "out_multiplier": 1505949286, "out_shift": 19, "clamp_lo": -128,
        "clamp_hi": 127,
    }  # fmt: skip
    VAdd(rows=1, count=6, y_addr=6, y_step=1, out_addr=32, **fields).execute(plain)
    assert np.frombuffer(plain.read(Space.ACT, 32, 6), np.int8).tolist() == [127, -128, 14, 13, 4, -25]
    VAdd(rows=2, count=3, x_stride=3, y_addr=9, out_addr=40, out_stride=4, **fields).execute(plain)
    wide = VAdd(rows=1, count=6, y_addr=9, out_addr=50, **fields)
    wide.execute(plain)
    rows = plain.read(Space.ACT, 40, 3) + plain.read(Space.ACT, 44, 3)
    assert rows == plain.read(Space.ACT, 50, 6)
    VAdd(rows=1, count=2, x_addr=3, x_step=0, y_addr=9, out_addr=60, subtract=1, clamp_lo=-9, clamp_hi=9,
         x_zero=3, y_zero=-8, x_multiplier=1 << 30, y_multiplier=1 << 30, out_multiplier=1 << 30, out_shift=18,
         ).execute(plain)  # fmt: skip
    assert list(plain.read(Space.ACT, 60, 2)) == [2, 2]  # 1 - (-1), both halved on the way and doubled back


def test_vmul_multiplies_codes_of_two_scales() -> None:
    """Scales 0.05, 0.0321 and 0.0713; the runtime's own results."""
    plain = machine(np.array([127, -128, 0, 4, 50, -77, 127, -128, 0, -9, -100, 33], np.int8).tobytes())
    fields: dict[str, Any] = {
        "scheme": SchemeCode.TFL_DOUBLE, "multiplier": 1546911104, "shift": -5, "x_zero": 4, "y_zero": -9,
        "out_zero": 13, "clamp_lo": -128, "clamp_hi": 127,
    }  # fmt: skip
    VMul(rows=1, count=6, x_step=1, y_addr=6, y_step=1, out_addr=32, **fields).execute(plain)
    assert np.frombuffer(plain.read(Space.ACT, 32, 6), np.int8).tolist() == [127, 127, 12, 13, -81, -64]
    VMul(rows=3, count=2, x_stride=2, x_step=1, y_addr=8, out_addr=40, out_stride=3, **fields).execute(plain)
    VMul(rows=1, count=6, x_step=1, y_addr=8, out_addr=50, **fields).execute(plain)
    rows = b"".join(plain.read(Space.ACT, 40 + 3 * r, 2) for r in range(3))
    assert rows == plain.read(Space.ACT, 50, 6)


def test_copy_and_fill_write_lines() -> None:
    plain = machine(bytes(range(12)))
    Copy(x_addr=1, out_addr=20, rows=3, row_bytes=2, x_stride=3, out_stride=4).execute(plain)
    assert list(plain.read(Space.ACT, 20, 11)) == [1, 2, 0, 0, 4, 5, 0, 0, 7, 8, 0]
    Fill(out_addr=19, rows=2, row_bytes=3, out_stride=5, value=0x80).execute(plain)
    assert list(plain.read(Space.ACT, 18, 11)) == [0, 128, 128, 128, 0, 0, 128, 128, 128, 0, 7]


def test_dma_copies_lines() -> None:
    plain = PlainMachine(HARDWARE, constants=bytes(range(10)), dram_bytes=40)
    Load(space=Space.ACT, dram_addr=1, rows=3, row_bytes=2, dram_stride=3, spad_addr=5, spad_stride=4).execute(plain)
    assert list(plain.read(Space.ACT, 5, 10)) == [1, 2, 0, 0, 4, 5, 0, 0, 7, 8]
    Store(dram_addr=12, spad_addr=5, rows=2, row_bytes=2, spad_stride=4, dram_stride=2).execute(plain)
    assert list(plain.read_dram(12, 4)) == [1, 2, 4, 5]


@pytest.mark.parametrize(
    "access",
    [
        lambda plain: plain.read(Space.ACT, 4096, 1),
        lambda plain: plain.read(Space.WEIGHT, -1, 1),
        lambda plain: plain.write(Space.PARAM, 4095, b"12"),
        lambda plain: plain.read_dram(0, 1),
        lambda plain: plain.write_dram(0, b"1"),
        lambda plain: plain.accumulator(0, 2, 0),
        lambda plain: plain.accumulator(0, 0, 16),
        lambda plain: plain.load_row(0, 2, 0, 0),
    ],
)
def test_every_access_is_checked(access: Callable[[PlainMachine], object]) -> None:
    with pytest.raises(ProgramError, match="instruction 0: access must stay inside"):
        access(PlainMachine(HARDWARE))


def test_constants_are_read_only() -> None:
    with pytest.raises(ProgramError, match="address must be above the constants, at least 4, not 3"):
        PlainMachine(HARDWARE, constants=b"1234", dram_bytes=8).write_dram(3, b"x")
