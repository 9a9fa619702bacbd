"""What the two pooling operators share: attributes, legality, geometry, windows of taps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from fxsim.graph import DType
from fxsim.numerics import activation_range
from fxsim.ops.base import ACTIVATIONS, PADDINGS, Array, OptionField, TfliteHook
from fxsim.ops.legality import Problems, quant_of
from fxsim.ops.windows import Window, check_extent, fit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fxsim.graph import Network, Node

_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Pool:
    """Attributes of AVERAGE_POOL_2D and MAX_POOL_2D."""

    padding: str = "SAME"
    stride_h: int = 1
    stride_w: int = 1
    filter_h: int = 1
    filter_w: int = 1
    activation: str = "NONE"


@dataclass(frozen=True, slots=True)
class PoolParams:
    """Geometry of a pooling node (its `depth_mult` is 1) and its output range."""

    window: Window
    clamp_lo: int
    clamp_hi: int


def pool_hook(builtin: str) -> TfliteHook:
    """Spelling of a pooling operator in a .tflite file."""
    fields = (
        OptionField("padding", "Padding", "enum", PADDINGS),
        OptionField("stride_w", "StrideW"),
        OptionField("stride_h", "StrideH"),
        OptionField("filter_w", "FilterWidth"),
        OptionField("filter_h", "FilterHeight"),
        OptionField("activation", "FusedActivationFunction", "enum", ACTIVATIONS),
    )
    return TfliteHook(builtin, "Pool2DOptions", fields, version=2)


def check_pool(net: Network, node: Node) -> list[str]:
    """List what is illegal: types, quantization, geometry."""
    found = Problems()
    found.activation(node)
    legal = found.positive(node, "stride_h", "stride_w", "filter_h", "filter_w")
    legal &= found.padding(node)
    x = found.unary(net, node)
    if x is None:
        return found
    y = net.results(node)[0]
    if found.tensor("input", x, (DType.INT8,)) and found.tensor("output", y, (DType.INT8,)):
        found.same_quant(x, y)
        if not found:
            found.derivable(lambda: output_range(net, node))
    if found.rank("input", x, 4) and legal:
        window = pool_window(net, node)
        check_extent(found, window.out_h, window.out_w)
    return found


def pool_window(net: Network, node: Node) -> Window:
    """Geometry of a pooling node; out_h or out_w is 0 or less where the window does not fit."""
    a, (batch, in_h, in_w, channels) = node.attrs, net.values[node.inputs[0]].type.shape
    out_h, top = fit(in_h, a.filter_h, a.stride_h, 1, a.padding)
    out_w, left = fit(in_w, a.filter_w, a.stride_w, 1, a.padding)
    return Window(
        batch,
        in_h,
        in_w,
        channels,
        a.filter_h,
        a.filter_w,
        a.stride_h,
        a.stride_w,
        1,
        1,
        top,
        left,
        out_h,
        out_w,
        depth_mult=1,
    )


def pool_params(net: Network, node: Node) -> PoolParams:
    """Exact parameters of a pooling node of a checked network."""
    return PoolParams(pool_window(net, node), *output_range(net, node))


def output_range(net: Network, node: Node) -> tuple[int, int]:
    """Least and greatest output code after the fused activation."""
    y = net.values[node.outputs[0]]
    quant, dtype = quant_of(y), y.type.dtype
    return activation_range(node.attrs.activation, quant.scale[0], int(quant.zero_point[0]), dtype.lo, dtype.hi)


def image_rows(x: NDArray[_T] | None) -> NDArray[_T]:
    """Images of all samples in a row: [N * B, H, W, C] of [N, B, H, W, C]."""
    assert x is not None  # a checked node has its operand
    return x.reshape(-1, *x.shape[2:])


def pooled(images: NDArray[_T], x: Array | None) -> NDArray[_T]:
    """Results [N * B, OH, OW, C] as [N, B, OH, OW, C], with the sample axis of operand `x`."""
    assert x is not None
    return images.reshape(len(x), -1, *images.shape[1:])


def taps(window: Window, images: NDArray[_T]) -> Iterator[tuple[NDArray[_T], NDArray[np.bool_]]]:
    """Taps that meet the image: their values [images, OH, OW, C], and where they lie in it, bool [OH, OW, 1]."""
    g = window
    for ky in _useful(g.kh, g.in_h + g.pad_top, g.pad_top - (g.out_h - 1) * g.stride_h):
        iy = np.arange(g.out_h) * g.stride_h - g.pad_top + ky
        for kx in _useful(g.kw, g.in_w + g.pad_left, g.pad_left - (g.out_w - 1) * g.stride_w):
            ix = np.arange(g.out_w) * g.stride_w - g.pad_left + kx
            inside = ((iy >= 0) & (iy < g.in_h))[:, None] & ((ix >= 0) & (ix < g.in_w))[None, :]
            yield images[:, iy.clip(0, g.in_h - 1)][:, :, ix.clip(0, g.in_w - 1)], inside[..., None]


def _useful(taps: int, beyond: int, first: int) -> range:
    """Taps along one axis from `first` on, below `beyond`: a window may be far larger than the image."""
    return range(max(0, first), min(taps, beyond))
