"""One MAC layer under many widths and overflow rules at once: exact sums first, then only the outputs they touch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim.analysis.width_kernel import Prepared, mode_codes
from fxsim.numerics import requantize
from fxsim.ops import Accumulated, accumulate_outputs, gather, position_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.graph import Node, TensorType
    from fxsim.hw import Numerics
    from fxsim.ops import MacParams

Array = NDArray[np.generic]
Ints = NDArray[np.int64]

COUNTERS = 4
"""Counters of a configuration: events, outputs with one, bias loads that left, internal wraps; then the errors."""
CHANGED, MAX_ERROR, NOISE = range(COUNTERS, COUNTERS + 3)
RUNTIME_BITS = 32


@dataclass(frozen=True, slots=True)
class Grid:
    """The configurations: every width under every mode, the rest of the numerics alike."""

    numerics: Numerics
    modes: tuple[str, ...]
    widths: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(modes, widths)."""
        return len(self.modes), len(self.widths)

    @property
    def places(self) -> list[tuple[int, int]]:
        """Every configuration as (mode, width), by their numbers."""
        return list(product(range(len(self.modes)), range(len(self.widths))))

    def rule(self, mode: int, width: int) -> Numerics:
        """Numerics of one configuration; a bias outside the accumulator is loaded through the rule."""
        return dataclasses.replace(
            self.numerics, acc_bits=self.widths[width], overflow=self.modes[mode], bias_policy="apply"
        )

    @property
    def wide(self) -> Numerics:
        """Numerics under which no sum leaves the accumulator."""
        return dataclasses.replace(self.numerics, acc_bits=64, overflow="saturate", bias_policy="apply")


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One node that accumulates; `ofm` is its result's type, `prepared` is None where only NumPy is exact."""

    number: int
    node: Node
    params: MacParams
    ofm: TensorType
    prepared: Prepared | None

    @property
    def outputs(self) -> int:
        """Accumulated outputs per sample."""
        window = self.params.window
        return window.batch * window.positions * self.params.channels


@dataclass(frozen=True, slots=True, eq=False)
class LayerRun:
    """One layer on S samples under every configuration of a grid.

    Attributes
    ----------
    counters : int64 [4, modes, widths, N]
        By channel, over all samples, in the order of `COUNTERS`.
    samples : int64 [S, 7, modes, widths]
        By sample, over all channels: the same, changed OFM codes, greatest error, sum of squared errors (LSB).
    extremes : int64 [2, N]
        Least and greatest exact prefix, the bias included.
    signal : int
        Sum of the squared exact codes less their zero point.
    ofm : [S, ...]
        Exact codes.
    """

    counters: Ints
    samples: Ints
    extremes: Ints
    signal: int
    ofm: Array


def count_layer(layer: Layer, ifm: Array, grid: Grid, exact_bits: int) -> LayerRun:
    """Run `layer` under every configuration on the exact `ifm` (S, ...); codes of `exact_bits` are the right ones."""
    if layer.prepared is not None:
        return _kernel_run(layer, layer.prepared, ifm, grid)
    tally = _LayerTally(layer, grid, exact_bits, len(ifm))
    for sample in range(len(ifm)):
        for x in _operands(layer.params, ifm[sample : sample + 1]):
            tally.add(sample, x)
    return tally.result()


def run_layer(layer: Layer, ifm: Array, grid: Grid, place: tuple[int, int]) -> tuple[Array, Ints]:
    """OFM (S, ...) of `layer` under one configuration, and its counters over all samples, int64 [4]."""
    mode, width = place
    if layer.prepared is not None:
        one = Grid(grid.numerics, (grid.modes[mode],), (grid.widths[width],))
        run = _kernel_run(layer, layer.prepared, ifm, one, emit=(0, 0))
        return run.ofm, run.counters.sum(axis=(1, 2, 3))
    numerics, counters, rows = grid.rule(mode, width), np.zeros(COUNTERS, np.int64), []
    for x in _operands(layer.params, ifm):
        found = accumulate_outputs(layer.params, x, numerics)
        counters += [counts.sum() for counts in _counts(found)]
        rows.append(_codes(layer.params, found.value, numerics.acc_bits))
    return _ofm(layer, rows, len(ifm)), counters


