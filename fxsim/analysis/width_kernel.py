"""MAC layers as `fxsim.kernels.sweep_widths` takes them: padded operands, groups, weights, in int32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim.kernels import EXACT_LIMIT, LANES, TILE, SweepCounts, SweepLayer, lanes_of, sweep_geometry, sweep_widths
from fxsim.numerics import Overflow, SchemeCode

if TYPE_CHECKING:
    from fxsim.hw import Numerics
    from fxsim.ops import MacParams

Array = NDArray[np.generic]
Ints = NDArray[np.int64]
Words = NDArray[np.int32]

_INTERNAL_BITS = 31
_WIDEST = 32
_SHIFTS = (-31, 30)
_MOST_POSITIONS = 64
_SUM_WORDS = 1 << 17
"""Group sums of a block stay inside the second-level cache."""


def fits_kernel(params: MacParams, numerics: Numerics, modes: tuple[str, ...], widths: tuple[int, ...]) -> bool:
    """Whether the kernel is exact for a layer: its sums are small for any operands, so are the widths."""
    if widths[-1] > _WIDEST or ("readout" in modes and numerics.acc_internal_bits < _INTERNAL_BITS):
        return False
    least, greatest = _operand_range(params)
    shift = params.requant.shift
    if params.scheme.code == SchemeCode.TFL_DOUBLE and not (_SHIFTS[0] <= shift.min() <= shift.max() <= _SHIFTS[1]):
        return False
    reach = np.abs(params.stream).sum(axis=0) * max(abs(least), abs(greatest)) + np.abs(params.initial)
    return bool((reach < EXACT_LIMIT).all())


def _operand_range(params: MacParams) -> tuple[int, int]:
    """Least and greatest x that can enter a PE: a code or the padding."""
    zero = 0 if params.fold else params.x_zero
    return min(params.x_lo, params.x_zero) - zero, max(params.x_hi, params.x_zero) - zero


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The constants of one layer; see `SweepLayer`."""

    params: MacParams
    offsets: Ints
    weights: Words
    ends: Ints
    parts: Ints
    bias_last: bool
    initial: Words
    last: Words
    least: Words
    greatest: Words
    scales: Words
    plain: Ints
    real: NDArray[np.float64]
    block: int
    extent: tuple[int, int, int]
    """Rows, columns and channels of a padded image."""

    def run(self, ifm: Array, modes: Ints, widths: Ints, emit: tuple[int, int] = (-1, -1)) -> SweepCounts:
        """Counters of `ifm` (S, ...) under every mode and width, codes of configuration `emit` or the exact ones."""
        g, channels = self.params.window, self.params.channels
        images = len(ifm) * g.batch
        geometry = sweep_geometry(
            images=images, batch=g.batch, image_pitch=int(np.prod(self.extent)), out_w=g.out_w, positions=g.positions,
            row_step=g.stride_h * self.extent[1] * self.extent[2], column_step=g.stride_w * self.extent[2],
            lanes=lanes_of(channels), channels=channels, private=int(self.params.depthwise), block=self.block,
            scheme=int(self.params.scheme.code), out_zero=self.params.out_zero, clamp_lo=self.params.clamp_lo,
            clamp_hi=self.params.clamp_hi, bias_last=int(self.bias_last), emit_mode=emit[0], emit_width=emit[1],
        )  # fmt: skip
        layer = SweepLayer(
            geometry, self._padded(ifm, images), self.offsets, self.weights, self.ends, self.parts, self.initial,
            self.last, self.least, self.greatest, self.scales, self.plain, self.real,
        )  # fmt: skip
        counts = _no_counts(len(ifm), len(modes), len(widths), lanes_of(channels), images * g.positions * channels)
        sweep_widths(layer, modes, widths, counts)
        return counts

    def _padded(self, ifm: Array, images: int) -> Words:
        """Operands of all images with their padding, channels repeated by the depth multiplier, flat."""
        p, g = self.params, self.params.window
        rows, columns, channels = self.extent
        zero = 0 if p.fold else p.x_zero
        flat = np.empty(images * rows * columns * channels + LANES, np.int32)
        flat[-LANES:] = 0
        into = flat[:-LANES].reshape(images, rows, columns, channels)
        inside_h, inside_w = min(rows - g.pad_top, g.in_h), min(columns - g.pad_left, g.in_w)
        if (inside_h, inside_w) != (rows, columns):
            into[...] = p.x_zero - zero
        x = ifm.reshape(images, g.in_h, g.in_w, g.channels)[:, :inside_h, :inside_w].astype(np.int32)
        if g.depth_mult > 1:
            x = np.repeat(x, g.depth_mult, axis=3)
        into[:, g.pad_top : g.pad_top + inside_h, g.pad_left : g.pad_left + inside_w] = x - zero
        return flat


