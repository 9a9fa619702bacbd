"""What every instruction costs once it has been issued, for a whole program at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import ProgramError
from fxsim.hw import BURST_BYTES
from fxsim.isa import (
    INSTRUCTIONS,
    Columns,
    Copy,
    Fill,
    Instruction,
    Load,
    Lut,
    Mac,
    MacArray,
    Merge,
    Pool,
    Reduce,
    Req,
    Softmax,
    Store,
    SumBeats,
    SumShape,
    VAdd,
    VMul,
    VReq,
    array_of,
    beats_of,
    bursts,
    mac_shapes,
    merge_shapes,
)
from fxsim.numerics import Reduction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.hw import Hardware
    from fxsim.isa import Table

Ints = NDArray[np.int64]

_WORK_LIMIT = 1 << 48

_VECTOR_WORK: dict[type[Instruction], tuple[str, ...]] = {
    Pool: ("out_h", "out_w", "kh", "kw", "channels"),
    VReq: ("count",),
    Lut: ("count",),
    Reduce: ("outer", "inner", "sum_outer", "sum_inner"),
    Softmax: ("rows", "length"),
    VAdd: ("rows", "count"),
    VMul: ("rows", "count"),
    Copy: ("rows", "row_bytes"),
    Fill: ("rows", "row_bytes"),
}
"""Fields whose product is the number of elements the vector engine passes: POOL's are taps, skipped ones included."""


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """Static costs of a program on its hardware.

    Attributes
    ----------
    array : MacArray
    duration : int64 [n]
        DMA: cycles on the bus; MAC and MERGE: cycles from s_0 to s_L; REQ: beats; vector: depth + n * interval.
    last_group : int64 [n]
        MAC and MERGE: cycles from s_0 to the start of the last group; else 0.
    shape : int64 [n]
        MAC and MERGE: index into `beats`; else -1.
    beats : tuple of SumBeats
        One per distinct shape.
    tiles, macs : int
        Weight tiles loaded and products formed by active rows (padded taps included) in the whole program.
    """

    array: MacArray
    duration: Ints
    last_group: Ints
    shape: Ints
    beats: tuple[SumBeats, ...]
    tiles: int
    macs: int


def costs_of(columns: Columns, hardware: Hardware) -> Costs:
    """Costs of every instruction of a checked program.

    Raises
    ------
    ProgramError
        A MAC does not fit the array, or a vector instruction passes 2**48 elements or more.
    """
    _check_macs(columns, hardware)
    array = array_of(hardware)
    duration, last_group = np.zeros((2, len(columns)), np.int64)
    shape, shapes, beats = _shapes(columns, array)
    sums = np.flatnonzero(shape >= 0)
    duration[sums] = np.array([b.last_beat for b in beats], np.int64)[shape[sums]]
    last_group[sums] = np.array([b.last_group for b in beats], np.int64)[shape[sums]]
    for copy in (Load, Store):
        duration[columns.rows_of(copy)] = _bus_cycles(columns.table(copy), hardware.timing.dram_bytes_per_cycle)
    duration[columns.rows_of(Req)] = _requantizer_beats(columns.table(Req), hardware.timing.requant_lanes)
    for cls in _VECTOR_WORK:
        duration[columns.rows_of(cls)] = _vector_cycles(columns, cls, hardware)
    macs = columns.table(Mac)
    tiles = sum(shapes[s].groups for s in shape[macs.index].tolist())
    products = sum((macs.rows * macs.positions * macs.k_count).tolist())
    return Costs(array, duration, last_group, shape, beats, tiles, products)


def place(columns: Columns, index: int) -> str:
    """Where a complaint about instruction `index` points to."""
    opcode = columns.opcode[index]
    mnemonic = next(c.mnemonic for c in INSTRUCTIONS.values() if c.opcode == opcode)
    return f"instruction {index} ({mnemonic})"


def _check_macs(columns: Columns, hardware: Hardware) -> None:
    """Every MAC is of the array's kind, and no position of a private-x MAC goes without a beat."""
    f = columns.table(Mac)
    reduction = Reduction[hardware.numerics.reduction.upper()]
    _require(columns, f.index, f.reduction == reduction, f"reduction must be the hardware's, {reduction.name}")
    _require(columns, f.index, (f.private_x == 0) | (f.stride_x >= 1), "stride_x must be at least 1 for private x")


def _require(columns: Columns, rows: Ints, good: NDArray[np.bool_], expected: str) -> None:
    bad = rows[~good]
    if bad.size:
        raise ProgramError(expected, where=place(columns, int(bad[0])))


def _shapes(columns: Columns, array: MacArray) -> tuple[Ints, list[SumShape], tuple[SumBeats, ...]]:
    """SumShape index of every instruction (-1: none), the distinct shapes, and their beats."""
    known: dict[SumShape, int] = {}
    index = np.full(len(columns), -1, np.int64)
    for cls, shapes in ((Mac, mac_shapes(columns.table(Mac), array)), (Merge, merge_shapes(columns.table(Merge)))):
        index[columns.rows_of(cls)] = [known.setdefault(s, len(known)) for s in shapes]
    return index, list(known), tuple(beats_of(s, array) for s in known)


def _bus_cycles(copies: Table, bus: int) -> Ints:
    """Cycles on the DRAM bus: bursts times the beats of one."""
    return bursts(copies) * -(-BURST_BYTES // bus)


def _requantizer_beats(f: Table, lanes: int) -> Ints:
    beats: Ints = f.positions * -(-f.rows // lanes)
    return beats


def _vector_cycles(columns: Columns, cls: type[Instruction], hardware: Hardware) -> Ints:
    timing, name = hardware.timing, cls.mnemonic.lower()
    work = _product(columns, cls, _VECTOR_WORK[cls])
    depth, interval = getattr(timing, f"{name}_depth"), getattr(timing, f"{name}_interval")
    return np.asarray(depth + -(-work // timing.vector_lanes) * interval, np.int64)


def _product(columns: Columns, cls: type[Instruction], names: Sequence[str]) -> Ints:
    f = columns.table(cls)
    factors = [f[name] for name in names]
    size = np.prod([factor.astype(np.float64) for factor in factors], axis=0)
    _require(columns, f.index, size < _WORK_LIMIT, f"{' * '.join(names)} must be less than 2**48")
    return np.asarray(np.prod(factors, axis=0), np.int64)
