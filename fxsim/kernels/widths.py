"""One layer, every width: group sums once, then each narrow accumulator from them.

Outputs go in blocks of some positions times LANES channels, `rows` and `n` below. A row needs work at a width only if
one of its exact prefixes leaves that width, the bias included; rows that do are packed, so that widths from narrow to
wide leave ever less to do. Everything stands in int32: the caller proves that exact prefixes and group sums stay below
2**30 in magnitude, and widths from 31 on are never left. Internal registers of readout are at least that wide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import entry_kernel, inner_kernel
from fxsim.kernels.intrinsics import LANES, TILE
from fxsim.kernels.lanes import (
    add_products,
    clamp_lanes,
    copy_lanes,
    dot_tile,
    error_lanes,
    event_lanes,
    fold_lanes,
    prefix_lanes,
    reach_lanes,
    round_lanes,
    saturate_lanes,
    see_lanes,
    wrap_lanes,
)
from fxsim.kernels.widths_state import (
    ALL_LANES,
    BATCH,
    BIAS_LAST,
    BLOCK,
    CHANNELS,
    CLAMP_HI,
    CLAMP_LO,
    COLUMN_STEP,
    EMIT_MODE,
    EMIT_WIDTH,
    IMAGE_PITCH,
    IMAGES,
    OUT_W,
    OUT_ZERO,
    POSITIONS,
    PRIVATE,
    ROW_STEP,
    SCHEME,
    Block,
)
from fxsim.numerics import Overflow, SchemeCode, requantize_scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.kernels.widths_state import SweepCounts, SweepLayer

    Ints = NDArray[np.int64]
    Words = NDArray[np.int32]

_RUNTIME_BITS = 32


@inner_kernel
def locate(g: Ints, image: int, first: int, bases: Ints) -> None:
    """Where the windows of a block begin; positions past the last repeat it."""
    for r in range(g[BLOCK]):
        position = min(first + r, g[POSITIONS] - 1)
        y = position // g[OUT_W]
        x = position - y * g[OUT_W]
        bases[r] = image * g[IMAGE_PITCH] + y * g[ROW_STEP] + x * g[COLUMN_STEP]


@inner_kernel
def gather_patches(images: Words, offsets: Ints, bases: Ints, patches: Words) -> None:
    """Operands of a block in stream order, position by position."""
    depth = offsets.shape[0]
    for r in range(bases.shape[0]):
        into, base = patches[r * depth : (r + 1) * depth], bases[r]
        for k in range(depth):
            into[k] = images[base + offsets[k]]


@inner_kernel
def sum_groups(layer: SweepLayer, work: Block, lane: int) -> None:
    """Sums of all groups of a block, one lane block."""
    g, depth, size = layer.geometry, layer.offsets.shape[0], work.total.shape[0]
    first = 0
    for i in range(layer.ends.shape[0]):
        count, sums = layer.ends[i] - first, work.sums[i * size : (i + 1) * size]
        for m in range(size):
            sums[m] = 0
        if g[PRIVATE]:
            for r in range(g[BLOCK]):
                for k in range(first, first + count):
                    place = work.bases[r] + layer.offsets[k] + lane
                    add_products(work.sums, i * size + r * LANES, layer.weights, k * g[ALL_LANES] + lane, layer.images,
                                 place)  # fmt: skip
        else:
            for r in range(0, g[BLOCK], TILE):
                dot_tile(work.sums, i * size + r * LANES, LANES, layer.weights, first * g[ALL_LANES] + lane,
                         g[ALL_LANES], work.patches, r * depth + first, depth, count)  # fmt: skip
        first += count


@inner_kernel
def sum_exact(layer: SweepLayer, work: Block, lane: int) -> None:
    """Exact sums, their prefixes' extremes, and what each row reaches."""
    size, parts = work.total.shape[0], layer.parts
    for r in range(size // LANES):
        at = r * LANES
        copy_lanes(layer.initial, lane, work.total, at)
        copy_lanes(layer.least, lane, work.least, at)
        copy_lanes(layer.greatest, lane, work.greatest, at)
        prefix_lanes(work.sums, at, size, parts[1], work.total, work.least, work.greatest, at)
        for i in range(1, parts.shape[0] - 1):
            sum_part(work, parts[i], parts[i + 1], at)
        if layer.geometry[BIAS_LAST]:
            prefix_lanes(layer.last, lane, LANES, 1, work.total, work.least, work.greatest, at)
        work.reach[r] = reach_lanes(work.least, work.greatest, at)


@inner_kernel
def sum_part(work: Block, start: int, stop: int, at: int) -> None:
    """One further part of a split sum, and its merge."""
    size, other = work.total.shape[0], work.other
    low, high = other[LANES : 2 * LANES], other[2 * LANES :]
    for n in range(LANES):
        other[n] = 0
    copy_lanes(work.least, at, low, 0)
    copy_lanes(work.greatest, at, high, 0)
    prefix_lanes(work.sums, start * size + at, size, stop - start, other, low, high, 0)
    copy_lanes(low, 0, work.least, at)
    copy_lanes(high, 0, work.greatest, at)
    prefix_lanes(other, 0, LANES, 1, work.total, work.least, work.greatest, at)


@inner_kernel
def saturate_row(layer: SweepLayer, work: Block, bits: int, lane: int, at: int, place: int) -> None:
    """Registers of one row that saturate at `bits`, from the loaded bias on, in values[place]."""
    size, parts, values, events, other = work.total.shape[0], layer.parts, work.values, work.events, work.other
    saturate_lanes(work.sums, at, size, parts[1], bits, values, place, events, place)
    for i in range(1, parts.shape[0] - 1):
        start, count = parts[i], parts[i + 1] - parts[i]
        for n in range(LANES):
            other[n] = 0
        saturate_lanes(work.sums, start * size + at, size, count, bits, other, 0, events, place)
        saturate_lanes(other, 0, LANES, 1, bits, values, place, events, place)
    if layer.geometry[BIAS_LAST]:
        saturate_lanes(layer.last, lane, LANES, 1, bits, values, place, events, place)


@inner_kernel
def wrap_row(layer: SweepLayer, work: Block, bits: int, lane: int, at: int, place: int) -> None:
    """Exact totals of one row, from the bias on, in values[place], and the events of registers that wrap at `bits`."""
    size, parts, half = work.total.shape[0], layer.parts, np.int64(1) << (bits - 1)
    wrap_lanes(work.sums, at, size, parts[1], bits, work.values, place, work.events, place)
    for i in range(1, parts.shape[0] - 1):
        for n in range(LANES):
            work.other[n] = 0
        start, count = parts[i], parts[i + 1] - parts[i]
        wrap_lanes(work.sums, start * size + at, size, count, bits, work.other, 0, work.events, place)
        for n in range(LANES):
            one, other = np.int64(work.values[place + n]), np.int64(work.other[n])
            turns = ((one + half) >> bits) + ((other + half) >> bits)
            work.events[place + n] += (one + other + half) >> bits != turns
            work.values[place + n] = one + other
    if layer.geometry[BIAS_LAST]:
        wrap_lanes(layer.last, lane, LANES, 1, bits, work.values, place, work.events, place)


@inner_kernel
def narrow_rows(layer: SweepLayer, work: Block, mode: int, bits: int, lane: int, count: int) -> None:
    """Values and events of the `count` active rows under one configuration, packed."""
    values, events, seen = work.values, work.events, work.seen
    for n in range(2 * LANES):
        seen[n] = 0
    for m in range(count * LANES):
        events[m] = 0
    for a in range(count):
        at, place = work.active[a] * LANES, a * LANES
        if mode == Overflow.SATURATE:
            clamp_lanes(layer.initial, lane, bits, values, work.codes, place)
            saturate_row(layer, work, bits, lane, at, place)
        elif mode == Overflow.WRAP:
            copy_lanes(layer.initial, lane, values, place)
            wrap_row(layer, work, bits, lane, at, place)
            fold_lanes(values, place, bits, values, place)
        else:
            clamp_lanes(work.total, at, bits, values, events, place)
        event_lanes(events, place, seen)


@inner_kernel
def requantize_rows(layer: SweepLayer, values: Words, count: int, lane: int, codes: Words) -> None:
    """Codes of `count` rows."""
    g, scales, lanes = layer.geometry, layer.scales, layer.geometry[ALL_LANES]
    zero, lo, hi = g[OUT_ZERO], g[CLAMP_LO], g[CLAMP_HI]
    if g[SCHEME] == SchemeCode.TFL_DOUBLE:
        for a in range(count):
            round_lanes(values, a * LANES, scales, lane, lanes, zero, lo, hi, codes)
        return
    multiplier, shift, real = layer.plain[0], layer.plain[1], layer.real
    for m in range(count * LANES):
        n = lane + m % LANES
        acc: int = values[m]
        codes[m] = requantize_scalar(acc, multiplier[n], shift[n], real[n], g[SCHEME], _RUNTIME_BITS, zero, lo, hi)


@inner_kernel
def compare_rows(work: Block, codes: Words, wanted: Words, count: int) -> None:
    """Errors of `count` rows of codes, by lane."""
    errors, noise = work.errors, work.noise
    for n in range(LANES):
        errors[n] = errors[LANES + n] = noise[n] = 0
    for a in range(count):
        error_lanes(codes, wanted, a * LANES, errors, noise)


@inner_kernel
def pack(work: Block, rows: int, bits: int) -> int:
    """Rows that leave `bits` into `active`, their exact codes into `wanted`; how many they are."""
    count, half = 0, np.int64(1) << (bits - 1)
    for r in range(rows):
        if work.reach[r] >= half:
            work.active[count] = r
            copy_lanes(work.right, r * LANES, work.wanted, count * LANES)
            count += 1
    return count


@inner_kernel
def add_events(seen: Words, events: Ints, outputs: Ints, sample: Ints, mode: int, width: int) -> None:
    """Take the events of a configuration, and the outputs with one, into their counters."""
    every, some = np.int64(0), np.int64(0)
    for n in range(LANES):
        every += seen[n]
        some += seen[LANES + n]
    sample[0, mode, width] += every
    sample[1, mode, width] += some
    if every == 0:
        return
    for n in range(LANES):
        events[n] += seen[n]
        outputs[n] += seen[LANES + n]


@inner_kernel
def add_errors(work: Block, sample: Ints, mode: int, width: int) -> None:
    """Take the errors of a configuration into its counters."""
    changed, greatest, noise = np.int64(0), np.int64(0), np.int64(0)
    for n in range(LANES):
        changed += work.errors[n]
        greatest = max(greatest, np.int64(work.errors[LANES + n]))
        noise += work.noise[n]
    sample[2, mode, width] += changed
    sample[3, mode, width] = max(sample[3, mode, width], greatest)
    sample[4, mode, width] += noise


@inner_kernel
def see_exact(layer: SweepLayer, work: Block, counts: SweepCounts, rows: int, lane: int) -> None:
    """Exact codes of a block, extremes and signal."""
    requantize_rows(layer, work.total, work.total.shape[0] // LANES, lane, work.right)
    for m in range(rows * LANES):
        work.wanted[m] = layer.geometry[OUT_ZERO]
    compare_rows(work, work.right, work.wanted, rows)
    for n in range(LANES):
        counts.signal[0] += work.noise[n]
    for r in range(rows):
        see_lanes(work.least, r * LANES, counts.least, counts.greatest, lane)
        see_lanes(work.greatest, r * LANES, counts.least, counts.greatest, lane)


@inner_kernel
def put_row(codes: Words, row: int, out: Words, place: int, live: int) -> None:
    """Store the codes of one row."""
    source, into = codes[row * LANES : row * LANES + live], out[place : place + live]
    for n in range(live):
        into[n] = source[n]


@inner_kernel
def sweep_block(
    layer: SweepLayer, modes: Ints, widths: Ints, work: Block, counts: SweepCounts, sample: Ints, rows: int,
    lane: int, place: int,
) -> None:  # fmt: skip
    """All configurations of one block; the codes of its first position begin at `place`."""
    g = layer.geometry
    live, out = min(LANES, g[CHANNELS] - lane), counts.codes
    sum_groups(layer, work, lane)
    sum_exact(layer, work, lane)
    see_exact(layer, work, counts, rows, lane)
    for r in range(rows):
        put_row(work.right, r, out, place + r * g[CHANNELS], live)
    for width in range(widths.shape[0]):
        count = pack(work, rows, widths[width])
        if count == 0:
            return
        for mode in range(modes.shape[0]):
            narrow_rows(layer, work, modes[mode], widths[width], lane, count)
            events = counts.channels[0, mode, width, lane : lane + LANES]
            outputs = counts.channels[1, mode, width, lane : lane + LANES]
            add_events(work.seen, events, outputs, sample, mode, width)
            requantize_rows(layer, work.values, count, lane, work.codes)
            compare_rows(work, work.codes, work.wanted, count)
            add_errors(work, sample, mode, width)
            if mode == g[EMIT_MODE] and width == g[EMIT_WIDTH]:
                for a in range(count):
                    put_row(work.codes, a, out, place + work.active[a] * g[CHANNELS], live)


@entry_kernel
def sweep_widths(layer: SweepLayer, modes: NDArray[np.int64], widths: NDArray[np.int64], counts: SweepCounts) -> None:
    """Run one layer on all images under every mode and width.

    Parameters
    ----------
    layer
        The layer and its operands; every exact prefix and group sum is below EXACT_LIMIT in magnitude.
    modes : int64 [M]
        `fxsim.numerics.Overflow` codes: WRAP, SATURATE, READOUT (whose internal register has 31 bits or more).
    widths : int64 [W]
        Bits, ascending, 2..32.
    counts
        Counters, added to, and codes, stored.
    """
    g = layer.geometry
    size, depth, rows = g[BLOCK] * LANES, layer.offsets.shape[0], np.zeros((3, g[BLOCK]), np.int64)
    words, small = np.zeros((8, size), np.int32), np.zeros((7, LANES), np.int32).reshape(-1)
    work = Block(
        rows[0], np.zeros(g[BLOCK] * depth, np.int32), np.zeros(layer.ends.shape[0] * size, np.int32),
        words[0], words[1], words[2], rows[1], rows[2], words[3], words[4], words[5], words[6], words[7],
        small[: 3 * LANES], small[3 * LANES : 5 * LANES], small[5 * LANES :], np.zeros(LANES, np.int64),
    )  # fmt: skip
    for image in range(g[IMAGES]):
        sample = counts.samples[image // g[BATCH]]
        for first in range(0, g[POSITIONS], g[BLOCK]):
            count, place = min(g[BLOCK], g[POSITIONS] - first), (image * g[POSITIONS] + first) * g[CHANNELS]
            locate(g, image, first, work.bases)
            if not g[PRIVATE]:
                gather_patches(layer.images, layer.offsets, work.bases, work.patches)
            for lane in range(0, g[ALL_LANES], LANES):
                sweep_block(layer, modes, widths, work, counts, sample, count, lane, place + lane)
