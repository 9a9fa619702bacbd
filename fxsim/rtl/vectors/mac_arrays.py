"""Arrays of a layer with MACs: its constants, and what the MAC engine does with them cycle by cycle."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import ProgramError
from fxsim.isa import ITEM_BYTES, Init, Mac, Merge, Req
from fxsim.numerics import bits_needed, scheme_of
from fxsim.rtl.vectors.arrays import VectorArray, table
from fxsim.sim import locate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fxsim.isa import Program
    from fxsim.rtl.vectors.constants import Constants
    from fxsim.sim import Issues, MacTrace, Places, ReadOuts

Ints = NDArray[np.int64]

NOTHING = -1
"""In tables: what an issue does not have."""

_AXES = {
    "CONV_2D": ("output channel", "kernel row", "kernel column", "input channel"),
    "DEPTHWISE_CONV_2D": ("1", "kernel row", "kernel column", "output channel"),
    "FULLY_CONNECTED": ("output channel", "input"),
}


def constant_arrays(program: Program, number: int, constants: Constants) -> list[VectorArray]:
    """Weights, biases, requantization words and tiles of layer `number`."""
    tiles = constants.tiles
    first = np.cumsum([0, *(len(tile.codes) for tile in tiles)])[:-1]
    columns = {
        "line": first.astype(np.int64),
        **{name: np.array([getattr(tile, name) for tile in tiles], np.int64)
           for name in ("channel", "rows", "k_start", "k_count", "w_zero")},
    }  # fmt: skip
    bits, signed = _weight_code(program, number)
    weights, axes = _model_weights(program, number, constants.weights)
    return [
        VectorArray("weights", "weight codes in the model's order", weights, axes, bits, signed),
        VectorArray("bias", "exact biases of the row file; under fold with the input's zero point",
                    constants.bias, ("channel",), _bias_bits(program, constants.bias)),
        *_words(program, number, constants.words),
        table("tiles", "weight tiles: place, output channels, interval of the stream, zero point", columns, "tile"),
        VectorArray("weight_tiles", "weight codes as streamed: a stream position per line, a row per lane",
                    np.concatenate([tile.codes for tile in tiles]), ("line", "row"), bits, signed, packed=True),
    ]  # fmt: skip


def engine_arrays(
    trace: MacTrace, number: int, constants: Constants, rule: Mapping[str, int | str]
) -> list[VectorArray]:
    """Issues and requantizer beats of layer `number`, which follows `rule`, by cycle."""
    program, issues, beats = trace.program, trace.issues, trace.beats
    blocks = _Blocks(program, locate(program, number))
    own = program.layer_of[issues.instruction] == number
    read = program.layer_of[beats.instruction] == number
    result = program.symbol(program.layers[number].outputs[0])
    columns = _issues(blocks, issues, own, constants)
    inner: list[VectorArray] = []
    cols = program.hardware.timing.cols
    if "inner_bits" in rule:
        columns |= _spills(blocks, issues, own)
        inner = _sums("inner_", issues.inner[own], issues.inner_events[own], int(rule["inner_bits"]), cols)
    register_bits = int(rule["internal_bits" if rule["overflow"] == "readout" else "acc_bits"])
    return [
        table("issues", "what the array sums, and where, by cycle", columns, "issue"),
        *inner,
        *_sums("", issues.values[own], issues.events[own], register_bits, cols),
        table("readouts", "beats of the requantizer, by cycle", _readouts(blocks, beats, read), "beat"),
        VectorArray("codes", "output codes of each beat; 0 in lanes without a row", beats.codes[read],
                    ("beat", "lane"), 8 * ITEM_BYTES[result.dtype], not result.dtype.startswith("u"), packed=True),
    ]  # fmt: skip


def _sums(prefix: str, values: Ints, events: Ints, bits: int, cols: int) -> list[VectorArray]:
    """Registers of `bits` and their events, [issues, rows], as arrays of names that begin with `prefix`."""
    axes, registers = ("issue", "row"), "inner registers" if prefix else "registers"
    return [
        VectorArray(f"{prefix}accumulators", f"{registers} of all rows after each issue; 0 where none is written",
                    values, axes, bits, packed=True),
        VectorArray(f"{prefix}overflow_events", "rule applications of an issue and row whose exact sum left the range",
                    events, axes, cols.bit_length(), signed=False, packed=True),
    ]  # fmt: skip


class _Blocks:
    """What instructions of a layer work on: places of their blocks in the output."""

    def __init__(self, program: Program, places: Places) -> None:
        self.program, self._req = program, places.req
        first = np.flatnonzero(places.row.reshape(-1) == 0)
        block, position = (part.reshape(-1)[first] for part in (places.block, places.position))
        pixel, self._pixels = first // places.shape[3], np.full((len(places.req), position.max() + 1), NOTHING)
        self._pixels[block, position] = pixel

    def field(self, name: str, instruction: Ints) -> Ints:
        """A field of each instruction."""
        return self.program.columns.field(name)[instruction]

    def pixels(self, instruction: Ints, position: Ints) -> Ints:
        """Number of the output pixel at a position of each instruction's block, rows and images in C order."""
        half, block = self.field("half", self._req), np.zeros(len(instruction), np.int64)
        for side in (0, 1):
            mine, reqs = self.field("half", instruction) == side, np.flatnonzero(half == side)
            block[mine] = reqs[np.searchsorted(self._req[reqs], instruction[mine])]
        return self._pixels[block, position]


