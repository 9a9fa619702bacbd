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