def _kernel_run(
    layer: Layer, prepared: Prepared, ifm: Array, grid: Grid, emit: tuple[int, int] = (-1, -1)
) -> LayerRun:  # fmt: skip
    """`LayerRun` with the codes of configuration `emit`, the exact ones by default; internal registers never wrap."""
    channels, samples = layer.params.channels, len(ifm)
    found = prepared.run(ifm, mode_codes(grid.modes), np.array(grid.widths, np.int64), emit)
    left = _bias_left(layer, grid)
    per_channel = left * (samples * layer.outputs // channels)
    counters = np.stack([*found.channels[..., :channels], per_channel, np.zeros_like(per_channel)])
    bias = np.broadcast_to(left.sum(axis=-1) * (layer.outputs // channels), (samples, 1, *grid.shape))
    by_sample = np.concatenate([found.samples[:, :2], bias, np.zeros_like(bias), found.samples[:, 2:]], axis=1)
    ofm = _ofm(layer, [found.codes], samples)
    extremes = np.stack([found.least, found.greatest])[:, :channels].astype(np.int64)
    return LayerRun(counters, by_sample, extremes, int(found.signal[0]), ofm)


def _bias_left(layer: Layer, grid: Grid) -> Ints:
    """Whether each channel's bias load leaves the register, 0 or 1: int64 [modes, widths, N]."""
    internal = min(grid.numerics.acc_internal_bits, RUNTIME_BITS)  # a prepared layer's sums are far smaller
    bits = [[internal if mode == "readout" else width for width in grid.widths] for mode in grid.modes]
    half = np.int64(1) << (np.array(bits, np.int64) - 1)[..., None]
    initial = layer.params.initial if grid.numerics.bias_order == "first" else np.zeros_like(layer.params.initial)
    return np.asarray((initial < -half) | (initial >= half), np.int64)


def _ofm(layer: Layer, codes: list[NDArray[Any]], samples: int) -> Array:
    return np.concatenate(codes).astype(layer.ofm.dtype.numpy).reshape(samples, *layer.ofm.shape)


def _operands(params: MacParams, ifm: Array) -> Iterator[Ints]:
    window = params.window
    images = ifm.reshape(-1, window.in_h, window.in_w, window.channels)
    width = max(window.depth * (params.channels if params.depthwise else 1), params.channels)
    for rows in position_chunks(len(images) * window.positions, width):
        yield gather(params, images, rows)


def _codes(params: MacParams, acc: Ints, bits: int) -> Ints:
    return requantize(
        acc, params.requant, params.scheme, zero=params.out_zero, lo=params.clamp_lo, hi=params.clamp_hi, acc_bits=bits
    )


def _counts(found: Accumulated) -> tuple[Ints, ...]:
    """The counters of every output, in the order of `COUNTERS`."""
    return found.events, (found.events > 0).astype(np.int64), found.bias_left, found.wraps


class _LayerTally:
    """Counters of one layer, filled position chunk by position chunk."""

    def __init__(self, layer: Layer, grid: Grid, exact_bits: int, samples: int) -> None:
        channels = layer.params.channels
        self.layer, self.params, self.grid, self.exact_bits = layer, layer.params, grid, exact_bits
        self.rows: list[Ints] = []
        self.counters = np.zeros((COUNTERS, *grid.shape, channels), np.int64)
        self.samples = np.zeros((samples, COUNTERS + 3, *grid.shape), np.int64)
        bounds = np.iinfo(np.int64)
        self.extremes = np.repeat([[bounds.max], [bounds.min]], channels, axis=1)
        self.signal = 0

    def add(self, sample: int, x: Ints) -> None:
        """Count operands `x` of output positions of one sample."""
        exact = accumulate_outputs(self.params, x, self.grid.wide)
        right = _codes(self.params, exact.exact, self.exact_bits)
        self.rows.append(right)
        self.signal += int(np.square(right - self.params.out_zero).sum())
        self.extremes[0] = np.minimum(self.extremes[0], exact.low.min(axis=0))
        self.extremes[1] = np.maximum(self.extremes[1], exact.high.max(axis=0))
        for place in self.grid.places:
            self._configuration(sample, x, exact, right, place)

    def _configuration(self, sample: int, x: Ints, exact: Accumulated, right: Ints, place: tuple[int, int]) -> None:
        numerics = self.grid.rule(*place)
        rows = self._touched(exact, numerics)
        if not rows.any():
            return
        found = accumulate_outputs(self.params, x[rows], numerics)
        self._count(sample, found, place)
        error = np.abs(_codes(self.params, found.value, numerics.acc_bits) - right[rows])
        mode, width = place
        into = self.samples[sample, :, mode, width]
        into[CHANGED] += np.count_nonzero(error)
        into[MAX_ERROR] = max(into[MAX_ERROR], error.max())
        into[NOISE] += np.square(error).sum()

    def _count(self, sample: int, found: Accumulated, place: tuple[int, int]) -> None:
        mode, width = place
        for kind, counts in enumerate(_counts(found)):
            self.counters[kind, mode, width] += counts.sum(axis=0)
            self.samples[sample, kind, mode, width] += counts.sum()

    def _touched(self, exact: Accumulated, numerics: Numerics) -> NDArray[np.bool_]:
        """Positions with an output whose prefixes leave the width; all where the requantizer's own width changes."""
        if max(numerics.acc_bits, RUNTIME_BITS) != max(self.exact_bits, RUNTIME_BITS):
            return np.ones(len(exact.low), np.bool_)
        low, high = -(1 << (numerics.acc_bits - 1)), (1 << (numerics.acc_bits - 1)) - 1
        return np.asarray(((exact.low < low) | (exact.high > high)).any(axis=1))

    def result(self) -> LayerRun:
        ofm = _ofm(self.layer, self.rows, len(self.samples))
        return LayerRun(self.counters, self.samples, self.extremes, self.signal, ofm)
