"""Lowering of operators with two operands: loops over both shapes, tiles that fit the activation scratchpad."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from fxsim._core.errors import HardwareError
from fxsim.isa import Instruction, Space
from fxsim.lowering.tiling import Span, ceil_div, cut, largest, load, store

if TYPE_CHECKING:
    from fxsim.lowering.base import Emit, Site

ROW_LIMIT = (1 << 20) - 1
COUNT_LIMIT = (1 << 28) - 1
"""Rows of one instruction, and elements of a row."""
PARTS = ("x", "y", "out")
OUT = 2
"""Part number of the result; the operands are parts 0 and 1."""


class Loop(NamedTuple):
    """One loop over the result: `steps` steps of as many bytes in every part, 0 where an operand is repeated."""

    steps: int
    strides: tuple[int, int, int]


Lines = dict[str, int]
"""Operand and result fields of a two-operand instruction, by the instruction's own names."""

Compute = Callable[[Lines], Instruction]
"""Makes the instruction for some lines."""


def prepare_binary(site: Site, compute: Compute) -> Emit:
    """Lower one node with two operands of one-byte codes whose shapes broadcast.

    Parts that live in the activation scratchpad are used there. A repeated operand from DRAM is loaded once if it
    takes no more than half of the room; all else passes through tiles.

    Raises
    ------
    HardwareError
        The activation scratchpad cannot hold one element of each part.
    LoweringError
        The layer needs too many instructions.
    """
    loops = nest(*(site.net.values[i].type.shape for i in site.node.inputs))
    layout = _layout(site, loops)
    site.check_length(layout.instructions)
    constants = [site.net.values[i].data for i in site.node.inputs]
    stored = [None if data is None else site.constants.add(data.tobytes()) for data in constants]

    def emit(operands: tuple[int, ...], target: int) -> Iterator[Instruction]:
        sources = [at if own is None else own for at, own in zip(operands, stored, strict=True)]
        for part, home in layout.held.items():
            yield from load(Space.ACT, sources[part], home, extent(loops, part))
        for number, tile in enumerate(layout.tiles()):
            places = layout.places(number, tile)
            for part in layout.streamed:
                if part != OUT:
                    yield from load(Space.ACT, sources[part] + tile.starts[part], places[part], tile.size(part))
            yield from (compute(lines) for lines in instructions(tile.loops, places))
            if OUT in layout.streamed:
                yield from store(target + tile.starts[OUT], places[OUT], tile.size(OUT))

    return emit


def nest(x: tuple[int, ...], y: tuple[int, ...]) -> list[Loop]:
    """Fewest loops over the result of operands of shapes `x` and `y`, outermost first; one loop at least."""
    rank = max(len(x), len(y))
    loops: list[Loop] = []
    strides = [1, 1, 1]
    for m, n in reversed(list(zip(*((1,) * (rank - len(s)) + s for s in (x, y)), strict=True))):
        steps = max(m, n)
        if steps == 1:
            continue
        own = (strides[0] * (m > 1), strides[1] * (n > 1), strides[OUT])
        if loops and _continues(own, loops[0]):
            loops[0] = Loop(steps * loops[0].steps, loops[0].strides)
        else:
            loops.insert(0, Loop(steps, own))
        strides = [strides[0] * m, strides[1] * n, strides[OUT] * steps]
    return loops or [Loop(1, (1, 1, 1))]


def _continues(outer: tuple[int, int, int], inner: Loop) -> bool:
    return all(stride == inner.steps * step for stride, step in zip(outer, inner.strides, strict=True))


def extent(loops: list[Loop], part: int) -> int:
    """Bytes of a part that `loops` walk over; they lie densely."""
    return prod(loop.steps for loop in loops if loop.strides[part])


