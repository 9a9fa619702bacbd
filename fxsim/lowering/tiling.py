"""Cutting ranges into tiles, finding the largest tile that fits, and copying boxes with 2-D DMA instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fxsim.isa import Instruction, Load, Space, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROW_LIMIT = (1 << 20) - 1
"""Rows of one DMA instruction."""


class Span(NamedTuple):
    """A half-open range."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        """Its length."""
        return self.stop - self.start


class Level(NamedTuple):
    """One loop of a copy: `steps` steps of `dram_stride` and `spad_stride` bytes."""

    steps: int
    dram_stride: int
    spad_stride: int


class Rows(NamedTuple):
    """A 2-D copy: the operands of one LOAD or STORE, offsets relative to the two starts."""

    dram_offset: int
    spad_offset: int
    rows: int
    row_bytes: int
    dram_stride: int
    spad_stride: int


def ceil_div(a: int, b: int) -> int:
    """Return the least integer not below a / b, for b > 0."""
    return -(-a // b)


def cut(span: Span, size: int) -> list[Span]:
    """`span` in consecutive pieces of `size`, the last one shorter if need be."""
    return [Span(start, min(start + size, span.stop)) for start in range(span.start, span.stop, size)]


def even(total: int, size: int) -> int:
    """Return the size of pieces that cut `total` into as few as `size` does, but evenly."""
    return ceil_div(total, ceil_div(total, size))


def halvings(size: int) -> Iterator[int]:
    """Yield size, size // 2, size // 4, ... down to 1; nothing for 0."""
    while size:
        yield size
        size //= 2


def largest(limit: int, fits: Callable[[int], bool]) -> int:
    """Find the greatest n in 1..limit with ``fits(n)``, 0 if none; `fits` must be true up to it and false beyond."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def two_dimensional(run: int, levels: tuple[Level, ...]) -> Iterator[Rows]:
    """Yield the fewest 2-D copies that move runs of `run` contiguous bytes over nested `levels`, outermost first.

    Levels that continue each other in DRAM and scratchpad are merged; what is left beyond two dimensions becomes one
    copy per outer step.
    """
    run, merged = _merge(run, levels)
    yield from _emit(run, merged, 0, 0)


def load(space: Space, dram_addr: int, spad_addr: int, run: int, *levels: Level) -> Iterator[Instruction]:
    """Yield the LOAD instructions of a nested copy from DRAM to `space`."""
    for r in two_dimensional(run, levels):
        yield Load(
            space=space,
            dram_addr=dram_addr + r.dram_offset,
            spad_addr=spad_addr + r.spad_offset,
            rows=r.rows,
            row_bytes=r.row_bytes,
            dram_stride=r.dram_stride,
            spad_stride=r.spad_stride,
        )


def store(dram_addr: int, spad_addr: int, run: int, *levels: Level) -> Iterator[Instruction]:
    """Yield the STORE instructions of a nested copy from the activation scratchpad to DRAM."""
    for r in two_dimensional(run, levels):
        yield Store(
            dram_addr=dram_addr + r.dram_offset,
            spad_addr=spad_addr + r.spad_offset,
            rows=r.rows,
            row_bytes=r.row_bytes,
            dram_stride=r.dram_stride,
            spad_stride=r.spad_stride,
        )


def _merge(run: int, levels: tuple[Level, ...]) -> tuple[int, list[Level]]:
    kept: list[Level] = []
    for level in reversed(levels):
        if level.steps == 1:
            continue
        if not kept and level.dram_stride == level.spad_stride == run:
            run *= level.steps
        elif kept and _continues(level, kept[0]):
            kept[0] = Level(level.steps * kept[0].steps, kept[0].dram_stride, kept[0].spad_stride)
        else:
            kept.insert(0, level)
    return run, kept


def _continues(outer: Level, inner: Level) -> bool:
    return outer.dram_stride == inner.steps * inner.dram_stride and outer.spad_stride == inner.steps * inner.spad_stride


def _emit(run: int, levels: list[Level], dram: int, spad: int) -> Iterator[Rows]:
    if len(levels) < 2:
        count, dram_stride, spad_stride = levels[0] if levels else (1, 0, 0)
        for rows in cut(Span(0, count), ROW_LIMIT):
            yield Rows(
                dram + rows.start * dram_stride,
                spad + rows.start * spad_stride,
                rows.size,
                run,
                dram_stride,
                spad_stride,
            )
        return
    outer, *inner = levels
    for i in range(outer.steps):
        yield from _emit(run, inner, dram + i * outer.dram_stride, spad + i * outer.spad_stride)
