"""Twins of the operators on reals: Python floats rounded to binary32 after every step, written from the definitions."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxsim.graph import Network, Node, Value
from fxsim.numerics.reference import ref_dequantize
from tests.ops.mac_cases import LIMITS
from tests.ops.naive import Geometry, f32, stretched

Reals = NDArray[np.float64]
"""Values of binary32 numbers."""
Twin = Callable[[Network, Node, list[Reals]], Reals]


def dequantized(value: Value, codes: NDArray[Any]) -> Reals:
    """Reals of codes without a sample axis; of several steps each belongs to one index of the axis."""
    quant, found = value.type.quant, np.empty(codes.shape)
    assert quant is not None
    scales, zeros = quant.scale.tolist(), quant.zero_point.tolist()
    for index in np.ndindex(*codes.shape):
        step = index[quant.axis] if quant.axis is not None and len(scales) > 1 else 0
        found[index] = ref_dequantize(int(codes[index]), scales[step], zeros[step], len(scales) == 1)
    return found


def clamped(real: float, activation: str) -> float:
    low, high = LIMITS[activation]
    real = real if low is None else max(real, float(low))
    return real if high is None else min(real, float(high))


def summed(values: Sequence[float]) -> float:
    total = 0.0
    for value in values:
        total = f32(total + value)
    return total


def filled(shape: Sequence[int], value: Callable[[tuple[int, ...]], float]) -> Reals:
    found = np.empty(tuple(shape))
    for index in np.ndindex(*shape):
        found[index] = value(index)
    return found


def result_shape(net: Network, node: Node) -> tuple[int, ...]:
    return net.values[node.outputs[0]].type.shape


def convolution(net: Network, node: Node, operands: list[Reals]) -> Reals:
    a, (x, w, *bias) = node.attrs, operands
    g = Geometry(x.shape[1], x.shape[2], w.shape[1], w.shape[2], a.stride_h, a.stride_w, a.dilation_h, a.dilation_w)
    g.padding = a.padding
    depthwise = node.op == "DEPTHWISE_CONV_2D"
    mult = w.shape[3] // x.shape[3]

    def value(index: tuple[int, ...]) -> float:
        i, oy, ox, n = index
        products = []
        for ky, kx, iy, ix in g.taps(oy, ox):
            if iy is not None and depthwise:
                products.append(f32(x[i, iy, ix, n // mult] * w[0, ky, kx, n]))
            elif iy is not None:
                products += [f32(x[i, iy, ix, c] * w[n, ky, kx, c]) for c in range(x.shape[3])]
        return clamped(biased(summed(products), bias, n), a.activation)

    return filled(result_shape(net, node), value)


def biased(total: float, bias: list[Reals], channel: int) -> float:
    return f32(total + bias[0][channel]) if bias else total


def matrix(net: Network, node: Node, operands: list[Reals]) -> Reals:
    x, w, *bias = operands
    rows = x.reshape(-1, w.shape[1]).tolist()

    def value(index: tuple[int, ...]) -> float:
        v, n = index
        products = [f32(p * q) for p, q in zip(rows[v], w[n].tolist(), strict=True)]
        return clamped(biased(summed(products), bias, n), node.attrs.activation)

    return filled((len(rows), len(w)), value).reshape(result_shape(net, node))


def pooling(net: Network, node: Node, operands: list[Reals]) -> Reals:
    a, (x,) = node.attrs, operands
    g = Geometry(x.shape[1], x.shape[2], a.filter_h, a.filter_w, a.stride_h, a.stride_w, padding=a.padding)

    def value(index: tuple[int, ...]) -> float:
        i, oy, ox, c = index
        taken = [float(x[i, iy, ix, c]) for _, _, iy, ix in g.taps(oy, ox) if iy is not None]
        reduced = max(taken) if node.op == "MAX_POOL_2D" else f32(summed(taken) / len(taken))
        return clamped(reduced, a.activation)

    return filled(result_shape(net, node), value)


def binary(net: Network, node: Node, operands: list[Reals]) -> Reals:
    x, y = operands
    combine: Callable[[float, float], float] = getattr(operator, node.op.lower())
    return filled(
        result_shape(net, node),
        lambda i: clamped(f32(combine(x[stretched(i, x.shape)], y[stretched(i, y.shape)])), node.attrs.activation),
    )


def activation(_: Network, node: Node, operands: list[Reals]) -> Reals:
    return filled(operands[0].shape, lambda i: clamped(operands[0][i], node.op))


def curve(_: Network, node: Node, operands: list[Reals]) -> Reals:
    def value(index: tuple[int, ...]) -> float:
        x = float(operands[0][index])
        return f32(math.tanh(x)) if node.op == "TANH" else f32(1 / f32(1 + f32(math.exp(-x))))

    return filled(operands[0].shape, value)


def softmax(_: Network, node: Node, operands: list[Reals]) -> Reals:
    found, beta = np.empty(operands[0].shape), f32(node.attrs.beta)
    for index in np.ndindex(*found.shape[:-1]):
        row = operands[0][index].tolist()
        exps = [f32(math.exp(f32(f32(x - max(row)) * beta))) for x in row]
        found[index] = [f32(e / summed(exps)) for e in exps]
    return found


def mean(net: Network, node: Node, operands: list[Reals]) -> Reals:
    x, listed = operands[0], net.values[node.inputs[1]].data
    assert listed is not None
    axes = sorted({int(a) % x.ndim for a in listed.ravel()})
    kept = [a for a in range(x.ndim) if a not in axes]

    def value(index: tuple[int, ...]) -> float:
        taken = []
        for rest in product(*(range(x.shape[a]) for a in axes)):
            place = dict(zip([*kept, *axes], [*index, *rest], strict=True))
            taken.append(float(x[tuple(place[a] for a in range(x.ndim))]))
        return f32(summed(taken) / len(taken))

    return filled([x.shape[a] for a in kept], value).reshape(result_shape(net, node))


def padding(net: Network, node: Node, operands: list[Reals]) -> Reals:
    sizes = net.values[node.inputs[1]].data
    assert sizes is not None
    found = np.full(result_shape(net, node), float(operands[2].ravel()[0]) if len(operands) > 2 else 0.0)
    inner = [slice(int(before), int(before) + n) for (before, _), n in zip(sizes, operands[0].shape, strict=True)]
    found[tuple(inner)] = operands[0]
    return found


def joined(net: Network, node: Node, operands: list[Reals]) -> Reals:
    found, axis, start = np.empty(result_shape(net, node)), node.attrs.axis % operands[0].ndim, 0
    for x in operands:
        found[(slice(None),) * axis + (slice(start, start + x.shape[axis]),)] = x
        start += x.shape[axis]
    return found


def moved(net: Network, node: Node, operands: list[Reals]) -> Reals:
    return np.array(operands[0].ravel().tolist()).reshape(result_shape(net, node))


TWINS: dict[str, Twin] = {
    "CONV_2D": convolution,
    "DEPTHWISE_CONV_2D": convolution,
    "FULLY_CONNECTED": matrix,
    "AVERAGE_POOL_2D": pooling,
    "MAX_POOL_2D": pooling,
    "ADD": binary,
    "SUB": binary,
    "MUL": binary,
    "RELU": activation,
    "RELU6": activation,
    "RELU_N1_TO_1": activation,
    "LOGISTIC": curve,
    "TANH": curve,
    "SOFTMAX": softmax,
    "MEAN": mean,
    "PAD": padding,
    "PADV2": padding,
    "CONCATENATION": joined,
    "RESHAPE": moved,
    "SQUEEZE": moved,
    "EXPAND_DIMS": moved,
    "QUANTIZE": moved,
    "DEQUANTIZE": moved,
}
