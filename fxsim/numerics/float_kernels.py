"""Convolutions in binary32, in a fixed order: the same bits on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.jit import entry_kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Taps = tuple[int, int, int, int, int, int, int, int]


@entry_kernel
def convolve_floats(x: Floats, stream: Floats, taps: Taps, out: Floats) -> None:
    """Add a convolution of x [I, H, W, C] with stream [K, N] to out [I, OH, OW, N], all in C order.

    K runs over (ky, kx, channel), ascending; each product and each sum is rounded to binary32. `taps` are kernel
    height and width, strides, dilations, leading rows and columns of padding; padded taps add nothing. Outputs are side
    by side in the inner loop, so that it runs in vector lanes without another order of any sum. Overflow: infinities,
    and NaN where they meet.
    """
    kh, kw, stride_h, stride_w, dilation_h, dilation_w, top, left = taps
    for i in range(out.shape[0]):
        for oy in range(out.shape[1]):
            for ox in range(out.shape[2]):
                for tap in range(kh * kw):
                    iy = oy * stride_h - top + tap // kw * dilation_h
                    ix = ox * stride_w - left + tap % kw * dilation_w
                    if 0 <= iy < x.shape[1] and 0 <= ix < x.shape[2]:
                        for c in range(x.shape[3]):
                            factor, k = x[i, iy, ix, c], tap * x.shape[3] + c
                            for n in range(out.shape[3]):
                                out[i, oy, ox, n] += factor * stream[k, n]


@entry_kernel
def convolve_floats_by_channel(x: Floats, stream: Floats, taps: Taps, out: Floats) -> None:
    """As `convolve_floats`, output channel n reading input channel n alone: N = C, and K runs over (ky, kx)."""
    kh, kw, stride_h, stride_w, dilation_h, dilation_w, top, left = taps
    for i in range(out.shape[0]):
        for oy in range(out.shape[1]):
            for ox in range(out.shape[2]):
                for tap in range(kh * kw):
                    iy = oy * stride_h - top + tap // kw * dilation_h
                    ix = ox * stride_w - left + tap % kw * dilation_w
                    if 0 <= iy < x.shape[1] and 0 <= ix < x.shape[2]:
                        for n in range(out.shape[3]):
                            out[i, oy, ox, n] += x[i, iy, ix, n] * stream[tap, n]
