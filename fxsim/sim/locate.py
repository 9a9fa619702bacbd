"""Where in a lowered program every output and every rule application of a layer with accumulators runs.

Nothing is executed: instruction fields say what each REQ writes, and STOREs say where it goes from there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import ProgramError
from fxsim.isa import ITEM_BYTES, Mac, Merge, Req, Store

if TYPE_CHECKING:
    from fxsim.isa import Program, Symbol, Table

Ints = NDArray[np.int64]

_FULLY_CONNECTED = "FULLY_CONNECTED"


class Phase(IntEnum):
    """What a rule application adds, or that the sum is read."""

    BIAS = 0
    """The bias: its load, rule application -1, or its addition at the read-out where it comes last."""
    SUM = 1
    """A group of products (chain: one product)."""
    MERGE = 2
    """A part of a split sum."""
    READ = 3
    """The requantizer's read-out."""
    INNER = 4
    """A group of products (chain: one product) that an inner accumulator takes; SUM is its spill then."""


class Output(NamedTuple):
    """One output of a layer: image of the sample's batch, row, column, channel.

    The outputs of a FULLY_CONNECTED layer stand in one row, a column per vector.
    """

    image: int
    y: int
    x: int
    channel: int


class Step(NamedTuple):
    """The instruction of a rule application, the position in its block, and the PE row."""

    instruction: int
    position: int
    row: int


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where the outputs of one layer are computed.

    A block is what one REQ reads: some output positions of one row tile, accumulated by the MACs (and the MERGE) before
    it. P counts images, output rows and columns in C order; N is the number of output channels.

    Attributes
    ----------
    layer
        Number of the layer.
    shape
        (images, output rows, output columns, channels).
    block, position, row : int64 [P, N]
        Block of every output, its position in the block, its PE row.
    req, merge : int64 [blocks]
        Instruction that reads a block; that merges its parts, -1 where there is one part.
    """

    layer: int
    shape: tuple[int, int, int, int]
    block: Ints
    position: Ints
    row: Ints
    req: Ints
    merge: Ints
    _macs: Ints
    """Instructions of the MACs, sorted by `_keys`."""
    _keys: Ints
    """block * K + k_start of each."""
    _starts: Ints
    """First stream position of each instruction of the program that is a MAC: int64 [n]."""
    _cols: int
    _depth: int
    """Stream length K."""
    _bias_last: bool
    """Whether REQs add the bias."""

    def instructions(self, phase: Phase, blocks: Ints, k: Ints | int = 0) -> Ints:
        """Instruction of the rule applications of `phase` in `blocks`; SUM, INNER: of those that add position `k`."""
        if phase is Phase.READ or (phase is Phase.BIAS and self._bias_last):
            return self.req[blocks]
        if phase is Phase.MERGE:
            return self.merge[blocks]
        wanted = blocks * self._depth + (k if phase in (Phase.SUM, Phase.INNER) else 0)
        return self._macs[np.searchsorted(self._keys, wanted, side="right") - 1]

    def group(self, instructions: Ints, k: Ints) -> Ints:
        """Which pass of the array of each MAC in `instructions` adds stream position `k`."""
        return (k - self._starts[instructions]) // self._cols

    def step(self, output: Output, phase: Phase, k: int = 0) -> Step:
        """Where one rule application of one output runs; `k` is a stream position that a SUM or INNER adds.

        Raises
        ------
        ProgramError
            The layer has no such output or stream position.
        """
        if not all(0 <= i < size for i, size in zip(output, self.shape, strict=True)):
            raise ProgramError(f"output must lie in {self.shape}", got=tuple(output))
        if not 0 <= k < self._depth:
            raise ProgramError(f"k must be in 0..{self._depth - 1}", got=k)
        at = self.index(output), output.channel
        (instruction,) = self.instructions(phase, self.block[at].reshape(1), k)
        return Step(int(instruction), int(self.position[at]), int(self.row[at]))

    def index(self, output: Output) -> int:
        """Place of an output on the axis P."""
        _, height, width, _ = self.shape
        return (output.image * height + output.y) * width + output.x

    def output(self, instruction: int, position: int, row: int) -> Output:
        """Which output a MAC, MERGE or REQ of the layer works on at a position of its block, in a PE row."""
        block = self._block_of(instruction)
        index, channel = np.argwhere((self.block == block) & (self.position == position) & (self.row == row))[0]
        image, y, x = np.unravel_index(index, self.shape[:3])
        return Output(int(image), int(y), int(x), int(channel))

    def _block_of(self, instruction: int) -> int:
        for instructions in (self.req, self.merge):
            found = np.flatnonzero(instructions == instruction)
            if found.size:
                return int(found[0])
        (at,) = np.flatnonzero(self._macs == instruction)
        return int(self._keys[at]) // self._depth


def locate(program: Program, layer: int | str) -> Places:
    """Find where every output of a layer runs.

    Parameters
    ----------
    program
        A lowered program.
    layer
        Number or name of a layer with accumulators.

    Raises
    ------
    ProgramError
        There is no such layer, or the program does not compute it as lowering does: blocks of MACs, a MERGE where there
        are several, a REQ; every output written once, into its tensor or into a tile that STOREs copy there.
    """
    number = _number(program, layer)
    where = f"layer {program.layers[number].name!r}"
    reqs, block_of = _blocks(program, number, where)
    macs, keys, depth = _macs(program, number, block_of, where)
    writes = _Writes(program, reqs)
    symbol = program.symbol(program.layers[number].outputs[0])
    order = writes.by_element(program, number, symbol, where)
    shape = _shape(program, number)
    block, position, row = (part[order].reshape(-1, shape[3]) for part in (writes.block, writes.position, writes.row))
    merge = np.full(len(reqs), -1, np.int64)
    merges = _own(program, number, Merge)
    merge[block_of[merges]] = merges
    bias_last = bool(program.columns.field("add_bias")[reqs].any())
    starts, cols = program.columns.field("k_start"), program.hardware.timing.cols
    return Places(number, shape, block, position, row, reqs, merge, macs, keys, starts, cols, depth, bias_last)


def _number(program: Program, layer: int | str) -> int:
    names = [each.name for each in program.layers]
    if isinstance(layer, str) and layer in names:
        layer = names.index(layer)
    if isinstance(layer, str) or not 0 <= layer < len(names) or not program.layers[layer].channels:
        raise ProgramError("layer must be one with accumulators", got=layer, where=program.name)
    if not program.layers[layer].outputs:
        raise ProgramError("layer must name its output", where=f"layer {names[layer]!r}")
    return layer


def _shape(program: Program, number: int) -> tuple[int, int, int, int]:
    layer = program.layers[number]
    shape = layer.out_shapes[0]
    if layer.op == _FULLY_CONNECTED:
        return 1, 1, math.prod(shape[:-1]), shape[-1]
    images, height, width, channels = shape
    return images, height, width, channels


def _own(program: Program, number: int, *classes: type[Mac | Merge | Req | Store]) -> Ints:
    """Instructions of some classes that belong to a layer, ascending."""
    rows = np.sort(np.concatenate([program.columns.rows_of(cls) for cls in classes]))
    own: Ints = rows[program.layer_of[rows] == number]
    return own


def _blocks(program: Program, number: int, where: str) -> tuple[Ints, Ints]:
    """REQs of the layer, and per instruction of the program the block that a MAC or MERGE belongs to: int64 [n]."""
    half = program.columns.field("half")
    reqs, sums = _own(program, number, Req), _own(program, number, Mac, Merge)
    block_of = np.full(len(program), -1, np.int64)
    for side in (0, 1):
        mine, ends = sums[half[sums] == side], np.flatnonzero(half[reqs] == side)
        place = np.searchsorted(reqs[ends], mine)
        if place.size and place.max() == len(ends):
            raise ProgramError("every sum must be read by a REQ", where=where)
        block_of[mine] = ends[place]
    shapes = np.stack([program.columns.field(name) for name in ("rows", "positions", "row_base")])
    if (shapes[:, sums] != shapes[:, reqs[block_of[sums]]]).any():
        raise ProgramError("the instructions of a block must work on the same outputs", where=where)
    return reqs, block_of


def _macs(program: Program, number: int, block_of: Ints, where: str) -> tuple[Ints, Ints, int]:
    """MACs of the layer by block and first k, these as keys, and the length of the stream."""
    macs, field = _own(program, number, Mac), program.columns.field
    if not macs.size:
        raise ProgramError("layer must have MACs", where=where)
    depth = int((field("k_start") + field("k_count"))[macs].max())
    keys = block_of[macs] * depth + field("k_start")[macs]
    order = np.argsort(keys, kind="stable")
    return macs[order], keys[order], depth


class _Writes:
    """Everything that the REQs of a layer write, output by output: block, position, row, first byte."""

    def __init__(self, program: Program, reqs: Ints) -> None:
        table, self.reqs = program.columns.table(Req), reqs
        at = np.searchsorted(table.index, reqs)
        rows, positions = table.rows[at], table.positions[at]
        self.block, within = _spread(rows * positions)
        self.position, self.row = np.divmod(within, rows[self.block])
        of = at[self.block]
        grid_y, grid_x = np.divmod(table.ox_start[of] + self.position, table.out_w[of])
        pixel = table.out_addr[of] + grid_y * table.out_row_pitch[of] + grid_x * table.out_pitch[of]
        self.address = pixel + (self.row << table.out_wide[of])

    def by_element(self, program: Program, number: int, symbol: Symbol, where: str) -> Ints:
        """For every element of the output tensor the number of the write that makes it."""
        size = ITEM_BYTES[symbol.dtype]
        if symbol.memory == "ACT":
            write, target = np.arange(len(self.address)), self.address
        else:
            write, target = self._stored(program, number, size)
        element, rest = np.divmod(target - symbol.address, size)
        order = np.full(symbol.nbytes // size, -1, np.int64)
        inside = (rest == 0) & (element >= 0) & (element < len(order))
        order[element[inside]] = write[inside]
        if not inside.all() or (order < 0).any() or len(write) != len(order):
            raise ProgramError("every output must be written once", where=where)
        return order

    def _stored(self, program: Program, number: int, size: int) -> tuple[Ints, Ints]:
        """Writes that STOREs copy to DRAM, and the DRAM addresses of their copies."""
        source, target, store = _copies(program.columns.table(Store), _own(program, number, Store), size)
        count = len(program)
        keys = self.address * count + self.reqs[self.block]
        order = np.argsort(keys)
        last = np.searchsorted(keys[order], source * count + store) - 1
        write = order[np.maximum(last, 0)]
        known = (last >= 0) & (self.address[write] == source)
        return write[known], target[known]


def _copies(table: Table, stores: Ints, size: int) -> tuple[Ints, Ints, Ints]:
    """Scratchpad address, DRAM address and instruction of every element of `size` bytes that STOREs copy."""
    at = np.searchsorted(table.index, stores)
    run = table.row_bytes[at] // size
    owner, within = _spread(table.rows[at] * run)
    line, column = np.divmod(within, run[owner])
    of = at[owner]
    source = table.spad_addr[of] + line * table.spad_stride[of] + column * size
    target = table.dram_addr[of] + line * table.dram_stride[of] + column * size
    return source, target, stores[owner]


def _spread(counts: Ints) -> tuple[Ints, Ints]:
    """Owner of each of ``sum(counts)`` things, and its number among the owner's."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
