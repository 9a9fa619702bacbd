"""Fake quantization of whole networks once more: a NumPy step per product, PyTorch's formula spelled out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxsim.graph import Network, Node, Value

Floats = NDArray[Any]
F = np.float32


def step(value: Value) -> tuple[Floats, NDArray[np.int64]]:
    assert value.type.quant is not None
    return value.type.quant.scale, value.type.quant.zero_point


def real(value: Value, codes: Any) -> Any:
    """Reals of computed codes, or of weights by output channel: the last axis of `codes`."""
    scale, zero = step(value)
    return (codes.astype(F) - zero.astype(F)) * scale


def code(value: Value, y: Floats) -> NDArray[Any]:
    (scale,), (zero,) = step(value)
    dtype = value.type.dtype
    q = np.rint(y * (F(1) / scale)).astype(np.int64) + zero
    found: NDArray[Any] = q.clip(dtype.lo, dtype.hi).astype(dtype.numpy)
    return found


def relu(node: Node, y: Floats) -> Floats:
    assert node.attrs.activation in ("NONE", "RELU", "RELU6")
    low, high = {"NONE": (-np.inf, np.inf), "RELU": (0, np.inf), "RELU6": (0, 6)}[node.attrs.activation]
    return y.clip(F(low), F(high))


def surrounded(node: Node, x: Floats, size: tuple[int, int], out: tuple[int, int]) -> Floats:
    """Zeros around images, so that a tap is a slice."""
    a, pads = node.attrs, []
    for n, kernel, stride, count in zip(x.shape[1:3], size, (a.stride_h, a.stride_w), out, strict=True):
        missing = max((count - 1) * stride + kernel - n, 0)
        pads.append((missing // 2, missing - missing // 2))
    return np.pad(x, ((0, 0), *pads, (0, 0)))


def taps(node: Node, x: Floats, ky: int, kx: int, out: tuple[int, int]) -> Floats:
    a = node.attrs
    rows = slice(ky, ky + (out[0] - 1) * a.stride_h + 1, a.stride_h)
    return x[:, rows, kx : kx + (out[1] - 1) * a.stride_w + 1 : a.stride_w]


def convolution(net: Network, node: Node, x: Floats) -> Floats:
    w = net.values[node.inputs[1]]
    (_, out_h, out_w, channels), own = net.values[node.outputs[0]].type.shape, node.op == "DEPTHWISE_CONV_2D"
    assert w.data is not None
    k = real(w, w.data if own else w.data.transpose(1, 2, 3, 0))
    kh, kw = k.shape[1:3] if own else k.shape[:2]
    padded = surrounded(node, x, (kh, kw), (out_h, out_w))
    acc = np.zeros((len(x), out_h, out_w, channels), F)
    for ky, kx in np.ndindex(kh, kw):
        seen = taps(node, padded, ky, kx, (out_h, out_w))
        if own:
            acc = acc + seen * k[0, ky, kx]
        for c in range(0 if own else x.shape[3]):
            acc = acc + seen[..., c, None] * k[ky, kx, c]
    return acc


def matrix(net: Network, node: Node, x: Floats) -> Floats:
    w = net.values[node.inputs[1]]
    assert w.data is not None
    k, rows = real(w, w.data.T), x.reshape(-1, w.data.shape[1])
    acc = np.zeros((len(rows), len(w.data)), F)
    for i in range(len(k)):
        acc = acc + rows[:, i, None] * k[i]
    return acc


def layer(net: Network, node: Node, x: Floats) -> Floats:
    """A layer of products with its stored bias, whose step is its own."""
    acc = matrix(net, node, x) if node.op == "FULLY_CONNECTED" else convolution(net, node, x)
    b = net.values[node.inputs[2]]
    assert b.data is not None
    scale, zero = step(b)
    assert not zero.any()
    return relu(node, acc + (b.data.astype(np.float64) * scale).astype(F))


def averaged(x: Floats) -> Floats:
    """Mean over the two axes behind the samples."""
    total = np.zeros((len(x), *x.shape[3:]), F)
    for y, z in np.ndindex(*x.shape[1:3]):
        total = total + x[:, y, z]
    return total / F(x.shape[1] * x.shape[2])


def other(net: Network, node: Node, xs: list[Floats]) -> Floats:
    (x, *rest), shape = xs, net.values[node.outputs[0]].type.shape
    if node.op == "ADD":
        return relu(node, x + rest[0])
    if node.op in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        (_, h, w, c), a = shape, node.attrs
        assert (a.filter_h, a.filter_w) == (a.stride_h, a.stride_w)
        tiles = x.reshape(len(x), h, a.stride_h, w, a.stride_w, c).transpose(0, 2, 4, 1, 3, 5)
        return relu(node, tiles.max(axis=(1, 2)) if node.op == "MAX_POOL_2D" else averaged(tiles))
    if node.op == "MEAN":
        return averaged(x)
    if node.op == "SOFTMAX":
        e: Floats = np.exp((x - x.max(axis=-1, keepdims=True)).astype(np.float64)).astype(F)
        total = e[..., :1]
        for i in range(1, e.shape[-1]):
            total = total + e[..., i : i + 1]
        return np.asarray(e / total)
    assert node.op == "RESHAPE"
    return x.reshape(len(x), *shape[1:])


def codes_of(net: Network, x: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Codes of every tensor from those of the one input; networks of our own kinds only."""
    (start,) = net.inputs
    found = {start: x}
    for node in net.nodes:
        reals = [real(net.values[i], found[i]) for i in node.inputs if i in found]
        one = layer(net, node, reals[0]) if len(node.inputs) == 3 else other(net, node, reals)
        found[node.outputs[0]] = code(net.values[node.outputs[0]], one)
    return {net.values[i].name: codes for i, codes in found.items()}
