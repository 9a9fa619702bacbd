"""Sliding-window geometry: SAME and VALID padding, strides, dilation, kernels larger than the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim.numerics import same_padding, valid_padding

if TYPE_CHECKING:
    from fxsim.graph import Network, Node
    from fxsim.ops.legality import Problems


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

    @property
    def taps(self) -> tuple[int, int, int, int, int, int, int, int]:
        """Kernel height and width, strides, dilations, leading padding."""
        g = self
        return g.kh, g.kw, g.stride_h, g.stride_w, g.dilation_h, g.dilation_w, g.pad_top, g.pad_left

    def macs(self, channels: int) -> int:
        """Multiply-adds per sample of a layer with `channels` outputs per position, padded taps included."""
        return self.batch * self.positions * self.depth * channels


def fit(size: int, kernel: int, stride: int, dilation: int, padding: str) -> tuple[int, int]:
    """Output size and leading padding along one axis; size 0 where a VALID kernel is larger than the input."""
    rule = same_padding if padding == "SAME" else valid_padding
    out, before, _ = rule(size, kernel, stride, dilation)
    return out, before


def check_window(found: Problems, net: Network, node: Node) -> bool:
    """Check rank, strides, dilations, padding and that an output exists; whether shapes may be looked at further."""
    if len(node.inputs) < 2 or min(node.inputs[:2]) < 0:
        return False
    x, w = (net.values[i] for i in node.inputs[:2])
    ranked = found.rank("input", x, 4) and len(w.type.shape) == 4
    legal = found.positive(node, "stride_h", "stride_w", "dilation_h", "dilation_w")
    if not (found.padding(node) and legal and ranked):
        return False
    a, (_, in_h, in_w, _), (_, kh, kw, _) = node.attrs, x.type.shape, w.type.shape
    out_h, _ = fit(in_h, kh, a.stride_h, a.dilation_h, a.padding)
    out_w, _ = fit(in_w, kw, a.stride_w, a.dilation_w, a.padding)
    return check_extent(found, out_h, out_w)


def check_extent(found: Problems, out_h: int, out_w: int) -> bool:
    """Expect at least one output position."""
    return found.expect(out_h > 0 and out_w > 0, f"window must fit the input, output would be {out_h} x {out_w}")