def prepare(params: MacParams, numerics: Numerics) -> Prepared:
    """Lay a layer that `fits_kernel` out."""
    g = params.window
    depth, channels = params.stream.shape
    per_pixel = channels if params.depthwise else g.channels
    rows = max((g.out_h - 1) * g.stride_h + (g.kh - 1) * g.dilation_h + 1, g.pad_top + 1)
    columns = max((g.out_w - 1) * g.stride_w + (g.kw - 1) * g.dilation_w + 1, g.pad_left + 1)
    ends, parts = _groups(depth, numerics)
    held = _SUM_WORDS // (LANES * len(ends)) // TILE * TILE
    block = max(TILE, min(_MOST_POSITIONS, -(-g.positions // TILE) * TILE, held))
    lanes = lanes_of(channels)
    weights = np.zeros((depth, lanes), np.int32)
    weights[:, :channels] = params.stream
    offsets = _offsets(params, columns, per_pixel)
    if numerics.order == "reversed":
        weights, offsets = np.ascontiguousarray(weights[::-1]), np.ascontiguousarray(offsets[::-1])
    last, bounds = numerics.bias_order == "last", np.iinfo(np.int32)
    bias, zeros = np.pad(params.initial, (0, lanes - channels)).astype(np.int32), np.zeros(lanes, np.int32)
    plain = np.stack([_by_lane(params.requant.multiplier, channels), _by_lane(params.requant.shift, channels)])
    return Prepared(
        params, offsets, weights.reshape(-1), ends, parts, last, zeros if last else bias, bias,
        zeros + bounds.max if last else bias, zeros + bounds.min if last else bias, _scales(plain), plain,
        _by_lane(params.requant.real, channels), block, (rows, columns, per_pixel),
    )  # fmt: skip


def _offsets(params: MacParams, columns: int, per_pixel: int) -> Ints:
    """Place of every canonical stream position, from that of the first tap's first channel."""
    g = params.window
    taps = (np.arange(g.kh)[:, None] * g.dilation_h * columns + np.arange(g.kw) * g.dilation_w) * per_pixel
    return (taps.reshape(-1, 1) + np.arange(1 if params.depthwise else g.channels)).reshape(-1).astype(np.int64)


def _groups(depth: int, numerics: Numerics) -> tuple[Ints, Ints]:
    """Stream position behind every group, and the first group of every part (MICROARCHITECTURE A.6)."""
    size = numerics.group_size
    ends = np.minimum(np.arange(size, depth + size, size), depth).astype(np.int64)
    share = -(-len(ends) // numerics.split_k)
    return ends, np.append(np.arange(0, len(ends), share), len(ends)).astype(np.int64)


def _by_lane(values: NDArray[Any], channels: int) -> NDArray[Any]:
    """One value per lane; lanes that are no channel repeat the last one."""
    return np.pad(np.broadcast_to(values, (channels,)), (0, lanes_of(channels) - channels), mode="edge")


def _scales(plain: Ints) -> Words:
    """Multiplier, left and right shift of every lane, flat; what TFL_DOUBLE alone reads."""
    multiplier, shift = plain
    return np.concatenate([multiplier, np.maximum(shift, 0), np.maximum(-shift, 0)]).astype(np.int32)


def _no_counts(samples: int, modes: int, widths: int, lanes: int, codes: int) -> SweepCounts:
    bounds = np.iinfo(np.int32)
    return SweepCounts(
        np.zeros((2, modes, widths, lanes), np.int64),
        np.zeros((samples, 5, modes, widths), np.int64),
        np.full(lanes, bounds.max, np.int32),
        np.full(lanes, bounds.min, np.int32),
        np.zeros(1, np.int64),
        np.empty(codes, np.int32),
    )


def mode_codes(modes: tuple[str, ...]) -> Ints:
    """`fxsim.numerics.Overflow` codes of modes by name."""
    return np.array([Overflow[mode.upper()] for mode in modes], np.int64)
