"""Random instructions of the vector engine, one maker each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from fxsim.isa import Copy, Fill, Instruction, Lut, Pool, PoolKind, Reduce, Softmax, VAdd, VMul, VReq

Fields = dict[str, Any]
Maker = Callable[[st.DrawFn, Fields, int], Instruction]
"""(draw, activation addresses of input and output, parameter address) → instruction."""

CLAMP: Fields = {"clamp_lo": -128, "clamp_hi": 127}


def _numbers(draw: st.DrawFn, **ranges: tuple[int, int]) -> dict[str, Any]:
    return {name: draw(st.integers(lo, hi)) for name, (lo, hi) in ranges.items()}


def _lut(draw: st.DrawFn, place: Fields, table: int) -> Lut:
    size = draw(st.sampled_from((1, 2, 4)))
    return Lut(table_addr=table, entry_bytes=size, **_numbers(draw, count=(1, 40), x_signed=(0, 1)), **place)


def _vreq(draw: st.DrawFn, place: Fields, _: int) -> VReq:
    return VReq(count=draw(st.integers(1, 40)), multiplier=1 << 30, x_signed=1, **CLAMP, **place)


def _softmax(draw: st.DrawFn, place: Fields, _: int) -> Softmax:
    return Softmax(multiplier=1 << 30, diff_min=-100, **_numbers(draw, rows=(1, 3), length=(1, 10)), **place)


def _pool(draw: st.DrawFn, place: Fields, _: int) -> Pool:
    n = _numbers(draw, channels=(1, 9), out_h=(1, 3), out_w=(1, 3), kh=(1, 3), kw=(1, 3), stride_y=(1, 3),
                 stride_x=(1, 3))  # fmt: skip
    return Pool(
        kind=draw(st.sampled_from(PoolKind)),
        pixel_pitch=n["channels"],
        out_pitch=n["channels"],
        out_row_pitch=n["channels"] * n["out_w"],
        iy0=-draw(st.integers(0, n["kh"] - 1)),
        ix0=-draw(st.integers(0, n["kw"] - 1)),
        tile_h=n["out_h"] * n["stride_y"],
        tile_w=n["out_w"] * n["stride_x"],
        x_signed=1,
        **n,
        **CLAMP,
        **place,
    )


def _reduce(draw: st.DrawFn, place: Fields, _: int) -> Reduce:
    """Make a REDUCE, whole or a part, whose sums stand behind its outputs."""
    counts = _numbers(draw, outer=(1, 5), inner=(1, 5), sum_outer=(1, 5), sum_inner=(1, 5), first=(0, 1), last=(0, 1))
    names = ("outer_stride", "inner_stride", "sum_outer_stride", "sum_inner_stride")
    strides = _numbers(draw, **dict.fromkeys(names, (0, 9)))
    sums = {"sum_addr": place["out_addr"] + 100, "out_pitch": counts["inner"]}
    return Reduce(multiplier=1 << 30, x_signed=1, **sums, **CLAMP, **strides, **counts, **place)


def _two_operands(draw: st.DrawFn, place: Fields) -> Fields:
    n = _numbers(draw, rows=(1, 4), count=(1, 20), x_step=(0, 1), y_step=(0, 1), x_stride=(0, 30), y_stride=(0, 30))
    near = {"y_addr": place["x_addr"] + draw(st.integers(0, 99)), "out_stride": n["count"] + draw(st.integers(0, 3))}
    return {**n, **near, **CLAMP, **place}


def _vadd(draw: st.DrawFn, place: Fields, _: int) -> VAdd:
    return VAdd(**_two_operands(draw, place))


def _vmul(draw: st.DrawFn, place: Fields, _: int) -> VMul:
    return VMul(multiplier=1 << 30, **_two_operands(draw, place))


def _copy(draw: st.DrawFn, place: Fields, _: int) -> Copy:
    n = _numbers(draw, rows=(1, 4), row_bytes=(1, 30), x_stride=(0, 40))
    return Copy(out_stride=n["row_bytes"] + draw(st.integers(0, 9)), **n, **place)


def _fill(draw: st.DrawFn, place: Fields, _: int) -> Fill:
    n = _numbers(draw, rows=(1, 4), row_bytes=(1, 30), value=(0, 255))
    return Fill(out_addr=place["out_addr"], out_stride=n["row_bytes"] + draw(st.integers(0, 9)), **n)


VECTORS: tuple[Maker, ...] = (_lut, _vreq, _softmax, _pool, _reduce, _vadd, _vmul, _copy, _fill)
