"""Beats of MAC and MERGE instructions: f(g, p), group starts, and the runs of cycles in which a beat issues.

Programs repeat few shapes many times, so the group structure is worked out once per `SumShape`, relative to the
instruction's start s_0; everything per instruction is a look-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fxsim.isa.modes import Order

if TYPE_CHECKING:
    from fxsim.hw import Hardware
    from fxsim.isa.columns import Table

Ints = NDArray[np.int64]


class MacArray(NamedTuple):
    """Timing constants of the MAC array."""

    cols: int
    port: int
    """Bytes per x-port beat."""
    tile: int
    """Tw: cycles to load one weight tile."""
    distance: int
    """R: cycles between two accumulations into one slot."""
    depth: int
    """Ld: the stage that writes the bank."""


class SumShape(NamedTuple):
    """All that the group structure of a MAC or MERGE depends on, besides the array."""

    positions: int
    groups: int
    k_count: int = 0
    """Stream positions; 0 for MERGE."""
    phase: int = 0
    """Shared x: stream positions between the last break of an address run and k_start."""
    run: int = 0
    """Shared x: stream positions between breaks; 0 for private x."""
    x_bytes: int = 1
    tap_beats: int = 0
    """Private x: beats per tap."""
    reused_beats: int = 0
    """Private x with row reuse: beats of every position but the first; 0 without reuse."""


@dataclass(frozen=True, slots=True, eq=False)
class SumBeats:
    """When the beats of one shape issue, in cycles from s_0.

    Attributes
    ----------
    last_group, last_beat : int
        s_{G-1} - s_0 and s_L - s_0.
    lo, hi : int64 [runs]
        Half-open runs of consecutive cycles in which a beat issues, ascending and apart.
    tile : int64 [runs]
        When the tile of the group that begins the run is loaded (the first run's is not known here: 0).
    start : int64 [groups]
        First beat of every group, s_g - s_0; the tile of the next one starts to load there.
    """

    last_group: int
    last_beat: int
    lo: Ints
    hi: Ints
    tile: Ints
    start: Ints


def array_of(hardware: Hardware) -> MacArray:
    """R, Ld and Tw of `hardware` (MICROARCHITECTURE, section B)."""
    t = hardware.timing
    tile = _ceil_div(t.rows * t.cols * hardware.numerics.weight_bits, 8 * t.w_port_bytes)
    if hardware.numerics.reduction == "tree":
        levels = (t.cols - 1).bit_length()
        depth = t.read_latency + t.mul_latency + _ceil_div(levels, t.tree_levels_per_stage) + 1
        return MacArray(t.cols, t.x_port_bytes, tile, 1, depth)
    stages = _ceil_div(t.cols, t.chain_per_stage)
    return MacArray(t.cols, t.x_port_bytes, tile, stages, t.read_latency + t.mul_latency + stages)


def mac_shapes(f: Table, array: MacArray) -> list[SumShape]:
    """Shapes of the MAC instructions `f`, in order."""
    private = f.private_x == 1
    x_bytes = 1 + f.x_wide
    run = np.where(private, 0, _run_length(f, x_bytes))
    taps = np.where(private, _tap_beats(f, x_bytes, array.port), 0)
    parts = (
        f.positions,
        -(-f.k_count // array.cols),
        f.k_count,
        np.where(private, 0, f.k_start % np.maximum(run, 1)),
        run,
        np.where(private, 1, x_bytes),
        taps,
        np.where(private & _reuses_rows(f, array.cols), taps * f.kh * np.minimum(f.stride_x, f.kw), 0),
    )
    return [SumShape(*values) for values in zip(*(part.tolist() for part in parts), strict=True)]


def merge_shapes(f: Table) -> list[SumShape]:
    """Shapes of the MERGE instructions `f`, in order: S - 1 groups of one beat per position."""
    return [SumShape(b, s - 1) for b, s in zip(f.positions.tolist(), f.parts.tolist(), strict=True)]


def beats_of(shape: SumShape, array: MacArray) -> SumBeats:
    """Group starts and runs of `shape`: s_{g+1} = s_g + max(F_g + max(0, R - B), Tw), without Tw for MERGE."""
    start, group = _groups(shape, array)
    stop = start + group
    begins = np.flatnonzero(start[1:] > stop[:-1]) + 1
    lo = np.concatenate((start[:1], start[begins]))
    hi = np.concatenate((stop[begins - 1], stop[-1:]))
    tile = array.tile if shape.k_count else 0
    loaded = np.concatenate((np.zeros(1, np.int64), start[begins - 1] + tile))
    return SumBeats(int(start[-1]), int(stop[-1]) - 1, lo, hi, loaded, start)


def issue_offsets(shape: SumShape, array: MacArray) -> Ints:
    """Cycles from s_0 to the issue, the last beat, of every position of every group: int64 [groups, positions]."""
    start, _ = _groups(shape, array)
    first, others = _beats_by_place(shape, array)
    later = np.arange(shape.positions, dtype=np.int64) * others[:, None]
    offsets: Ints = (start + first - 1)[:, None] + later
    return offsets


def _groups(shape: SumShape, array: MacArray) -> tuple[Ints, Ints]:
    """Start s_g - s_0 and beats F_g of every group."""
    first, others = _beats_by_place(shape, array)
    group = first + (shape.positions - 1) * others
    tile = array.tile if shape.k_count else 0
    interval = np.maximum(group[:-1] + max(0, array.distance - shape.positions), tile)
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(interval))), group


def _beats_by_place(shape: SumShape, array: MacArray) -> tuple[Ints, Ints]:
    """Beats f(g, p) of every group: of its first position, and of each other one."""
    if not shape.k_count:
        one = np.ones(shape.groups, np.int64)
        return one, one
    first = position_beats(shape, array)
    return first, np.full_like(first, shape.reused_beats) if shape.reused_beats else first


def position_beats(shape: SumShape, array: MacArray) -> Ints:
    """x-port beats f(g, 0) of a MAC's first position, int64 [groups]."""
    first = array.cols * np.arange(shape.groups, dtype=np.int64)
    stop = np.minimum(first + array.cols, shape.k_count)
    if not shape.run:
        return (stop - first) * shape.tap_beats
    first, stop = first + shape.phase, stop + shape.phase
    head, tail = first // shape.run, (stop - 1) // shape.run
    whole = (tail - head - 1) * _ceil_div(shape.run * shape.x_bytes, array.port)
    ends = _beats((head + 1) * shape.run - first, shape, array) + _beats(stop - tail * shape.run, shape, array)
    return np.where(head == tail, _beats(stop - first, shape, array), ends + whole)


def _run_length(f: Table, x_bytes: Ints) -> Ints:
    """Stream positions between breaks: one tap, or one kernel row where its taps are adjacent in memory."""
    by_tap = (f.dil_x != 1) | (f.pixel_pitch != f.channels * x_bytes) | (f.order != Order.CANONICAL)
    return np.where(by_tap, f.channels, f.channels * f.kw)


def _tap_beats(f: Table, x_bytes: Ints, port: int) -> Ints:
    distinct = (f.row_base + f.rows - 1) // f.depth_mult - f.row_base // f.depth_mult + 1
    return -(-distinct * x_bytes // port)


def _reuses_rows(f: Table, cols: int) -> NDArray[np.bool_]:
    """Whether the window is in one group and the block in one output row, undilated: old columns stay latched."""
    whole = (f.k_count == f.kh * f.kw) & (f.k_count <= cols) & (f.dil_x == 1)
    one_row = f.ox_start // f.out_w == (f.ox_start + f.positions - 1) // f.out_w
    reuses: NDArray[np.bool_] = whole & one_row
    return reuses


def _beats(count: Ints, shape: SumShape, array: MacArray) -> Ints:
    return -(-count * shape.x_bytes // array.port)


def _ceil_div(value: int, divisor: int) -> int:
    return -(-value // divisor)
