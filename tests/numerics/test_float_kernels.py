"""Convolutions in binary32 against a loop over rounded scalars, compiled and as plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fxsim.numerics import convolve_floats, convolve_floats_by_channel
from tests.ops.naive import Geometry, f32

Floats = NDArray[np.float32]
PLAIN = [getattr(k, "py_func", k) for k in (convolve_floats, convolve_floats_by_channel)]
KERNELS = [convolve_floats, convolve_floats_by_channel]


def summed(terms: list[tuple[float, float]], start: float, *, fused: bool) -> float:
    """Each product and each sum rounded to binary32; `fused`: the sum alone."""
    acc = start
    for x, w in terms:
        acc = f32(acc + (x * w if fused else f32(x * w)))
    return acc


def convolved(x: Floats, stream: Floats, g: Geometry, out: Floats, own: bool, *, fused: bool = False) -> Floats:
    images, found, channels = x.tolist(), out.copy(), range(x.shape[3])
    for i, oy, ox, n in np.ndindex(*out.shape):
        terms, k = [], 0
        for _, _, iy, ix in g.taps(oy, ox):
            for c in [n] if own else channels:
                if iy is not None:
                    terms.append((images[i][iy][ix][c], float(stream[k, n])))
                k += 1
        found[i, oy, ox, n] = summed(terms, float(out[i, oy, ox, n]), fused=fused)
    return found


def case(seed: int, outputs: int, own: bool) -> tuple[Floats, Floats, Geometry, Any, Floats]:
    """Random layer whose products have more bits than binary32 holds, and whose sums cancel."""
    rng = np.random.default_rng(seed)
    draw = rng.integers
    (h, w, kh, kw), (sh, sw, dh, dw) = draw(2, 5, 4).tolist(), draw(1, 3, 4).tolist()
    g = Geometry(h, w, kh - 1, kw - 1, sh, sw, dh, dw, ["SAME", "VALID"][seed % 2])
    g = g if g.rows[0] > 0 and g.cols[0] > 0 else Geometry(4, 3, 3, 2)
    channels = outputs if own else int(draw(1, 4))
    x = np.ldexp(rng.normal(size=(2, g.in_h, g.in_w, channels)), draw(-6, 7, channels)).astype(np.float32)
    stream = rng.normal(size=(g.kh * g.kw * (1 if own else channels), outputs)).astype(np.float32)
    taps = tuple(map(int, (g.kh, g.kw, g.sh, g.sw, g.dh, g.dw, g.rows[1], g.cols[1])))
    return x, stream, g, taps, rng.normal(size=(2, g.rows[0], g.cols[0], outputs)).astype(np.float32)


@pytest.mark.parametrize("own", [False, True])
def test_every_product_and_sum_is_rounded(own: bool) -> None:
    fused = 0
    for seed, outputs in enumerate([1, 2, 3, 5, 8, 9, 17]):
        x, stream, g, taps, out = case(seed, outputs, own)
        expected = convolved(x, stream, g, out, own)
        fused += int(np.count_nonzero(expected != convolved(x, stream, g, out, own, fused=True)))
        for kernel in (KERNELS[own], PLAIN[own]):
            got = out.copy()
            kernel(x, stream, taps, got)
            np.testing.assert_array_equal(got, expected)
    assert fused > 50  # contraction to fused multiply-adds would have been seen


def test_sums_are_sequential() -> None:
    """2**24 + 1 is rounded away, whatever follows."""
    x = np.array([2.0**24, 1, 1, 1, -(2.0**24)], np.float32).reshape(1, 1, 1, 5)
    for columns in (1, 16, 33):
        out = np.zeros((1, 1, 1, columns), np.float32)
        convolve_floats(x, np.ones((5, columns), np.float32), (1, 1, 1, 1, 1, 1, 0, 0), out)
        assert set(out.ravel().tolist()) == {0.0}


def test_taps_far_beyond_the_image() -> None:
    """One row of two under a kernel of three, two apart: the taps of a position lie at -2, 0, 2 or at -1, 1, 3."""
    for kernel in (*KERNELS, *PLAIN):
        out = np.zeros((1, 1, 2, 1), np.float32)
        x = np.array([2, 3], np.float32).reshape(1, 1, 2, 1)
        kernel(x, np.array([[10], [100], [1000]], np.float32), (1, 3, 1, 1, 1, 2, 0, 2), out)
        assert out.ravel().tolist() == [200.0, 300.0]
