"""Cuts, searches, and 2-D copies."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fxsim.lowering import tiling
from fxsim.lowering.tiling import Level, Span, cut, largest, two_dimensional


@given(st.integers(0, 50), st.integers(0, 100), st.integers(1, 20))
def test_cut_covers_in_order(start: int, length: int, size: int) -> None:
    pieces = cut(Span(start, start + length), size)
    assert [k for piece in pieces for k in range(*piece)] == list(range(start, start + length))
    assert all(piece.size == size for piece in pieces[:-1])


@given(st.integers(0, 200), st.integers(-5, 250))
def test_largest_finds_the_edge(limit: int, edge: int) -> None:
    assert largest(limit, lambda n: n <= edge) == max(0, min(limit, edge))


LEVELS = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3), st.integers(0, 3)), max_size=3)


@given(st.integers(1, 5), LEVELS)
def test_copies_move_the_same_bytes(run: int, gaps: list[tuple[int, int, int]]) -> None:
    levels: list[Level] = []
    dram, spad = run, run
    for steps, dram_gap, spad_gap in gaps:
        levels.insert(0, Level(steps, dram + dram_gap, spad + spad_gap))
        dram, spad = steps * levels[0].dram_stride, steps * levels[0].spad_stride
    copies = list(two_dimensional(run, tuple(levels)))
    moved = {
        (c.dram_offset + r * c.dram_stride + i, c.spad_offset + r * c.spad_stride + i)
        for c in copies
        for r in range(c.rows)
        for i in range(c.row_bytes)
    }
    assert moved == _plain(run, levels)
    assert sum(c.rows * c.row_bytes for c in copies) == len(moved)


def _plain(run: int, levels: list[Level]) -> set[tuple[int, int]]:
    starts = [(0, 0)]
    for level in levels:
        starts = [(d + i * level.dram_stride, s + i * level.spad_stride) for d, s in starts for i in range(level.steps)]
    return {(d + i, s + i) for d, s in starts for i in range(run)}


def test_dense_boxes_are_one_copy() -> None:
    whole = list(two_dimensional(3, (Level(5, 12, 12), Level(4, 3, 3))))
    assert [(c.rows, c.row_bytes) for c in whole] == [(1, 60)]
    rows = list(two_dimensional(3, (Level(5, 30, 12), Level(4, 3, 3))))
    assert [(c.rows, c.row_bytes, c.dram_stride, c.spad_stride) for c in rows] == [(5, 12, 30, 12)]
    channels = list(two_dimensional(3, (Level(5, 40, 12), Level(4, 10, 3))))
    assert [(c.rows, c.row_bytes) for c in channels] == [(20, 3)]
    three = list(two_dimensional(3, (Level(5, 99, 12), Level(4, 10, 3))))
    assert [(c.dram_offset, c.spad_offset, c.rows) for c in three] == [(99 * i, 12 * i, 4) for i in range(5)]


def test_long_columns_are_split() -> None:
    limit = tiling.ROW_LIMIT
    copies = list(two_dimensional(1, (Level(limit + 2, 3, 2),)))
    assert [c.rows for c in copies] == [limit, 2]
    assert (copies[1].dram_offset, copies[1].spad_offset) == (3 * limit, 2 * limit)
