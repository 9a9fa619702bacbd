"""Lowering of the MAC operators: constants, the loop nest over tiles, and its instructions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fxsim._core.errors import LoweringError, QuantizationError
from fxsim.isa import RECORD_BYTES, Init, Instruction, Mac, Merge, Order, Req, Space, ZeroPoint
from fxsim.lowering.allocate import Request, allocate
from fxsim.lowering.mac_stream import Stream, make_stream, pack_records, pack_weights, weight_zero
from fxsim.lowering.mac_tiling import MacTiling, choose_tiling
from fxsim.lowering.tiling import Span, load
from fxsim.lowering.windows import Area, Region, all_taps, areas, first_tap, load_region, region, store_area
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
    try:
        params = mac_params(site.net, site.node, site.hardware.numerics)
    except QuantizationError as error:
        raise LoweringError(str(error), where=site.where) from None
    weight_bytes = site.net.values[site.node.inputs[1]].type.dtype.numpy.itemsize
    x_code, out_code = site.source.dtype.numpy.itemsize, site.result.dtype.numpy.itemsize
    stream = make_stream(params, site.hardware, weight_bytes, site.where)
    tiling = choose_tiling(stream, site.hardware.timing, (x_code, out_code), site.where)
    weights, records = site.constants.add(pack_weights(params, stream)), site.constants.add(pack_records(params))
    layer = MacLayer(site, params, stream, tiling, weights, records, x_code, out_code)
    return layer.emit


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
    """One output tile: an area, and the output channels of a chunk of row tiles; `inputs` is what both read."""

    area: Area
    row_tiles: Span
    outputs: Span
    inputs: Region


@dataclass(frozen=True, slots=True)
class _Block:
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
        buffers = allocate([Request(self.tiling.x_bytes, 0, 0), Request(self.tiling.out_bytes, 0, 0)])
        self.x_addr, self.out_addr = buffers.addresses
        self.half = 1
        self.row_file: list[int | None] = [None, None]
        self.held: dict[Space, object] = {}
        self.mac_fields, self.req_fields, self.merge_fields = _common_fields(layer)

    def output_tile(self, row_tiles: Span, area: Area) -> Iterator[Instruction]:
        """All instructions of one area and one chunk of row tiles, the STOREs of their outputs included."""
        outputs = self.stream.row_channels(row_tiles.start, row_tiles.size)
        taps = all_taps(self.window, self.stream.input_channels(outputs))
        tile = _Tile(area, row_tiles, outputs, region(self.window, area, taps))
        records = self.layer.records + outputs.start * RECORD_BYTES
        yield from self._load(Space.PARAM, records, outputs.size * RECORD_BYTES)
        if self.tiling.weights_resident:
            start = self.layer.weights + row_tiles.start * self.stream.tile_bytes
            yield from self._load(Space.WEIGHT, start, row_tiles.size * self.stream.tile_bytes)
        if self.tiling.x_resident:
            yield from self._load_x(tile.inputs)
        for block in self._blocks(tile):
            yield from self._block(block)
        code = self.layer.out_code
        yield from store_area(self.window, area, outputs, self.stream.channels * code, code, self.target, self.out_addr)

    def _blocks(self, tile: _Tile) -> Iterator[_Block]:
        """Row tiles outside, positions inside; bank halves alternate."""
        total, width = tile.area.positions, tile.area.cols.size
        for row_tile in range(*tile.row_tiles):
            outputs = self.stream.row_channels(row_tile, 1)
            zero = weight_zero(self.layer.params, outputs, self.layer.site.where)
            for first in range(0, total, self.tiling.block):
                self.half = 1 - self.half
                positions = min(self.tiling.block, total - first)
                yield _Block(tile, row_tile, outputs, zero, self.half, positions, *divmod(first, width))

    def _block(self, block: _Block) -> Iterator[Instruction]:
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

    def _mac(self, block: _Block, part: int, number: int, loaded: Region) -> Mac:
        intervals = self.tiling.intervals[part]
        interval, first = intervals[number], part == 0 and number == 0
        fresh = first and self.row_file[block.half] != block.row_tile
        if fresh:
            self.row_file[block.half] = block.row_tile
        tile_row = block.row_tile - block.tile.row_tiles.start
        w_addr = tile_row * self.stream.tile_bytes + self.stream.offset(part, interval.start)
        iy0, ix0 = first_tap(self.window, block.tile.area, loaded)
        return Mac(
            first=int(first),
            last=int(len(self.stream.parts) == 1 and number == len(intervals) - 1),
            load_params=int(fresh),
            init=_init(part, number),
            half=block.half,
            rows=block.outputs.size,
            positions=block.positions,
            slot=part * block.positions,
            x_addr=self.x_addr,
            w_addr=w_addr if self.tiling.weights_resident else 0,
            p_addr=tile_row * self.stream.rows * RECORD_BYTES if fresh else 0,
            pixel_pitch=loaded.channels.size * self.layer.x_code,
            tile_h=max(1, loaded.rows.size),
            tile_w=max(1, loaded.cols.size),
            iy0=iy0 + block.row * self.window.stride_h,
            ix0=ix0,
            ox_start=block.column,
            out_w=block.tile.area.cols.size,
            k_start=interval.start,
            k_count=interval.size,
            channel_base=loaded.channels.start,
            row_base=block.outputs.start,
            w_zero=block.weight_zero,
            **self.mac_fields,
        )

    def _req(self, block: _Block) -> Req:
        pitch = block.tile.outputs.size * self.layer.out_code
        row_pitch = pitch * block.tile.area.cols.size
        channel = (block.outputs.start - block.tile.outputs.start) * self.layer.out_code
        return Req(
            half=block.half,
            rows=block.outputs.size,
            positions=block.positions,
            out_pitch=pitch,
            out_addr=self.out_addr + block.row * row_pitch + channel,
            out_row_pitch=row_pitch,
            ox_start=block.column,
            out_w=block.tile.area.cols.size,
            row_base=block.outputs.start,
            **self.req_fields,
        )

    def _load(self, space: Space, start: int, size: int) -> Iterator[Instruction]:
        """LOAD constants to address 0 of `space`, unless they are there."""
        if self._replace(space, start):
            yield from load(space, start, 0, size)

    def _load_x(self, wanted: Region) -> Iterator[Instruction]:
        if self._replace(Space.ACT, wanted):
            yield from load_region(self.window, wanted, self.layer.x_code, self.source, self.x_addr)

    def _replace(self, space: Space, content: object) -> bool:
        """Whether `space` must be loaded to hold `content`, which it does from now on."""
        if self.held.get(space) == content:
            return False
        self.held[space] = content
        return True


def _init(part: int, number: int) -> Init:
    if number:
        return Init.KEEP
    return Init.ZERO if part else Init.BIAS


def _common_fields(layer: MacLayer) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Fields that are the same in every MAC, REQ and MERGE of the layer."""
    numerics, params, window = layer.site.hardware.numerics, layer.params, layer.params.window
    rule = {"overflow": Overflow[numerics.overflow.upper()], "acc_bits": numerics.acc_bits}
    register = {**rule, "internal_bits": numerics.acc_internal_bits}
    source, weights = layer.site.source, layer.site.net.values[layer.site.node.inputs[1]].type
    mac = {
        **register,
        "private_x": int(params.depthwise),
        "reduction": Reduction[numerics.reduction.upper()],
        "zero_point": ZeroPoint[numerics.zero_point.upper()],
        "order": Order[numerics.order.upper()],
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
        **rule,
        "scheme": params.scheme.code,
        "slot": 0,
        "out_zero": params.out_zero,
        "clamp_lo": params.clamp_lo,
        "clamp_hi": params.clamp_hi,
        "out_wide": int(layer.out_code == 2),
    }
    parts = layer.stream.parts
    merge = {**register, "slot": 0, "parts": len(parts), "k_start": parts[1].start if len(parts) > 1 else 0}
    return mac, req, merge