def _issues(blocks: _Blocks, issues: Issues, own: NDArray[np.bool_], constants: Constants) -> dict[str, Ints]:
    instruction, group = issues.instruction[own], issues.group[own]
    merge = blocks.program.columns.opcode[instruction] == Merge.opcode
    cols, first = blocks.program.hardware.timing.cols, issues.group[own] * blocks.program.hardware.timing.cols
    left = blocks.field("k_count", instruction) - first
    source = issues.slot[own] + (group + 1) * blocks.field("positions", instruction)
    tile = np.array([constants.tile_of.get(i, NOTHING) for i in instruction.tolist()], np.int64)
    return {
        "cycle": issues.cycle[own],
        "commit": issues.commit[own],
        "instruction": instruction,
        "group": group,
        "position": issues.position[own],
        "half": issues.half[own],
        "slot": issues.slot[own],
        "init": np.where((group > 0) | merge, Init.KEEP, blocks.field("init", instruction)),
        "tile": tile,
        "k": np.where(merge, NOTHING, blocks.field("k_start", instruction) + first),
        "k_count": np.where(merge, NOTHING, np.minimum(left, cols)),
        "merged_slot": np.where(merge, source, NOTHING),
        "channel": blocks.field("row_base", instruction),
        "rows": blocks.field("rows", instruction),
        "pixel": blocks.pixels(instruction, issues.position[own]),
    }


def _spills(blocks: _Blocks, issues: Issues, own: NDArray[np.bool_]) -> dict[str, Ints]:
    """What the inner accumulator of an issue starts from, and whether it spills; the outer one keeps from then on."""
    instruction, group = issues.instruction[own], issues.group[own]
    merge = blocks.program.columns.opcode[instruction] == Merge.opcode
    size = np.maximum(blocks.field("inner_groups", instruction), 1)
    begins = np.where(group % size == 0, Init.ZERO, Init.KEEP)
    first = ~merge & (group < size)
    return {
        "init": np.where(first, blocks.field("init", instruction), Init.KEEP),
        "inner_init": np.where(merge, NOTHING, begins),
        "spills": np.where(merge, NOTHING, issues.stores[own]),
    }


def _readouts(blocks: _Blocks, beats: ReadOuts, own: NDArray[np.bool_]) -> dict[str, Ints]:
    instruction, position, row = beats.instruction[own], beats.position[own], beats.row[own]
    return {
        "cycle": beats.cycle[own],
        "commit": beats.commit[own],
        "instruction": instruction,
        "position": position,
        "half": blocks.field("half", instruction),
        "slot": blocks.field("slot", instruction) + position,
        "row": row,
        "count": beats.count[own],
        "channel": blocks.field("row_base", instruction) + row,
        "pixel": blocks.pixels(instruction, position),
        "address": beats.address[own],
    }


def _bias_bits(program: Program, bias: Ints) -> int:
    """Width of the bias storage; a layer's own may be wider than the hardware's."""
    needed = bits_needed(int(bias.min()), int(bias.max()))
    return min(bits for bits in (32, 48, 64) if bits >= max(needed, program.hardware.numerics.bias_bits))


def _words(program: Program, number: int, words: Ints) -> list[VectorArray]:
    """Requantization words by channel, split into what the layer's scheme reads."""
    table = program.columns.table(Req)
    scheme = scheme_of(int(table.scheme[program.layer_of[table.index] == number][0]))
    if not scheme.synthesizable:
        meaning = "requantizer factors of the row file, bits of binary64 numbers"
        return [VectorArray("factors", meaning, words, ("channel",), 64, signed=False)]
    data = words.astype("<i8").view(np.dtype([("multiplier", "<i4"), ("shift", "i1"), ("rest", "V3")]))
    return [
        VectorArray(f"{name}s", f"requantizer {name}s of the row file", data[name].astype(np.int64), ("channel",), bits)
        for name, bits in (("multiplier", 32), ("shift", 8))
    ]


def _weight_code(program: Program, number: int) -> tuple[int, bool]:
    """Bits of a stored weight code, and whether it is signed."""
    macs = program.columns.table(Mac)
    at = np.flatnonzero(program.layer_of[macs.index] == number)[0]
    return 8 << int(macs.w_wide[at]), bool(macs.w_signed[at])


def _model_weights(program: Program, number: int, weights: Ints) -> tuple[Ints, tuple[str, ...]]:
    """Weights [channels, K] in the model's shape, and its axes."""
    layer = program.layers[number]
    shape = layer.in_shapes[1] if len(layer.in_shapes) > 1 else ()
    if layer.op == "DEPTHWISE_CONV_2D":
        weights = weights.T
    if math.prod(shape) != weights.size:
        raise ProgramError(f"weights must have {weights.size} codes", got=shape, where=f"layer {layer.name!r}")
    return np.ascontiguousarray(weights).reshape(shape), _AXES[layer.op]
