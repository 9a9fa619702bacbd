"""Lowering of the MAC operators: constants, the loop nest over tiles, and its instructions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from fxsim._core.errors import LoweringError, QuantizationError
from fxsim.isa import RECORD_BYTES, Init, Instruction, Mac, Merge, Order, Req, Space, ZeroPoint, inner_fields
from fxsim.lowering.mac_choice import Option, mac_options
from fxsim.lowering.mac_stream import Stream, make_stream, pack_records, pack_weights, weight_zero
from fxsim.lowering.mac_tiling import MacTiling, Place
from fxsim.lowering.tiling import Span, load
from fxsim.lowering.windows import (
    PIECE_BYTES,
    Area,
    Region,
    all_taps,
    areas,
    first_tap,
    load_pieces,
    region,
    store_area,
    sub_area,
)
from fxsim.numerics import Overflow, Reduction
from fxsim.ops import MacParams, mac_params

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.lowering.base import Emit, Site


def prepare_mac(site: Site) -> Emit:
    """Lower one CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED node.

    Raises
    ------
    HardwareError
        A scratchpad or the accumulator bank cannot hold the smallest tile.
    LoweringError
        The layer's numbers do not fit the hardware's (`fxsim.ops.mac_params`), or it needs too many instructions.
    """
    params = _params(site)
    stream = _stream(site, params)
    tiling = _options(site, stream)[0].tiling
    weights, records = site.constants.add(pack_weights(params, stream)), site.constants.add(pack_records(params))
    x_code, out_code = site.source.dtype.numpy.itemsize, site.result.dtype.numpy.itemsize
    layer = MacLayer(site, params, stream, tiling, weights, records, x_code, out_code)
    return layer.emit


def mac_site_options(site: Site) -> list[Option]:
    """The ways to run a MAC node, the one that `prepare_mac` takes first; errors as there."""
    return _options(site, _stream(site, _params(site)))


def _params(site: Site) -> MacParams:
    try:
        return mac_params(site.net, site.node, site.hardware.numerics)
    except QuantizationError as error:
        raise LoweringError(str(error), where=site.where) from None


def _stream(site: Site, params: MacParams) -> Stream:
    weight_bytes = site.net.values[site.node.inputs[1]].type.dtype.numpy.itemsize
    return make_stream(params, site.hardware, weight_bytes, site.where)


def _options(site: Site, stream: Stream) -> list[Option]:
    x_code, out_code = site.source.dtype.numpy.itemsize, site.result.dtype.numpy.itemsize
    homes = site.homes
    place = Place(homes.room.size, x_code, out_code, homes.operands[0] is not None, homes.result is not None)
    return mac_options(stream, site.hardware, place, site.where)


@dataclass(frozen=True, slots=True)
class MacLayer:
    """A tiled MAC layer; `weights` and `records` are DRAM addresses."""

    site: Site
    params: MacParams
    stream: Stream
    tiling: MacTiling
    weights: int
    records: int
    x_code: int
    out_code: int

    def emit(self, operands: tuple[int, ...], target: int) -> Iterator[Instruction]:
        """Instructions of the layer, for its operands and output tensor at these DRAM addresses."""
        nest = _Nest(self, operands[0], target)
        chunks = self.tiling.chunks(self.stream)
        places = list(areas(self.stream.window, self.tiling.height, self.tiling.width))
        if self.tiling.chunk_outer:
            order = ((chunk, area) for chunk in chunks for area in places)
        else:
            order = ((chunk, area) for area in places for chunk in chunks)
        for chunk, area in order:
            yield from nest.output_tile(chunk, area)


@dataclass(frozen=True, slots=True)
class _Tile:
    """One output tile: an area, and the output channels of a chunk of row tiles.

    `inputs` is what both read; `image` is the address and extent of the area's whole image if the input lives in the
    scratchpad.
    """

    area: Area
    row_tiles: Span
    outputs: Span
    inputs: Region
    image: tuple[int, Region] | None


class _Block(NamedTuple):
    """Some positions of an output tile, from `row` and `column` of its area on, for one row tile."""

    tile: _Tile
    row_tile: int
    outputs: Span
    weight_zero: int
    half: int
    positions: int
    row: int
    column: int


class _Nest:
    """The loop nest below one output tile, and what the scratchpads and row files hold at every point of it."""

    def __init__(self, layer: MacLayer, source: int, target: int) -> None:
        self.layer, self.source, self.target = layer, source, target
        self.stream, self.tiling, self.window = layer.stream, layer.tiling, layer.stream.window
        self.homes, self.buffers = layer.site.homes, layer.site.buffers
        self.x_tiles = layer.site.tiles(self.tiling.x_bytes, self.tiling.x_buffers, 0)
        behind = self.tiling.x_bytes * self.tiling.x_buffers
        self.out_tiles = layer.site.tiles(self.tiling.out_bytes, self.tiling.out_buffers, behind)
        self.half = 1
        self.row_file: list[int | None] = [None, None]
        self.held: dict[Space, object] = {}
        self.at: dict[Space, int] = {}
        self.rows_loaded: set[int] = set()
        self.weight_zeros = [
            weight_zero(layer.params, self.stream.row_channels(row_tile, 1), layer.site.where)
            for row_tile in range(self.stream.row_tiles)
        ]
        self.stored = 0
        self.mac_fields, self.req_fields, self.merge_fields = _common_fields(layer)

    def output_tile(self, row_tiles: Span, area: Area) -> Iterator[Instruction]:
        """All instructions of one area and one chunk of row tiles, the STOREs of their outputs included."""
        outputs = self.stream.row_channels(row_tiles.start, row_tiles.size)
        taps = all_taps(self.window, self.stream.input_channels(outputs))
        tile = _Tile(area, row_tiles, outputs, region(self.window, area, taps), self._image(area.image))
        yield from self._load_constants(tile)
        self.out_tiles.rotate()
        self.stored = 0
        for block in self._blocks(tile):
            yield from self._block(block)
            if self.homes.result is None and block.row_tile == row_tiles.stop - 1:
                yield from self._store(tile, block)

    def _store(self, tile: _Tile, block: _Block) -> Iterator[Instruction]:
        """STORE the positions of a tile that are complete after `block` of its last row tile, once they are a piece."""
        area, code, width = tile.area, self.layer.out_code, tile.area.cols.size
        done = block.row * width + block.column + block.positions
        if area.rows.size > 1:
            done -= done % width
        pitch = tile.outputs.size * code
        if done == self.stored or (done < area.positions and (done - self.stored) * pitch < PIECE_BYTES):
            return
        part, address = sub_area(area, Span(self.stored, done)), self.out_tiles[0] + self.stored * pitch
        self.stored = done
        yield from store_area(self.window, part, tile.outputs, self.stream.channels * code, code, self.target, address)

    def _load_constants(self, tile: _Tile) -> Iterator[Instruction]:
        """LOAD the records of a chunk of row tiles; its weights follow row tile by row tile."""
        size = tile.outputs.size * RECORD_BYTES
        yield from self._load(Space.PARAM, self.layer.records + tile.outputs.start * RECORD_BYTES, size)
        if self.tiling.weights_resident and self._replace(Space.WEIGHT, tile.row_tiles):
            self.at[Space.WEIGHT] = self.buffers.take(Space.WEIGHT, tile.row_tiles.size * self.stream.tile_bytes)
            self.rows_loaded = set()

    def _blocks(self, tile: _Tile) -> Iterator[_Block]:
        """Row tiles outside, positions inside; bank halves alternate."""
        width = tile.area.cols.size
        spans = list(self.tiling.blocks(tile.area.positions, width))
        for row_tile in range(*tile.row_tiles):
            outputs = self.stream.row_channels(row_tile, 1)
            zero = self.weight_zeros[row_tile]
            for start, stop in spans:
                self.half = 1 - self.half
                yield _Block(tile, row_tile, outputs, zero, self.half, stop - start, *divmod(start, width))

    def _block(self, block: _Block) -> Iterator[Instruction]:
        if self.tiling.weights_resident:
            yield from self._load_row_tile(block)
        if self.tiling.x_resident:
            yield from self._load_x(block.tile.inputs)
        for part, intervals in enumerate(self.tiling.intervals):
            for number, interval in enumerate(intervals):
                loaded = block.tile.inputs
                if not self.tiling.weights_resident:
                    start = self.layer.weights + block.row_tile * self.stream.tile_bytes
                    size = self.stream.stored(interval.size) * self.stream.position_bytes
                    yield from self._load(Space.WEIGHT, start + self.stream.offset(part, interval.start), size)
                if not self.tiling.x_resident:
                    loaded = region(self.window, block.tile.area, self.stream.taps(interval, block.outputs))
                    yield from self._load_x(loaded)
                yield self._mac(block, part, number, loaded)
        if len(self.stream.parts) > 1:
            yield Merge(
                last=1,
                half=block.half,
                rows=block.outputs.size,
                positions=block.positions,
                row_base=block.outputs.start,
                **self.merge_fields,
            )
        yield self._req(block)

    def _load_row_tile(self, block: _Block) -> Iterator[Instruction]:
        """LOAD the weights of one row tile of the chunk just before their first use."""
        if block.row_tile in self.rows_loaded:
            return
        self.rows_loaded.add(block.row_tile)
        size = self.stream.tile_bytes
        place = self.at[Space.WEIGHT] + (block.row_tile - block.tile.row_tiles.start) * size
        yield from load(Space.WEIGHT, self.layer.weights + block.row_tile * size, place, size)

    def _mac(self, block: _Block, part: int, number: int, loaded: Region) -> Mac:
        intervals = self.tiling.intervals[part]
        interval, first = intervals[number], part == 0 and number == 0
        fresh = first and self.row_file[block.half] != block.row_tile
        if fresh:
            self.row_file[block.half] = block.row_tile
        tile_row = block.row_tile - block.tile.row_tiles.start
        offset = tile_row * self.stream.tile_bytes + self.stream.offset(part, interval.start)
        x_addr, tile = block.tile.image or (self.x_tiles[0], loaded)
        iy0, ix0 = first_tap(self.window, block.tile.area, tile)
        return Mac(
            first=int(first),
            last=int(len(self.stream.parts) == 1 and number == len(intervals) - 1),
            load_params=int(fresh),
            init=self._init(part, number),
            half=block.half,
            rows=block.outputs.size,
            positions=block.positions,
            slot=part * block.positions,
            x_addr=x_addr,
            w_addr=self.at[Space.WEIGHT] + (offset if self.tiling.weights_resident else 0),
            p_addr=self.at[Space.PARAM] + tile_row * self.stream.rows * RECORD_BYTES if fresh else 0,
            pixel_pitch=tile.channels.size * self.layer.x_code,
            tile_h=max(1, tile.rows.size),
            tile_w=max(1, tile.cols.size),
            iy0=iy0 + block.row * self.window.stride_h,
            ix0=ix0,
            ox_start=block.column,
            out_w=block.tile.area.cols.size,
            k_start=interval.start,
            k_count=interval.size,
            channel_base=tile.channels.start,
            row_base=block.outputs.start,
            w_zero=block.weight_zero,
            **self.mac_fields,
        )

    def _init(self, part: int, number: int) -> Init:
        if number:
            return Init.KEEP
        bias_first = self.layer.site.hardware.numerics.bias_order == "first"
        return Init.BIAS if part == 0 and bias_first else Init.ZERO

    def _image(self, image: int) -> tuple[int, Region] | None:
        """Address and extent of a whole image of an input that lives in the scratchpad."""
        w, home = self.window, self.homes.operands[0]
        if home is None:
            return None
        whole = Region(image, Span(0, w.in_h), Span(0, w.in_w), Span(0, w.channels))
        return home + image * whole.elements * self.layer.x_code, whole

    def _req(self, block: _Block) -> Req:
        area, home = block.tile.area, self.homes.result
        tile = block.tile.outputs if home is None else Span(0, self.stream.channels)
        pitch = tile.size * self.layer.out_code
        row_pitch = pitch * (area.cols.size if home is None else self.window.out_w)
        start = self.out_tiles[0] if home is None else home + self._pixel(area) * pitch
        return Req(
            half=block.half,
            rows=block.outputs.size,
            positions=block.positions,
            out_pitch=pitch,
            out_addr=start + block.row * row_pitch + (block.outputs.start - tile.start) * self.layer.out_code,
            out_row_pitch=row_pitch,
            ox_start=block.column,
            out_w=area.cols.size,
            row_base=block.outputs.start,
            **self.req_fields,
        )

    def _pixel(self, area: Area) -> int:
        """Number of the first pixel of an area in the output."""
        return (area.image * self.window.out_h + area.rows.start) * self.window.out_w + area.cols.start

    def _load(self, space: Space, start: int, size: int) -> Iterator[Instruction]:
        """LOAD constants to the next buffer of `space`, unless they are there."""
        if self._replace(space, start):
            self.at[space] = self.buffers.take(space, size)
            yield from load(space, start, self.at[space], size)

    def _load_x(self, wanted: Region) -> Iterator[Instruction]:
        if self.homes.operands[0] is None and self._replace(Space.ACT, wanted):
            self.x_tiles.rotate()
            yield from load_pieces(self.window, wanted, self.layer.x_code, self.source, self.x_tiles[0])

    def _replace(self, space: Space, content: object) -> bool:
        """Whether `space` must be loaded to hold `content`, which it does from now on."""
        if self.held.get(space) == content:
            return False
        self.held[space] = content
        return True


def _common_fields(layer: MacLayer) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Fields that are the same in every MAC, REQ and MERGE of the layer."""
    numerics, params, window = layer.site.hardware.numerics, layer.params, layer.params.window
    register = {
        "overflow": Overflow[numerics.overflow.upper()],
        "acc_bits": numerics.acc_bits,
        "internal_bits": numerics.acc_internal_bits,
    }
    source, weights = layer.site.source, layer.site.net.values[layer.site.node.inputs[1]].type
    mac = {
        **register,
        "private_x": int(params.depthwise),
        "reduction": Reduction[numerics.reduction.upper()],
        "zero_point": ZeroPoint[numerics.zero_point.upper()],
        "order": Order[numerics.order.upper()],
        **inner_fields(numerics, layer.stream.cols),
        "stride_y": window.stride_h,
        "stride_x": window.stride_w,
        "dil_y": window.dilation_h,
        "dil_x": window.dilation_w,
        "kh": window.kh,
        "kw": window.kw,
        "channels": 1 if params.depthwise else window.channels,
        "depth_mult": max(1, window.depth_mult),
        "x_zero": params.x_zero,
        "x_signed": int(source.dtype.lo < 0),
        "w_signed": int(weights.dtype.lo < 0),
        "x_wide": int(layer.x_code == 2),
        "w_wide": int(layer.stream.weight_bytes == 2),
    }
    req = {
        **register,
        "add_bias": int(numerics.bias_order == "last"),
        "scheme": params.scheme.code,
        "multiplier_cut": 32 - numerics.multiplier_bits,
        "one_word": int(numerics.multipliers == "tensor"),
        "slot": 0,
        "out_zero": params.out_zero,
        "clamp_lo": params.clamp_lo,
        "clamp_hi": params.clamp_hi,
        "out_wide": int(layer.out_code == 2),
    }
    parts = layer.stream.parts
    merge = {**register, "slot": 0, "parts": len(parts), "k_start": parts[1].start if len(parts) > 1 else 0}
    return mac, req, merge
