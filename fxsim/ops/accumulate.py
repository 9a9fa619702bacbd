"""Exact accumulation at graph level, in NumPy int64: groups, order, split sums and overflow rules, knowing no tiles.

Work proceeds in chunks of output positions; every array of a chunk stays below a few MiB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fxsim.graph import LayerStats
from fxsim.numerics import Overflow, convolve_floats, convolve_floats_by_channel, overflow_array, requantize
from fxsim.ops.base import Array, Floats, Outcome
from fxsim.ops.mac import MacParams, canonical_weights, mac_params, window_of
from fxsim.ops.real import clamp_float

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics
    from fxsim.ops.windows import Window

Ints = NDArray[np.int64]
_T = TypeVar("_T", bound=np.generic)

_CHUNK_ELEMENTS = 1 << 19
_RUNTIME_ACC_BITS = 32
_LONG = 8
"""Sums of fewer products are not worth a conversion."""
_EXACT_FLOATS = ((np.float32, 1 << 24), (np.float64, 1 << 53))
"""Sums whose magnitudes add up to less are exact in any order."""
_INT64 = np.iinfo(np.int64)


def run_mac(net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:
    """Run a MAC node: gather windows, accumulate, requantize; see `Operator.run`."""
    params = mac_params(net, node, numerics)
    y = net.values[node.outputs[0]].type
    x = np.asarray(inputs[0])
    samples = x.shape[0]
    images = x.reshape(-1, params.window.in_h, params.window.in_w, params.window.channels)
    out = np.empty((len(images) * params.window.positions, params.channels), y.dtype.numpy)
    stats = LayerStats.empty(0 if numerics is None else params.channels)
    for rows in position_chunks(len(out), _widest_row(params)):
        acc, seen = accumulate(params, gather(params, images, rows), numerics)
        stats = stats.merge(seen)
        bits = _RUNTIME_ACC_BITS if numerics is None else numerics.acc_bits
        out[rows] = requantize(
            acc,
            params.requant,
            params.scheme,
            zero=params.out_zero,
            lo=params.clamp_lo,
            hi=params.clamp_hi,
            acc_bits=bits,
        )
    return Outcome((out.reshape(samples, *y.shape),), stats)


def run_mac_float(net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
    """Run a MAC node on reals: products added one after the other in canonical order from 0, then the bias.

    Each product and each sum is rounded to binary32: what PyTorch computes, but for the order of its sums, which it
    leaves open.
    """
    x, w, bias = (*inputs, None)[:3]
    assert x is not None  # a checked node has both
    assert w is not None
    g = window_of(net, node)
    weights = canonical_weights(node, np.asarray(w[0], np.float32))
    stream = np.require(weights.reshape(len(weights), -1).T, requirements=["C", "W"])
    images = np.require(x.reshape(-1, g.in_h, g.in_w, g.channels), np.float32, ["C", "W"])
    if g.depth_mult > 1:
        images = images.repeat(g.depth_mult, axis=3)
    out = np.zeros((len(images), g.out_h, g.out_w, len(weights)), np.float32)
    convolve = convolve_floats_by_channel if g.depth_mult else convolve_floats
    convolve(images, stream, g.taps, out)
    if bias is not None:
        out += np.asarray(bias[0], np.float32)
    return clamp_float(out, node.attrs.activation).reshape(len(x), *net.results(node)[0].type.shape)


def position_chunks(count: int, width: int) -> Iterator[slice]:
    """Cut `count` output positions of `width` elements each into slices of a few MiB."""
    step = max(1, _CHUNK_ELEMENTS // width)
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def _widest_row(params: MacParams) -> int:
    """Elements of the largest array per output position."""
    if params.depthwise:
        return params.window.depth * params.channels
    return max(params.window.kh * params.window.kw * params.window.channels, params.channels)


def gather(params: MacParams, images: Array, rows: slice) -> Ints:
    """Operands of output positions `rows` in canonical order: int64 [P, K], depthwise [P, K, N].

    Positions count images, rows and columns in C order. Padded taps hold x_zero under fold, else 0; under fold the
    codes are raw, else x_zero is subtracted.
    """
    x = window_operands(params.window, images, rows, np.int64(params.x_zero))
    return x if params.fold else x - params.x_zero


def window_operands(window: Window, images: Array, rows: slice, fill: _T) -> NDArray[_T]:
    """Taps of output positions `rows` in canonical order, of the type of `fill`: [P, K], depthwise [P, K, N].

    Padded taps hold `fill`.
    """
    x = _taps(window, images, rows, fill)
    if window.depth_mult:
        return x if window.depth_mult == 1 else np.repeat(x, window.depth_mult, axis=2)
    return x.reshape(len(x), -1)


def _taps(window: Window, images: Array, rows: slice, fill: _T) -> NDArray[_T]:
    """Taps of output positions `rows`: [P, kh * kw, input channels]."""
    g = window
    if (g.kh, g.kw, g.out_h, g.out_w) == (1, 1, g.in_h, g.in_w):  # a tap is its pixel
        return images.reshape(-1, 1, g.channels)[rows].astype(fill.dtype)
    position = np.arange(rows.start, rows.stop)
    image, cell = np.divmod(position, g.positions)
    oy, ox = np.divmod(cell, g.out_w)
    iy = (oy * g.stride_h - g.pad_top)[:, None] + np.arange(g.kh) * g.dilation_h
    ix = (ox * g.stride_w - g.pad_left)[:, None] + np.arange(g.kw) * g.dilation_w
    inside = ((iy >= 0) & (iy < g.in_h))[:, :, None] & ((ix >= 0) & (ix < g.in_w))[:, None, :]
    taps = images[image[:, None, None], iy.clip(0, g.in_h - 1)[:, :, None], ix.clip(0, g.in_w - 1)[:, None, :]]
    return np.where(inside[..., None], taps.astype(fill.dtype), fill).reshape(len(taps), -1, g.channels)


@dataclass(frozen=True, slots=True, eq=False)
class Accumulated:
    """What happened to every accumulator of some output positions: int64 [P, N] each.

    `events`, `wraps`, `bias_left` and `inner_events` count as the fields of `fxsim.graph.LayerStats` do, by output.
    """

    value: Ints
    """What the requantizer reads."""
    exact: Ints
    """The final sum without any overflow."""
    low: Ints
    """Least exact prefix at a rule application, the bias load included."""
    high: Ints
    """Greatest exact prefix at a rule application, the bias load included."""
    events: Ints
    wraps: Ints
    bias_left: Ints
    inner_events: Ints
    inner_low: Ints
    """Least exact window sum that the inner accumulator must hold for its spills to be exact; 0 where there is none."""
    inner_high: Ints
    """Greatest such sum."""

    def stats(self) -> LayerStats:
        """Counters and extremes by channel."""
        return LayerStats(
            self.events.sum(axis=0),
            np.count_nonzero(self.events | self.inner_events, axis=0),
            self.bias_left.sum(axis=0),
            self.wraps.sum(axis=0),
            self.low.min(axis=0),
            self.high.max(axis=0),
            self.inner_events.sum(axis=0),
        )


def accumulate(params: MacParams, x: Ints, numerics: Numerics | None) -> tuple[Ints, LayerStats]:
    """Accumulators [P, N] as the requantizer reads them, and their counters.

    Without `numerics` the sum wraps at 32 bits, whatever its order, and nothing is counted.
    """
    if numerics is None:
        total = _products(x, params.stream) + params.initial
        return overflow_array(total, _RUNTIME_ACC_BITS, Overflow.WRAP, _RUNTIME_ACC_BITS), LayerStats.empty()
    found = accumulate_outputs(params, x, numerics)
    return found.value, found.stats()


def accumulate_outputs(
    params: MacParams, x: Ints, numerics: Numerics, channels: Ints | slice = slice(None)
) -> Accumulated:
    """Accumulate operands `x` of output positions (see `gather`) under the rule and order of `numerics`.

    Only the output channels `channels` are worked out.
    """
    stream = params.stream[:, channels]
    x = x if x.ndim == 2 else x[:, :, channels]
    if numerics.order == "reversed":
        x, stream = x[:, ::-1], stream[::-1]
    return _Accumulators(numerics, params.initial[channels], len(x)).run(x, stream)


def accumulate_permuted(params: MacParams, x: Ints, numerics: Numerics, order: Ints) -> Accumulated:
    """As `accumulate_outputs`, channel n accumulating its products in the order ``order[:, n]`` of k: int64 [K, N]."""
    taken = x[:, order] if x.ndim == 2 else np.take_along_axis(x, order[None], axis=1)
    stream = np.take_along_axis(params.stream, order, axis=0)
    return _Accumulators(numerics, params.initial, len(x)).run(taken, stream)


def _products(x: Ints, stream: Ints) -> Ints:
    """Sum of products over the k axis: [P, K] or [P, K, N] with [K, N] gives [P, N]."""
    if x.ndim == 3:
        sums: Ints = np.einsum("pkn,kn->pn", x, stream)
        return sums
    real = _float_type(x, stream) if len(stream) >= _LONG else None
    found: Ints = x @ stream if real is None else (x.astype(real) @ stream.astype(real)).astype(np.int64)
    return found


def _float_type(x: Ints, stream: Ints) -> type[np.floating[Any]] | None:
    """Type in which x @ stream is exact, None if in none: BLAS has no integers, and is faster."""
    reach = max(int(x.max()), -int(x.min())) * int(np.abs(stream).sum(axis=0).max())
    return next((real for real, limit in _EXACT_FLOATS if reach < limit), None)


@dataclass(slots=True, eq=False)
class _Part:
    """Registers [P, N] of one part of a split sum, beside the exact sum they should hold."""

    register: Ints
    exact: Ints


class _Accumulators:
    """All accumulators of one chunk under one overflow rule; counters are kept per output, [P, N]."""

    def __init__(self, numerics: Numerics, initial: Ints, positions: int) -> None:
        self.numerics = numerics
        self.mode = Overflow[numerics.overflow.upper()]
        self.initial = np.broadcast_to(initial, (positions, initial.size))
        self.left = np.zeros(self.initial.shape, np.int64)
        self.inner_left, self.inner_low, self.inner_high = (np.zeros(self.initial.shape, np.int64) for _ in range(3))
        self.bias_first = numerics.bias_order == "first"
        self.low = np.array(self.initial) if self.bias_first else np.full(self.initial.shape, _INT64.max)
        self.high = np.array(self.initial) if self.bias_first else np.full(self.initial.shape, _INT64.min)

    def run(self, x: Ints, stream: Ints) -> Accumulated:
        """Accumulate stream positions 0..K-1 in groups, parts merged in ascending order, a late bias after them."""
        total, *others = (self._part(x, stream, part) for part in self._parts(len(stream)))
        for other in others:
            self._apply(total, other.register, other.exact)
        if not self.bias_first:
            self._apply(total, self.initial, self.initial)
        return self._read(total)

    def _parts(self, depth: int) -> Iterator[range]:
        """Stream positions of the groups' first products, part by part; no part is empty."""
        step = self.numerics.group_size
        groups = -(-depth // step)
        share = -(-groups // self.numerics.split_k) * step
        return (range(start, min(start + share, depth), step) for start in range(0, depth, share))

    def _part(self, x: Ints, stream: Ints, starts: range) -> _Part:
        loaded = self.initial if self.bias_first and starts.start == 0 else np.zeros_like(self.initial)
        part = _Part(self._rule(loaded), loaded)
        for groups in self._windows(starts):
            if self.numerics.inner_bits:
                self._apply(part, *self._inner(x, stream, groups))
            else:
                added = _products(x[:, groups[0]], stream[groups[0]])
                self._apply(part, added, added)
        return part

    def _windows(self, starts: range) -> Iterator[list[slice]]:
        """Groups of a part that one outer rule application adds: one, or as many as an inner accumulator sums."""
        groups = [slice(start, min(start + starts.step, starts.stop)) for start in starts]
        size = self.numerics.inner_products // starts.step if self.numerics.inner_bits else 1
        return (groups[first : first + size] for first in range(0, len(groups), size))

    def _inner(self, x: Ints, stream: Ints, groups: list[slice]) -> tuple[Ints, Ints]:
        """Inner accumulator from 0 over `groups`: what it spills, and the exact sum."""
        mode = Overflow[self.numerics.inner_overflow.upper()]
        register = exact = np.zeros_like(self.initial)
        for group in groups:
            added = _products(x[:, group], stream[group])
            wanted, exact = register + added, exact + added
            register = overflow_array(wanted, self.numerics.inner_bits, mode, self.numerics.inner_bits)
            self.inner_left += register != wanted
            if mode is Overflow.SATURATE:
                self._see_inner(exact)
        self._see_inner(exact)
        return register, exact

    def _see_inner(self, exact: Ints) -> None:
        """A window sum that must fit: every one under saturate, under wrap what is spilled."""
        np.minimum(self.inner_low, exact, out=self.inner_low)
        np.maximum(self.inner_high, exact, out=self.inner_high)

    def _apply(self, part: _Part, added: Ints, exact: Ints) -> None:
        """One rule application on every output of `part`."""
        wanted = part.register + added
        part.register = self._rule(wanted)
        self.left += part.register != wanted
        part.exact = part.exact + exact
        np.minimum(self.low, part.exact, out=self.low)
        np.maximum(self.high, part.exact, out=self.high)

    def _rule(self, exact: Ints) -> Ints:
        return overflow_array(exact, self.numerics.acc_bits, self.mode, self.numerics.acc_internal_bits)

    def _read(self, total: _Part) -> Accumulated:
        events, wraps, value = self.left, np.zeros_like(self.left), total.register
        if self.mode is Overflow.READOUT:
            value = overflow_array(value, self.numerics.acc_bits, Overflow.SATURATE, self.numerics.acc_bits)
            events, wraps = (value != total.register).astype(np.int64), self.left
        bias_left = (self.bias_first & (self._rule(self.initial) != self.initial)).astype(np.int64)
        inner = self.inner_left, self.inner_low, self.inner_high
        return Accumulated(value, total.exact, self.low, self.high, events, wraps, bias_left, *inner)
