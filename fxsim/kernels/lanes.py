"""Vector operations of the plain MAC: what they mean in scalar loops, and the compiled ones where the JIT is on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fxsim._core.jit import jit_enabled
from fxsim.kernels import intrinsics
from fxsim.kernels.intrinsics import LANES, TILE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Words = NDArray[np.int32]

_WRAP = 1 << 32
_HALF = 1 << 31


def _add(array: Words, place: int, value: int) -> None:
    """array[place] += value, modulo 2**32."""
    array[place] = (int(array[place]) + value + _HALF) % _WRAP - _HALF


def dot_tile_scalar(
    sums: Words, at: int, pitch: int, w: Words, w_at: int, w_pitch: int, x: Words, x_at: int, x_pitch: int, count: int
) -> None:
    """sums[at + p * pitch + n] += sum over k < count of w[w_at + k * w_pitch + n] * x[x_at + p * x_pitch + k].

    For p < TILE positions and n < LANES lanes, modulo 2**32.
    """
    for p in range(TILE):
        for k in range(count):
            for n in range(LANES):
                product = int(w[w_at + k * w_pitch + n]) * int(x[x_at + p * x_pitch + k])
                _add(sums, at + p * pitch + n, product)


def add_products_scalar(sums: Words, at: int, w: Words, w_at: int, x: Words, x_at: int) -> None:
    """sums[at + n] += w[w_at + n] * x[x_at + n] for n < LANES, modulo 2**32."""
    for n in range(LANES):
        _add(sums, at + n, int(w[w_at + n]) * int(x[x_at + n]))


def add_code_products_scalar(
    sums: Words, at: int, w: Words, w_at: int, codes: NDArray[np.uint8], code_at: int, flip: int, zero: int
) -> None:
    """sums[at + n] += w[w_at + n] * ((codes[code_at + n] ^ flip) - flip - zero) for n < LANES, modulo 2**32.

    `flip` is 128 for two's complement codes, else 0.
    """
    for n in range(LANES):
        _add(sums, at + n, int(w[w_at + n]) * ((int(codes[code_at + n]) ^ flip) - flip - zero))


def see_lanes_scalar(sums: Words, at: int, least: Words, greatest: Words, lane: int) -> None:
    """Take sums[at + n] into least[lane + n] and greatest[lane + n] for n < LANES."""
    for n in range(LANES):
        least[lane + n] = min(least[lane + n], sums[at + n])
        greatest[lane + n] = max(greatest[lane + n], sums[at + n])


def copy_lanes_scalar(source: Words, at: int, target: Words, place: int) -> None:
    """target[place + n] = source[at + n] for n < LANES."""
    for n in range(LANES):
        target[place + n] = source[at + n]


def reach_lanes_scalar(least: Words, greatest: Words, at: int) -> int:
    """Greatest of greatest[at + n] and -1 - least[at + n] for n < LANES."""
    return max(max(int(greatest[at + n]), -1 - int(least[at + n])) for n in range(LANES))


def clamp_lanes_scalar(source: Words, at: int, bits: int, target: Words, events: Words, place: int) -> None:
    """target[place + n] = source[at + n] clamped to `bits` <= 31; events[place + n] says whether it was; n < LANES."""
    half = 1 << (bits - 1)
    for n in range(LANES):
        target[place + n] = min(max(int(source[at + n]), -half), half - 1)
        events[place + n] = target[place + n] != source[at + n]


def fold_lanes_scalar(source: Words, at: int, bits: int, target: Words, place: int) -> None:
    """target[place + n] = source[at + n] wrapped to `bits` <= 32, for n < LANES."""
    half = 1 << (bits - 1)
    for n in range(LANES):
        target[place + n] = (int(source[at + n]) + half) % (2 * half) - half


def round_lanes_scalar(
    values: Words, at: int, scales: Words, lane: int, pitch: int, zero: int, lo: int, hi: int, codes: Words
) -> None:
    """codes[at + n]: TFL_DOUBLE (`fxsim.numerics.rescale`) of values[at + n], plus zero, clamped; n < LANES.

    scales[lane + i * pitch + n]: multiplier, left shift in 0..30, right shift in 0..31.
    """
    for n in range(LANES):
        multiplier, left, right = (int(scales[lane + i * pitch + n]) for i in range(3))
        value = ((int(values[at + n]) << left) + _HALF) % _WRAP - _HALF
        high = (value * multiplier + (1 << 30)) >> 31
        nudge = ((1 << right) >> 1) - (high < 0 and right > 0)
        codes[at + n] = min(max(((high + nudge) >> right) + zero, lo), hi)


def error_lanes_scalar(codes: Words, wanted: Words, at: int, errors: Words, noise: NDArray[np.int64]) -> None:
    """Distances of codes[at + n] from wanted[at + n]: count, greatest (errors[n], errors[LANES + n]), squares."""
    for n in range(LANES):
        error = int(codes[at + n]) - int(wanted[at + n])
        errors[n] += error != 0
        errors[LANES + n] = max(int(errors[LANES + n]), abs(error))
        noise[n] += error * error


def event_lanes_scalar(events: Words, at: int, seen: Words) -> None:
    """Add events[at + n] to seen[n], and whether there are any to seen[LANES + n]; n < LANES."""
    for n in range(LANES):
        seen[n] += events[at + n]
        seen[LANES + n] += events[at + n] > 0


def prefix_lanes_scalar(
    sums: Words, at: int, pitch: int, count: int, state: Words, least: Words, greatest: Words, place: int
) -> None:
    """Add sums[at + g * pitch + n], g < count ascending, to state[place + n]; every total into the extremes.

    For n < LANES, modulo 2**32; the extremes stand at the same place.
    """
    for g in range(count):
        for n in range(LANES):
            _add(state, place + n, int(sums[at + g * pitch + n]))
            least[place + n] = min(least[place + n], state[place + n])
            greatest[place + n] = max(greatest[place + n], state[place + n])


def saturate_lanes_scalar(
    sums: Words, at: int, pitch: int, count: int, bits: int, state: Words, place: int, events: Words, events_at: int
) -> None:
    """Registers state[place + n] take sums[at + g * pitch + n], g < count ascending, clamped to `bits` every time.

    events[events_at + n] counts the clamps; n < LANES. Needs bits <= 31 and sums below 2**30 in magnitude.
    """
    half = 1 << (bits - 1)
    for g in range(count):
        for n in range(LANES):
            wanted = int(state[place + n]) + int(sums[at + g * pitch + n])
            state[place + n] = min(max(wanted, -half), half - 1)
            events[events_at + n] += state[place + n] != wanted


def wrap_lanes_scalar(
    sums: Words, at: int, pitch: int, count: int, bits: int, state: Words, place: int, events: Words, events_at: int
) -> None:
    """Exact totals state[place + n] take sums[at + g * pitch + n], g < count ascending.

    events[events_at + n] counts the sums with which floor((total + 2**(bits - 1)) / 2**bits) changes: those where a
    register that wraps at `bits` leaves its range; n < LANES. Needs bits <= 31 and totals below 2**30 in magnitude.
    """
    half = 1 << (bits - 1)
    for g in range(count):
        for n in range(LANES):
            before = int(state[place + n])
            after = before + int(sums[at + g * pitch + n])
            state[place + n] = after
            events[events_at + n] += (after + half) >> bits != (before + half) >> bits


Operation = Callable[..., None]

dot_tile: Operation = intrinsics.dot_tile if jit_enabled() else dot_tile_scalar
add_products: Operation = intrinsics.add_products if jit_enabled() else add_products_scalar
add_code_products: Operation = intrinsics.add_code_products if jit_enabled() else add_code_products_scalar
see_lanes: Operation = intrinsics.see_lanes if jit_enabled() else see_lanes_scalar
prefix_lanes: Operation = intrinsics.prefix_lanes if jit_enabled() else prefix_lanes_scalar
saturate_lanes: Operation = intrinsics.saturate_lanes if jit_enabled() else saturate_lanes_scalar
wrap_lanes: Operation = intrinsics.wrap_lanes if jit_enabled() else wrap_lanes_scalar
copy_lanes: Operation = intrinsics.copy_lanes if jit_enabled() else copy_lanes_scalar
reach_lanes: Callable[..., int] = intrinsics.reach_lanes if jit_enabled() else reach_lanes_scalar
clamp_lanes: Operation = intrinsics.clamp_lanes if jit_enabled() else clamp_lanes_scalar
fold_lanes: Operation = intrinsics.fold_lanes if jit_enabled() else fold_lanes_scalar
round_lanes: Operation = intrinsics.round_lanes if jit_enabled() else round_lanes_scalar
error_lanes: Operation = intrinsics.error_lanes if jit_enabled() else error_lanes_scalar
event_lanes: Operation = intrinsics.event_lanes if jit_enabled() else event_lanes_scalar