@dataclass(frozen=True, slots=True)
class Tile:
    """A contiguous piece of the result: its own loops, and the byte of every part that it starts at."""

    loops: list[Loop]
    starts: tuple[int, ...]

    def size(self, part: int) -> int:
        """Bytes of a part."""
        return extent(self.loops, part)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a layer is cut: loop `level` into pieces of `steps`, inner loops whole; and where the parts of a tile stand.

    Attributes
    ----------
    homes
        Scratchpad address of each part that is there as a whole, None for streamed ones.
    held
        Operands that are loaded as a whole, and where to.
    base, buffers, pitch
        Place of the tiles' buffers, how many there are, and the bytes of one.
    """

    loops: list[Loop]
    level: int
    steps: int
    homes: tuple[int | None, ...]
    held: dict[int, int]
    base: int
    buffers: int
    pitch: int

    @property
    def streamed(self) -> list[int]:
        """Parts that pass through tiles."""
        return [part for part, home in enumerate(self.homes) if home is None]

    @property
    def instructions(self) -> int:
        """Upper bound of the layer's instructions."""
        outer = prod(loop.steps for loop in self.loops[: self.level])
        tiles = outer * ceil_div(self.loops[self.level].steps, self.steps)
        return 2 + tiles * (len(self.streamed) + pieces(self._tile(self.steps, (0, 0, 0)).loops))

    def tiles(self) -> Iterator[Tile]:
        """Tiles in the order of the result's bytes."""
        outer, loop = self.loops[: self.level], self.loops[self.level]
        for at in product(*(range(one.steps) for one in outer)):
            for span in cut(Span(0, loop.steps), self.steps):
                walked = [*zip(at, outer, strict=True), (span.start, loop)]
                starts = tuple(sum(i * one.strides[part] for i, one in walked) for part in range(OUT + 1))
                yield self._tile(span.size, starts)

    def places(self, number: int, tile: Tile) -> list[int]:
        """Scratchpad addresses of the parts of tile `number`."""
        free = self.base + number % self.buffers * self.pitch
        places = []
        for part, home in enumerate(self.homes):
            if home is not None:
                places.append(home + tile.starts[part])
            elif part == OUT and (shared := _in_place(self.loops, self.homes)) is not None:
                places.append(places[shared])
            else:
                places.append(free)
                free += tile.size(part)
        return places

    def _tile(self, steps: int, starts: tuple[int, ...]) -> Tile:
        return Tile([Loop(steps, self.loops[self.level].strides), *self.loops[self.level + 1 :]], starts)


def _in_place(loops: list[Loop], homes: tuple[int | None, ...]) -> int | None:
    """Return the streamed operand of the result's shape, whose buffer the result takes over; None if there is none."""
    for part in range(OUT):
        if homes[part] is None and all(loop.strides[part] for loop in loops):
            return part
    return None


def _layout(site: Site, loops: list[Loop]) -> Layout:
    room, whole = site.homes.room, extent(loops, OUT)
    homes: list[int | None] = [*site.homes.operands, site.homes.result]
    held: dict[int, int] = {}
    base = room.start
    for part in range(OUT):
        size = extent(loops, part)
        if homes[part] is None and size < whole and base - room.start + size <= room.size // 2:
            homes[part] = held[part] = base
            base += size
    fixed, free = tuple(homes), room.stop - base
    found = _cut(loops, fixed, free)
    if found is None:
        needed = base - room.start + _bytes(loops, fixed, len(loops) - 1, 1)
        expected = f"activation scratchpad must hold the {needed} bytes of one element"
        raise HardwareError(expected, got=room.size, where=site.where)
    single = found[0] == 0 and found[1] == loops[0].steps
    halved = None if single or not site.double else _cut(loops, fixed, free // 2)
    level, steps = halved or found
    return Layout(loops, level, steps, fixed, held, base, 1 if halved is None else 2, free // 2)


def _cut(loops: list[Loop], homes: tuple[int | None, ...], free: int) -> tuple[int, int] | None:
    """Loop and steps of the largest tile whose streamed parts fit `free` bytes, None if not one element fits."""
    for level, loop in enumerate(loops):
        steps = largest(loop.steps, lambda n, level=level: _bytes(loops, homes, level, n) <= free)  # type: ignore[misc]
        if steps:
            return level, steps
    return None


def _bytes(loops: list[Loop], homes: tuple[int | None, ...], level: int, steps: int) -> int:
    """Bytes that the streamed parts of a tile take."""
    tile = [Loop(steps, loops[level].strides), *loops[level + 1 :]]
    shared = _in_place(loops, homes) is not None
    streamed = [part for part, home in enumerate(homes) if home is None and not (part == OUT and shared)]
    return sum(extent(tile, part) for part in streamed)


def pieces(loops: list[Loop]) -> int:
    """Count the instructions that walk over `loops`."""
    *outer, rows, row = [Loop(1, (0, 0, 0)), *loops]
    cuts = ceil_div(rows.steps, ROW_LIMIT) * ceil_div(row.steps, COUNT_LIMIT)
    return prod(loop.steps for loop in outer) * cuts


def instructions(loops: list[Loop], places: list[int]) -> Iterator[Lines]:
    """Yield the operand and result fields of the instructions that walk over `loops` from `places` on."""
    *outer, rows, row = [Loop(1, (0, 0, 0)), *loops]
    for at in product(*(range(loop.steps) for loop in outer)):
        for down in cut(Span(0, rows.steps), ROW_LIMIT):
            for along in cut(Span(0, row.steps), COUNT_LIMIT):
                walked = [*zip(at, outer, strict=True), (down.start, rows), (along.start, row)]
                at_part = [place + sum(i * loop.strides[p] for i, loop in walked) for p, place in enumerate(places)]
                steps = {f"{name}_step": row.strides[part] for part, name in enumerate("xy")}
                strides = {f"{name}_stride": rows.strides[part] for part, name in enumerate(PARTS)}
                addresses = {f"{name}_addr": address for name, address in zip(PARTS, at_part, strict=True)}
                yield {"rows": down.size, "count": along.size, **addresses, **strides, **steps}
