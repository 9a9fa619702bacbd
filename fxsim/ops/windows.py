"""Sliding-window geometry: SAME and VALID padding, strides, dilation, kernels larger than the image."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """Where every output position of a layer finds its taps; all in pixels and channels.

    Output (oy, ox) has its window's first tap at input pixel (oy * stride_h - pad_top, ox * stride_w - pad_left); tap
    (ky, kx) lies dilation_h * ky rows and dilation_w * kx columns further. A fully connected layer is a 1x1 window
    over one row of pixels, one pixel per vector.

    Attributes
    ----------
    batch
        Images per sample (the model's own first dimension).
    channels
        Input channels.
    depth_mult
        Depthwise: outputs per input channel; 0 where every output reads all channels.
    """

    batch: int
    in_h: int
    in_w: int
    channels: int
    kh: int
    kw: int
    stride_h: int
    stride_w: int
    dilation_h: int
    dilation_w: int
    pad_top: int
    pad_left: int
    out_h: int
    out_w: int
    depth_mult: int = 0

    @property
    def positions(self) -> int:
        """Output positions of one image."""
        return self.out_h * self.out_w

    @property
    def depth(self) -> int:
        """Products per output K: taps times channels, taps alone for depthwise."""
        return self.kh * self.kw * (1 if self.depth_mult else self.channels)


def extent(size: int, kernel: int, stride: int, dilation: int, padding: str) -> int:
    """Output size along one axis; 0 or less where a VALID kernel is larger than the input.

    Source: semantics of tflite/kernels/padding.h. SAME: ceil(size / stride). VALID: floor((size - eff + stride) / stride)
    with eff = (kernel - 1) * dilation + 1.
    """
    if padding == "SAME":
        return -(-size // stride)
    return (size - _effective(kernel, dilation) + stride) // stride


def pad_before(size: int, kernel: int, stride: int, dilation: int, out: int) -> int:
    """Padding in front of one axis: half of what the last window lacks, rounded down (the odd pixel goes behind)."""
    total = max((out - 1) * stride + _effective(kernel, dilation) - size, 0)
    return total // 2


def _effective(kernel: int, dilation: int) -> int:
    return (kernel - 1) * dilation + 1
