"""Situations that lie in the fields of single instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.isa import Init, Mac, Merge, Order, Req, array_of, mac_shapes, position_beats

if TYPE_CHECKING:
    from collections.abc import Callable

    from fxsim.hw import Hardware
    from fxsim.isa import MacArray, Program, SumShape, Table

Bools = NDArray[np.bool_]


def _always(_: Hardware) -> bool:
    return True


def _several_columns(hw: Hardware) -> bool:
    return hw.timing.cols > 1


def _several_rows(hw: Hardware) -> bool:
    return hw.timing.rows > 1


def _has_inner(hw: Hardware) -> bool:
    return hw.numerics.inner_bits > 0


def _canonical(hw: Hardware) -> bool:
    return hw.numerics.order == "canonical"


def _wide_output(hw: Hardware) -> bool:
    return hw.numerics.act_bits > 8 and 2 * hw.timing.requant_lanes <= hw.timing.x_port_bytes


FIELD_BINS: dict[str, Callable[[Hardware], bool]] = {
    "K: one group": _always,
    "K: several groups": _always,
    "K: last group ragged": _several_columns,
    "K: starts in the middle": _always,
    "inner accumulator: spills once": _has_inner,
    "inner accumulator: spills several times": _has_inner,
    "inner accumulator: spills fewer groups at the end": lambda hw: (
        hw.numerics.inner_products > hw.timing.cols and _has_inner(hw)
    ),
    "N: all rows": _always,
    "N: some rows": _several_rows,
    "positions: 1": _always,
    "positions: 2..R-1": lambda hw: min(hw.timing.half_depth, array_of(hw).distance - 1) >= 2,
    "positions: R or more": lambda hw: hw.timing.half_depth >= max(2, array_of(hw).distance),
    "positions: over the end of a grid row": lambda hw: hw.timing.half_depth > 1,
    "init: bias": _always,
    "init: zero": _always,
    "init: keep": _always,
    "row file: loaded": _always,
    "row file: used again": _always,
    "private x: no row reuse": _always,
    "private x: row reuse, columns latched": lambda hw: hw.timing.cols > 1 and hw.timing.half_depth > 1,
    "private x: row reuse, two columns on": lambda hw: hw.timing.cols > 2 and hw.timing.half_depth > 1,
    "private x: row reuse, all columns new": lambda hw: hw.timing.half_depth > 1,
    "private x: several outputs per channel": _always,
    "private x: channel begins before row 0": _always,
    "order: reversed": lambda hw: not _canonical(hw),
    "order: reversed, starts in the middle": lambda hw: not _canonical(hw),
    "taps: dilated rows": _always,
    "taps: dilated columns": _always,
    "taps: padded above": _always,
    "taps: padded below": _always,
    "taps: padded left": _always,
    "taps: padded right": _always,
    "runs: over taps": lambda hw: _canonical(hw) and _several_columns(hw),
    "runs: broken in a group": _several_columns,
    "x port: one beat per position": _always,
    "x port: several beats per position": lambda hw: (
        hw.timing.cols > 1 or hw.timing.rows * (1 + (hw.numerics.act_bits > 8)) > hw.timing.x_port_bytes
    ),
    "x: two bytes": lambda hw: hw.numerics.act_bits > 8,
    "w: two bytes": lambda hw: hw.numerics.weight_bits > 8,
    "x: unsigned": _always,
    "w: unsigned": _always,
    "x: zero point": _always,
    "w: zero point": _always,
    "MERGE: 2 parts": lambda hw: hw.timing.half_depth > 1,
    "MERGE: more parts": lambda hw: hw.timing.half_depth > 2,
    "MERGE: several positions": lambda hw: hw.timing.half_depth > 3,
    "REQ: lanes without a row": lambda hw: hw.timing.requant_lanes > 1,
    "REQ: several beats per position": lambda hw: hw.timing.rows > hw.timing.requant_lanes,
    "REQ: several positions": lambda hw: hw.timing.half_depth > 1,
    "REQ: over the end of a grid row": lambda hw: hw.timing.half_depth > 1,
    "REQ: two bytes": _wide_output,
    "REQ: unsigned codes": _always,
    "REQ: zero point": _always,
}
"""Situation -> whether a machine can get into it."""


def field_bins(program: Program) -> dict[str, int]:
    """Instructions of `program` in every situation."""
    array, timing = array_of(program.hardware), program.hardware.timing
    macs, columns = program.columns.table(Mac), program.columns
    found = _streams(macs, array, timing.rows) | _blocks(macs, array) | _windows(macs) | _operands(macs, array)
    found |= _private(macs, array.cols) | _spills(macs, array.cols) | _merges(columns.table(Merge))
    found |= _reqs(columns.table(Req), timing.requant_lanes)
    return {name: int(met.sum()) for name, met in found.items()}


def _streams(f: Table, array: MacArray, rows: int) -> dict[str, Bools]:
    backward = f.order == Order.REVERSED
    return {
        "K: one group": f.k_count <= array.cols,
        "K: several groups": f.k_count > array.cols,
        "K: last group ragged": f.k_count % array.cols != 0,
        "K: starts in the middle": f.k_start > 0,
        "N: all rows": f.rows == rows,
        "N: some rows": f.rows < rows,
        "init: bias": f.init == Init.BIAS,
        "init: zero": f.init == Init.ZERO,
        "init: keep": f.init == Init.KEEP,
        "row file: loaded": f.load_params == 1,
        "row file: used again": (f.load_params == 0) & (f.init == Init.BIAS),
        "order: reversed": backward,
        "order: reversed, starts in the middle": backward & (f.k_start > 0),
    }


def _blocks(f: Table, array: MacArray) -> dict[str, Bools]:
    again = array.distance
    return {
        "positions: 1": f.positions == 1,
        "positions: 2..R-1": (f.positions > 1) & (f.positions < again),
        "positions: R or more": (f.positions > 1) & (f.positions >= again),
        "positions: over the end of a grid row": _over_the_end(f),
    }


def _over_the_end(f: Table) -> Bools:
    over: Bools = f.ox_start % f.out_w + f.positions > f.out_w
    return over


def _windows(f: Table) -> dict[str, Bools]:
    """Padding is looked for where the whole window is in one instruction."""
    whole = f.k_count == f.kh * f.kw * f.channels
    over = _over_the_end(f)
    last = f.ox_start + f.positions - 1
    left = np.where(over, 0, f.ox_start % f.out_w) * f.stride_x + f.ix0
    right = np.where(over, f.out_w - 1, last % f.out_w) * f.stride_x + f.ix0 + (f.kw - 1) * f.dil_x
    top = f.ox_start // f.out_w * f.stride_y + f.iy0
    bottom = last // f.out_w * f.stride_y + f.iy0 + (f.kh - 1) * f.dil_y
    return {
        "taps: dilated rows": (f.dil_y > 1) & (f.kh > 1),
        "taps: dilated columns": (f.dil_x > 1) & (f.kw > 1),
        "taps: padded above": whole & (top < 0),
        "taps: padded below": whole & (bottom >= f.tile_h),
        "taps: padded left": whole & (left < 0),
        "taps: padded right": whole & (right >= f.tile_w),
    }


def _operands(f: Table, array: MacArray) -> dict[str, Bools]:
    shapes = mac_shapes(f, array)
    beats = np.array([position_beats(shape, array).max() for shape in shapes], np.int64)
    breaks = [_breaks(shape, channels, array.cols) for shape, channels in zip(shapes, f.channels.tolist(), strict=True)]
    within, over = np.array(breaks, bool).reshape(-1, 2).T
    return {
        "runs: over taps": over,
        "runs: broken in a group": within,
        "x port: one beat per position": beats == 1,
        "x port: several beats per position": beats > 1,
        "x: two bytes": f.x_wide == 1,
        "w: two bytes": f.w_wide == 1,
        "x: unsigned": f.x_signed == 0,
        "w: unsigned": f.w_signed == 0,
        "x: zero point": f.x_zero != 0,
        "w: zero point": f.w_zero != 0,
    }


def _breaks(shape: SumShape, channels: int, cols: int) -> tuple[bool, bool]:
    """Whether an address run breaks within a group, and whether one goes on there from a tap to the next."""
    if not shape.run:
        return False, False
    first = shape.phase + np.arange(0, shape.k_count, cols)
    last = np.minimum(first + cols, shape.phase + shape.k_count) - 1
    ends = last // shape.run - first // shape.run
    taps = last // channels - first // channels
    return bool((ends > 0).any()), bool((taps > ends).any())


def _private(f: Table, cols: int) -> dict[str, Bools]:
    private = f.private_x == 1
    whole = (f.k_count == f.kh * f.kw) & (f.k_count <= cols) & (f.dil_x == 1)
    reuses = private & whole & ~_over_the_end(f) & (f.positions > 1)
    return {
        "private x: no row reuse": private & ~reuses,
        "private x: row reuse, columns latched": reuses & (f.stride_x < f.kw),
        "private x: row reuse, two columns on": reuses & (f.stride_x < f.kw) & (f.stride_x == 2),
        "private x: row reuse, all columns new": reuses & (f.stride_x >= f.kw),
        "private x: several outputs per channel": private & (f.depth_mult > 1),
        "private x: channel begins before row 0": private & (f.row_base % f.depth_mult != 0),
    }


def _spills(f: Table, cols: int) -> dict[str, Bools]:
    staged, size = f.inner_bits > 0, np.maximum(f.inner_groups, 1) * cols
    return {
        "inner accumulator: spills once": staged & (f.k_count <= size),
        "inner accumulator: spills several times": staged & (f.k_count > size),
        "inner accumulator: spills fewer groups at the end": staged & ((f.k_count - 1) % size < size - cols),
    }


def _merges(f: Table) -> dict[str, Bools]:
    return {
        "MERGE: 2 parts": f.parts == 2,
        "MERGE: more parts": f.parts > 2,
        "MERGE: several positions": f.positions > 1,
    }


def _reqs(f: Table, lanes: int) -> dict[str, Bools]:
    return {
        "REQ: lanes without a row": f.rows % lanes != 0,
        "REQ: several beats per position": f.rows > lanes,
        "REQ: several positions": f.positions > 1,
        "REQ: over the end of a grid row": _over_the_end(f),
        "REQ: two bytes": f.out_wide == 1,
        "REQ: unsigned codes": f.clamp_lo >= 0,
        "REQ: zero point": f.out_zero != 0,
    }
