"""Weights, biases and requantization words of a MAC layer, as its program's LOADs and MACs move them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import ProgramError
from fxsim.isa import RECORD_BYTES, Load, Mac, Order, Space

if TYPE_CHECKING:
    from fxsim.isa import Program, Table

Ints = NDArray[np.int64]


class Tile(NamedTuple):
    """What one MAC reads: first output channel, active rows, K interval, weight zero point; codes [k padded, rows]."""

    channel: int
    rows: int
    k_start: int
    k_count: int
    w_zero: int
    codes: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Constants:
    """Constants of one layer.

    Attributes
    ----------
    tiles
        In the order of their first use.
    tile_of
        Instruction number of every MAC of the layer → number of its tile.
    weights : int64 [channels, K]
        Codes in canonical order: (ky, kx, channel), channel fastest.
    bias : int64 [channels]
        As loaded into the row file.
    words : int64 [channels]
        Requantization words.
    """

    tiles: tuple[Tile, ...]
    tile_of: dict[int, int]
    weights: Ints
    bias: Ints
    words: Ints


def layer_constants(program: Program, number: int) -> Constants:
    """Collect the constants of layer `number`, whose instructions contain MACs.

    Raises
    ------
    ProgramError
        A weight or a record of the layer is never loaded, or two differ for the same place.
    """
    macs = program.columns.table(Mac)
    own = np.flatnonzero(program.layer_of[macs.index] == number)
    walk = _Walk(program, macs, number)
    moments = [(int(macs.index[at]), int(at), True) for at in own]
    loads = program.columns.table(Load)
    constant = np.flatnonzero((loads.space != Space.ACT) & (loads.index < macs.index[own[-1]]))
    moments += [(int(loads.index[at]), int(at), False) for at in constant]
    for _, at, is_mac in sorted(moments):
        if is_mac:
            walk.mac(at)
        else:
            walk.load(loads, at)
    return walk.constants()


class _Walk:
    """The weight and parameter scratchpads while the layer runs, and what its MACs have taken from them."""

    def __init__(self, program: Program, macs: Table, number: int) -> None:
        layer, timing = program.layers[number], program.hardware.timing
        self._macs, self._where = macs, f"layer {layer.name!r}"
        self._rows, self._cols = timing.rows, timing.cols
        self._source = np.frombuffer(program.constants, np.uint8)
        self._spads = {
            Space.WEIGHT: np.zeros(timing.weight_spad_bytes, np.uint8),
            Space.PARAM: np.zeros(timing.param_spad_bytes, np.uint8),
        }
        self._tiles: dict[tuple[int | bytes, ...], int] = {}
        self._found: list[Tile] = []
        self._tile_of: dict[int, int] = {}
        at = int(np.flatnonzero(program.layer_of[macs.index] == number)[0])
        depth = int(macs.kh[at] * macs.kw[at] * macs.channels[at])
        self._weights = _Table((layer.channels, depth), self._where)
        self._records = _Table((layer.channels, 2), self._where)

    def load(self, loads: Table, at: int) -> None:
        """Copy one LOAD's rows."""
        into, size = self._spads[Space(int(loads.space[at]))], int(loads.row_bytes[at])
        for row in range(int(loads.rows[at])):
            source = int(loads.dram_addr[at] + row * loads.dram_stride[at])
            target = int(loads.spad_addr[at] + row * loads.spad_stride[at])
            into[target : target + size] = self._source[source : source + size]

    def mac(self, at: int) -> None:
        """Take one MAC's tile and, where it loads its row file, its records."""
        f = {name: int(column[at]) for name, column in self._macs.fields.items()}
        channels = slice(f["row_base"], f["row_base"] + f["rows"])
        if f["load_params"]:
            data = self._spads[Space.PARAM][f["p_addr"] : f["p_addr"] + f["rows"] * RECORD_BYTES]
            self._records.put((channels, slice(None)), data.view("<i8").reshape(-1, 2))
        codes = self._codes(f)
        tile = Tile(f["row_base"], f["rows"], f["k_start"], f["k_count"], f["w_zero"], codes)
        self._tile_of[int(self._macs.index[at])] = self._number(tile)
        stream = np.arange(f["k_start"], f["k_start"] + f["k_count"])
        if f["order"] == Order.REVERSED:
            stream = f["kh"] * f["kw"] * f["channels"] - 1 - stream
        self._weights.put((channels, stream), codes[: f["k_count"], : f["rows"]].T)

    def _codes(self, f: dict[str, int]) -> Ints:
        lines, size = -(-f["k_count"] // self._cols) * self._cols, 1 + f["w_wide"]
        data = self._spads[Space.WEIGHT][f["w_addr"] : f["w_addr"] + lines * self._rows * size]
        codes = data.view(f"<{'i' if f['w_signed'] else 'u'}{size}").astype(np.int64)
        return codes.reshape(lines, self._rows)

    def _number(self, tile: Tile) -> int:
        number = self._tiles.setdefault((*tile[:-1], tile.codes.tobytes()), len(self._found))
        if number == len(self._found):
            self._found.append(tile)
        return number

    def constants(self) -> Constants:
        """What was found, all of it."""
        records = self._records.whole()
        weights = self._weights.whole()
        return Constants(tuple(self._found), self._tile_of, weights, records[:, 0].copy(), records[:, 1].copy())


class _Table:
    """An array that is filled piece by piece and says the same wherever it is filled twice."""

    def __init__(self, shape: tuple[int, int], where: str) -> None:
        self._values, self._known, self._where = np.zeros(shape, np.int64), np.zeros(shape, bool), where

    def put(self, place: tuple[slice, slice | Ints], values: Ints) -> None:
        known = self._known[place]
        if (self._values[place][known] != values[known]).any():
            raise ProgramError("a channel's weights and records must be the same in all its tiles", where=self._where)
        self._values[place], self._known[place] = values, True

    def whole(self) -> Ints:
        if not self._known.all():
            raise ProgramError("MACs must load weights and records of every channel", where=self._where)
        return self._values
