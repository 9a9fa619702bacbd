"""What the width sweep of one layer reads, counts, and works in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Words = NDArray[np.int32]

GEOMETRY = ("images", "batch", "image_pitch", "out_w", "positions", "row_step", "column_step", "lanes", "channels",
            "private", "block", "scheme", "out_zero", "clamp_lo", "clamp_hi", "bias_last", "emit_mode",
            "emit_width")  # fmt: skip
(IMAGES, BATCH, IMAGE_PITCH, OUT_W, POSITIONS, ROW_STEP, COLUMN_STEP, ALL_LANES, CHANNELS,
 PRIVATE, BLOCK, SCHEME, OUT_ZERO, CLAMP_LO, CLAMP_HI, BIAS_LAST, EMIT_MODE,
 EMIT_WIDTH) = range(len(GEOMETRY))  # fmt: skip
"""`private`: every channel reads its own x. `block`: positions per block, a multiple of TILE. `emit_*`: the
configuration whose codes are stored; -1: the exact ones."""

EXACT_LIMIT = 1 << 30
"""Bound of the magnitude of every prefix and group sum."""


class SweepLayer(NamedTuple):
    """A layer ready to be summed; K stream positions in G groups, L lanes."""

    geometry: Ints
    """[len(GEOMETRY)]."""
    images: Words
    """Operands of all images, padding included, flat, and LANES more."""
    offsets: Ints
    """[K] place of every stream position's operand, from that of the window's first tap."""
    weights: Words
    """[K * L], lanes from `channels` up 0."""
    ends: Ints
    """[G] stream position behind every group."""
    parts: Ints
    """[S + 1] first group of every part of a split sum, then G."""
    initial: Words
    """[L] what the sums start at: the bias, or 0 where it comes last."""
    last: Words
    """[L] the bias that comes last, if it does."""
    least: Words
    """[L] least prefix before the first group: the bias, or the greatest int32 where it comes last."""
    greatest: Words
    """[L] the same for the greatest prefix."""
    scales: Words
    """[3 * L] multiplier, left shift and right shift of TFL_DOUBLE."""
    plain: Ints
    """[2, L] multiplier and shift."""
    real: NDArray[np.float64]
    """[L] the scale that float schemes read."""


class SweepCounts(NamedTuple):
    """What a layer did, added to."""

    channels: Ints
    """[2, modes, widths, L] events, outputs with one."""
    samples: Ints
    """[S, 5, modes, widths] the same, changed codes, greatest error, sum of squared errors."""
    least: Words
    """[L] least exact prefix."""
    greatest: Words
    """[L] greatest exact prefix."""
    signal: Ints
    """[1] sum of the squared exact codes less their zero point."""
    codes: Words
    """[images * positions * channels] OFM."""


class Block(NamedTuple):
    """Work space of one block; M = block * LANES outputs."""

    bases: Ints
    patches: Words
    sums: Words
    total: Words
    least: Words
    greatest: Words
    reach: Ints
    active: Ints
    values: Words
    events: Words
    right: Words
    wanted: Words
    codes: Words
    other: Words
    seen: Words
    errors: Words
    noise: Ints


def sweep_geometry(**fields: int) -> Ints:
    """`SweepLayer.geometry` from its fields by name."""
    return np.array([fields[name] for name in GEOMETRY], np.int64)
