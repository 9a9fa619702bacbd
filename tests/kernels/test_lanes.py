"""Each vector operation against its scalar meaning, at odd offsets and with operands that wrap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fxsim._core.jit import jit_enabled, kernel
from fxsim.kernels import lanes
from fxsim.kernels.intrinsics import LANES, TILE
from fxsim.numerics.reference import ref_rescale

pytestmark = pytest.mark.skipif(not jit_enabled(), reason="the scalar meanings stand in for themselves")

Words = NDArray[np.int32]

SIZE = 200
INT32 = np.iinfo(np.int32)
seeds = st.integers(0, 2**32 - 1)
offsets = st.integers(0, 15)


@kernel
def dot_tile(
    sums: Words, at: int, pitch: int, w: Words, w_at: int, w_pitch: int, x: Words, x_at: int, x_pitch: int, count: int
) -> None:
    lanes.dot_tile(sums, at, pitch, w, w_at, w_pitch, x, x_at, x_pitch, count)


@kernel
def add_products(sums: Words, at: int, w: Words, w_at: int, x: Words, x_at: int) -> None:
    lanes.add_products(sums, at, w, w_at, x, x_at)


@kernel
def add_code_products(
    sums: Words, at: int, w: Words, w_at: int, codes: NDArray[np.uint8], code_at: int, flip: int, zero: int
) -> None:
    lanes.add_code_products(sums, at, w, w_at, codes, code_at, flip, zero)


@kernel
def see_lanes(sums: Words, at: int, least: Words, greatest: Words, lane: int) -> None:
    lanes.see_lanes(sums, at, least, greatest, lane)


@kernel
def prefix_lanes(
    sums: Words, at: int, pitch: int, count: int, state: Words, least: Words, greatest: Words, place: int
) -> None:
    lanes.prefix_lanes(sums, at, pitch, count, state, least, greatest, place)


@kernel
def saturate_lanes(
    sums: Words, at: int, pitch: int, count: int, bits: int, state: Words, place: int, events: Words, events_at: int
) -> None:
    lanes.saturate_lanes(sums, at, pitch, count, bits, state, place, events, events_at)


@kernel
def wrap_lanes(
    sums: Words, at: int, pitch: int, count: int, bits: int, state: Words, place: int, events: Words, events_at: int
) -> None:
    lanes.wrap_lanes(sums, at, pitch, count, bits, state, place, events, events_at)


@kernel
def clamp_lanes(source: Words, at: int, bits: int, target: Words, events: Words, place: int) -> None:
    lanes.clamp_lanes(source, at, bits, target, events, place)


@kernel
def fold_lanes(source: Words, at: int, bits: int, target: Words, place: int) -> None:
    lanes.fold_lanes(source, at, bits, target, place)


@kernel
def copy_lanes(source: Words, at: int, target: Words, place: int) -> None:
    lanes.copy_lanes(source, at, target, place)


@kernel
def reach_lanes(least: Words, greatest: Words, at: int) -> int:
    return lanes.reach_lanes(least, greatest, at)


@kernel
def round_lanes(
    values: Words, at: int, scales: Words, lane: int, pitch: int, zero: int, lo: int, hi: int, codes: Words
) -> None:
    lanes.round_lanes(values, at, scales, lane, pitch, zero, lo, hi, codes)


@kernel
def error_lanes(codes: Words, wanted: Words, at: int, errors: Words, noise: NDArray[np.int64]) -> None:
    lanes.error_lanes(codes, wanted, at, errors, noise)


@kernel
def event_lanes(events: Words, at: int, seen: Words) -> None:
    lanes.event_lanes(events, at, seen)


def words(rng: np.random.Generator, size: int = SIZE) -> Words:
    """Small operands and extremes, mixed."""
    small = rng.integers(-300, 300, size)
    wild = rng.choice([INT32.min, INT32.max, -1, 0, 1], size)
    return np.where(rng.random(size) < 0.8, small, wild).astype(np.int32)


@given(seeds, offsets, offsets, offsets, st.integers(0, 6))
def test_dot_tile(seed: int, at: int, w_at: int, x_at: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    sums, w, x = words(rng), words(rng), words(rng)
    wanted = sums.copy()
    pitch, w_pitch, x_pitch = LANES + int(rng.integers(9)), LANES + int(rng.integers(9)), int(rng.integers(1, 40))
    lanes.dot_tile_scalar(wanted, at, pitch, w, w_at, w_pitch, x, x_at, x_pitch, count)
    dot_tile(sums, at, pitch, w, w_at, w_pitch, x, x_at, x_pitch, count)
    assert np.array_equal(sums, wanted)
    assert TILE * x_pitch + x_at <= SIZE


@given(seeds, offsets, offsets, offsets)
def test_add_products(seed: int, at: int, w_at: int, x_at: int) -> None:
    rng = np.random.default_rng(seed)
    sums, w, x = words(rng), words(rng), words(rng)
    wanted = sums.copy()
    lanes.add_products_scalar(wanted, at, w, w_at, x, x_at)
    add_products(sums, at, w, w_at, x, x_at)
    assert np.array_equal(sums, wanted)


@given(seeds, offsets, offsets, offsets, st.sampled_from([0, 128]), st.integers(-128, 255))
def test_add_code_products(seed: int, at: int, w_at: int, code_at: int, flip: int, zero: int) -> None:
    rng = np.random.default_rng(seed)
    sums, w, codes = words(rng), words(rng), rng.integers(0, 256, SIZE, dtype=np.uint8)
    wanted = sums.copy()
    lanes.add_code_products_scalar(wanted, at, w, w_at, codes, code_at, flip, zero)
    add_code_products(sums, at, w, w_at, codes, code_at, flip, zero)
    assert np.array_equal(sums, wanted)


@given(seeds, offsets, offsets)
def test_see_lanes(seed: int, at: int, lane: int) -> None:
    rng = np.random.default_rng(seed)
    sums, least, greatest = words(rng), words(rng), words(rng)
    low, high = least.copy(), greatest.copy()
    lanes.see_lanes_scalar(sums, at, low, high, lane)
    see_lanes(sums, at, least, greatest, lane)
    assert np.array_equal(least, low)
    assert np.array_equal(greatest, high)


@given(seeds, offsets, offsets, st.integers(0, 6))
def test_prefix_lanes(seed: int, at: int, place: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    sums, state, least, greatest = words(rng), words(rng), words(rng), words(rng)
    total, low, high, pitch = state.copy(), least.copy(), greatest.copy(), LANES + int(rng.integers(9))
    lanes.prefix_lanes_scalar(sums, at, pitch, count, total, low, high, place)
    prefix_lanes(sums, at, pitch, count, state, least, greatest, place)
    assert np.array_equal([state, least, greatest], [total, low, high])


@given(seeds, offsets, offsets, st.integers(0, 6), st.integers(2, 31), st.booleans())
def test_narrow_registers(seed: int, at: int, place: int, count: int, bits: int, saturating: bool) -> None:
    """Sums of the width's own size, and registers that stand at its ends."""
    rng = np.random.default_rng(seed)
    half = 1 << (bits - 1)
    reach = min(4 * half, (1 << 30) // 8)
    sums = rng.integers(-reach, reach, SIZE).astype(np.int32)
    ends = rng.integers(0, 2, SIZE) * (2 * half - 1) - half
    start = ends if saturating else ends.clip(-reach, reach - 1)
    state, events = start.astype(np.int32), rng.integers(0, 9, SIZE).astype(np.int32)
    wanted, seen, pitch = state.copy(), events.copy(), LANES + int(rng.integers(9))
    twin = lanes.saturate_lanes_scalar if saturating else lanes.wrap_lanes_scalar
    fast = saturate_lanes if saturating else wrap_lanes
    twin(sums, at, pitch, count, bits, wanted, place, seen, 15 - place)
    fast(sums, at, pitch, count, bits, state, place, events, 15 - place)
    assert np.array_equal(state, wanted)
    assert np.array_equal(events, seen)


@given(seeds, offsets, offsets, st.integers(2, 31))
def test_clamped_and_folded(seed: int, at: int, place: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    edge = rng.choice([-1, 1], SIZE) * (1 << (bits - 1)) + rng.integers(-2, 2, SIZE)
    source = np.where(rng.random(SIZE) < 0.5, edge, words(rng)).astype(np.int32)
    found = [words(rng), words(rng), words(rng)]
    clamped, events, folded = (array.copy() for array in found)
    lanes.clamp_lanes_scalar(source, at, bits, clamped, events, place)
    lanes.fold_lanes_scalar(source, at, bits, folded, place)
    clamp_lanes(source, at, bits, found[0], found[1], place)
    fold_lanes(source, at, bits, found[2], place)
    assert np.array_equal(found, [clamped, events, folded])


@given(seeds, offsets, offsets)
def test_copied_and_reached(seed: int, at: int, place: int) -> None:
    rng = np.random.default_rng(seed)
    low, high, target = words(rng), words(rng), words(rng)
    wanted = target.copy()
    lanes.copy_lanes_scalar(low, at, wanted, place)
    copy_lanes(low, at, target, place)
    assert np.array_equal(target, wanted)
    assert reach_lanes(low, high, at) == lanes.reach_lanes_scalar(low, high, at)


@given(seeds, offsets, st.integers(-32768, 32767))
def test_rounded_as_the_scheme_says(seed: int, at: int, zero: int) -> None:
    """TFL_DOUBLE of plain integers; values, shifts and multipliers at their ends, among others."""
    rng = np.random.default_rng(seed)
    values, codes = words(rng), words(rng)
    multiplier = rng.choice([0, 1 << 30, (1 << 31) - 1, int(rng.integers(1 << 31))], LANES)
    shift = rng.choice([-31, -1, 0, 1, 30, int(rng.integers(-31, 31))], LANES)
    scales = np.concatenate([multiplier, shift.clip(0), (-shift).clip(0)]).astype(np.int32)
    lo, hi = (-128, 127) if rng.random() < 0.5 else (-32768, 32767)
    rows = zip(values[at : at + LANES].tolist(), multiplier.tolist(), shift.tolist(), strict=True)
    exact = [ref_rescale(value, m, s, 0.0, "TFL_DOUBLE", 32) for value, m, s in rows]
    wanted = codes.copy()
    wanted[at : at + LANES] = [min(max(value + zero, lo), hi) for value in exact]
    both = codes.copy()
    lanes.round_lanes_scalar(values, at, scales, 0, LANES, zero, lo, hi, both)
    round_lanes(values, at, scales, 0, LANES, zero, lo, hi, codes)
    assert np.array_equal(both, wanted)
    assert np.array_equal(codes, wanted)


@given(seeds, offsets)
def test_counted_events_and_errors(seed: int, at: int) -> None:
    rng = np.random.default_rng(seed)
    codes, wanted = rng.integers(-32768, 32768, (2, SIZE)).astype(np.int32)
    wanted[: SIZE // 2] = codes[: SIZE // 2]
    events = rng.integers(0, 3, SIZE).astype(np.int32)
    errors, seen, noise = *rng.integers(0, 70000, (2, 2 * LANES)).astype(np.int32), rng.integers(0, 1 << 40, LANES)
    found = errors.copy(), seen.copy(), noise.copy()
    for place in (at, SIZE - 2 * LANES - at):
        lanes.error_lanes_scalar(codes, wanted, place, errors, noise)
        lanes.event_lanes_scalar(events, place, seen)
        error_lanes(codes, wanted, place, found[0], found[2])
        event_lanes(events, place, found[1])
    assert np.array_equal(errors, found[0])
    assert np.array_equal(seen, found[1])
    assert np.array_equal(noise, found[2])
