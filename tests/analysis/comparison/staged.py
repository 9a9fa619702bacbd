"""Plain twins of the models: one element at a time, in Python's integers and floats, from the definitions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim.analysis.comparison.mechanisms import Mechanism
from fxsim.numerics import Rounding
from fxsim.numerics.reference import ref_average, ref_fake_code, ref_requantize, ref_round, ref_saturate, ref_wrap
from fxsim.ops import OPERATORS, clamp_params, mac_params, mean_params, pool_params, product_params, sum_params
from fxsim.ops.quantize import rescale_params
from tests.ops import naive
from tests.ops.mac_cases import LIMITS

if TYPE_CHECKING:
    from fxsim.graph import Network, Node
    from tests.analysis.comparison.random_nodes import Case

On = frozenset[Mechanism]
Codes = Callable[[On], list[int]]
Real = int | float

STAGES = frozenset((Mechanism.MULTIPLIER, Mechanism.FIRST_ROUNDING, Mechanism.SECOND_ROUNDING, Mechanism.TIE))
RULES = {
    "TFL_DOUBLE": (Rounding.TIES_UP, Rounding.TIES_AWAY),
    "TFL_DOUBLE_UP": (Rounding.TIES_UP, Rounding.TIES_UP),
    "TFL_SINGLE": (Rounding.TIES_UP,),
    "RNDNU": (Rounding.TIES_UP,),
    "MBQM64": (Rounding.TIES_UP,),
    "RHAWAY_SHIFT": (Rounding.TIES_AWAY,),
    "REVEN_SHIFT": (Rounding.TIES_EVEN,),
    "TFL_DOUBLE_FP": (Rounding.TIES_AWAY,),
    "FP32_RNE": (Rounding.TIES_EVEN,),
    "FLOOR": (Rounding.FLOOR,),
}
WIDEST = {"REVEN_SHIFT": 62, "TFL_DOUBLE_FP": 54, "FP32_RNE": 63}
WRAPPING = ("TFL_DOUBLE", "TFL_DOUBLE_UP", "MBQM64")


@dataclass
class Rescale:
    """One channel's way from accumulators to codes."""

    scheme: str
    m: int
    s: int
    factor: float
    real: float
    zero: int
    out_zero: int
    fake: tuple[int, int]
    exact: tuple[int, int]
    acc_bits: int = 32

    def code(self, acc: Real, on: On) -> int:
        lo, hi = self.exact if Mechanism.CLAMP in on else self.fake
        overflow = Mechanism.OVERFLOW in on
        width = self.acc_bits if overflow else WIDEST.get(self.scheme, 48)
        whole = isinstance(acc, int) and on >= STAGES
        if abs(acc) > self.limit(width) or (not overflow and abs(acc) >= 2 ** (width - 1)):
            whole = overflow
        if whole:
            acc = ref_saturate(round(acc), -(2 ** (width - 1)), 2 ** (width - 1) - 1)
            return ref_requantize(acc, self.m, self.s, self.factor, self.scheme, width, self.out_zero, lo, hi)
        zero = self.out_zero if Mechanism.MULTIPLIER in on else self.zero
        return ref_saturate(self.staged(acc, on) + zero, lo, hi)

    def limit(self, width: int) -> int:
        """Magnitudes beyond wrap in the scheme's left shift."""
        return (2 ** (max(32, width) - 1) - 1) >> max(self.s, 0) if self.scheme in WRAPPING else 1 << 70

    def staged(self, acc: Real, on: On) -> int:
        factor = self.factor if Mechanism.MULTIPLIER in on else self.real
        value = acc * factor
        rules = RULES[self.scheme]
        if Mechanism.FIRST_ROUNDING in on and self.scheme == "FP32_RNE":
            value = naive.f32(naive.f32(acc) * factor)
        elif Mechanism.FIRST_ROUNDING in on and len(rules) == 2:
            rule = rules[0] if Mechanism.TIE in on else Rounding.TIES_EVEN
            drop = max(-self.s, 0)
            value = math.ldexp(ref_round(Fraction(math.ldexp(value, drop)), rule), -drop)
        return self.last(value, on)

    def last(self, value: float, on: On) -> int:
        rules = RULES[self.scheme]
        rule = rules[0] if self.s >= 0 else rules[-1]
        switch = Mechanism.SECOND_ROUNDING if rule == Rounding.FLOOR else Mechanism.TIE
        return ref_round(Fraction(value), rule if switch in on else Rounding.TIES_EVEN)


def twin(case: Case, operands: Sequence[Any]) -> Codes:
    """Codes of all elements of the case's node on `operands` for any set of mechanisms."""
    op = case.net.nodes[0].op
    made = _TWINS.get(op)
    return _lookup(case, operands) if made is None else made(case, operands)


def steps(net: Network, *ids: int) -> list[float]:
    quants = [net.values[i].type.quant for i in ids]
    return [float(q.scale[0]) for q in quants if q is not None]


def zero_of(net: Network, i: int) -> int:
    quant = net.values[i].type.quant
    assert quant is not None
    return int(quant.zero_point[0])


def fake_range(net: Network, node: Node, activation: str) -> tuple[int, int]:
    y = net.values[node.outputs[0]].type
    scale, zero = steps(net, node.outputs[0])[0], zero_of(net, node.outputs[0])
    low, high = LIMITS[activation]
    lo, hi = y.dtype.lo, y.dtype.hi
    least = lo if low is None else ref_fake_code(low, scale, zero, lo, hi)
    return least, hi if high is None else ref_fake_code(high, scale, zero, lo, hi)


def rescaling(case: Case, p: Any, real: float, acc_bits: int = 32, channel: int = 0, **other: Any) -> Rescale:
    net, node, r = case.net, case.net.nodes[0], p.requant
    n = channel if len(r) > 1 else 0
    activation = getattr(node.attrs, "activation", node.op if node.op.startswith("RELU") else "NONE")
    ends = (p.clamp_lo, p.clamp_hi) if hasattr(p, "clamp_lo") else (p.lo, p.hi)
    given: dict[str, Any] = {
        "zero": zero_of(net, node.outputs[0]),
        "out_zero": p.out_zero,
        "fake": fake_range(net, node, activation),
        "exact": ends,
    } | other
    return Rescale(
        p.scheme.name, int(r.multiplier[n]), int(r.shift[n]), float(r.real[n]), real, acc_bits=acc_bits, **given
    )


def _mac(case: Case, operands: Sequence[Any]) -> Codes:
    net, node, n = case.net, case.net.nodes[0], case.numerics
    p = mac_params(net, node, n)
    w_value, x = net.values[node.inputs[1]], operands[0].astype(int)
    assert w_value.data is not None
    assert w_value.type.quant is not None
    w, (si, so) = w_value.data.astype(int), steps(net, node.inputs[0], node.outputs[0])
    sw = np.broadcast_to(w_value.type.quant.scale, p.channels).astype(float).tolist()
    g = naive.Geometry(1, x.size // 2 // w.shape[-1], 1, 1)
    if w.ndim == 4:
        a = node.attrs
        g = naive.Geometry(
            x.shape[2],
            x.shape[3],
            w.shape[1],
            w.shape[2],
            a.stride_h,
            a.stride_w,
            a.dilation_h,
            a.dilation_w,
            a.padding,
        )
    else:
        w = w.reshape(len(w), 1, 1, -1)
    terms = naive.depthwise_terms if node.op.startswith("DEPTH") else naive.conv_terms
    images = x.reshape(-1, g.in_h, g.in_w, x.shape[-1]).tolist()
    biases, exact = _biases(case, si, sw), p.bias.tolist()
    rows = []
    for image, oy, ox, c in itertools.product(images, range(g.rows[0]), range(g.cols[0]), range(p.channels)):
        taps = terms(image, w.tolist(), g, oy, ox, c)
        zw = int(p.w_zero[c])
        total = sum((q - zw) * (v - p.x_zero) for v, q in taps if v is not None)
        machine = naive.hardware_sum(taps, exact[c], p.x_zero, zw, n, naive.Counters())
        folded = exact[c] - p.x_zero * sum(q - zw for _, q in taps)
        lost = ref_saturate(folded, -(2 ** (n.acc_bits - 1)), 2 ** (n.acc_bits - 1) - 1) - folded
        clamps = n.zero_point == "fold" and n.bias_order == "first" and n.overflow in ("saturate", "trap")
        rows.append((c, total, machine - total - exact[c], lost if clamps else 0))
    scales = [rescaling(case, p, si * sw[c] / so, n.acc_bits, c) for c in range(p.channels)]

    def code(row: tuple[int, int, int, int], on: On) -> int:
        c, total, deviation, lost = row
        acc: Real = total + (exact[c] if Mechanism.BIAS in on or biases[c] == exact[c] else biases[c])
        if Mechanism.FOLD in on:
            acc += lost
        if Mechanism.OVERFLOW in on:
            acc += deviation - lost
        return scales[c].code(acc, on)

    return lambda on: [code(row, on) for row in rows]


def _biases(case: Case, si: float, sw: list[float]) -> list[float]:
    """What fake quantization adds, in steps of the accumulator; int32 codes of the binary32 step under "grid"."""
    operands = case.net.operands(case.net.nodes[0])
    value = operands[2] if len(operands) > 2 else None
    if value is None:
        return [0.0] * len(sw)
    grid = [naive.f32(si * s) for s in sw]
    one = len(set(grid)) == 1 and value.type.quant is None
    assert value.data is not None
    own = grid if value.type.quant is None else value.type.quant.scale.astype(float).tolist()
    reals = [
        naive.f32(b * s) if one else naive.f32(naive.f32(b) * s) for b, s in zip(value.data.tolist(), own, strict=True)
    ]
    if case.bias == "grid":
        return [float(ref_fake_code(r, s, 0, -(2**31), 2**31 - 1)) for r, s in zip(reals, grid, strict=True)]
    return [r / (si * s) for r, s in zip(reals, sw, strict=True)]


def _pairs(operands: Sequence[Any], zeros: tuple[int, int]) -> list[tuple[int, int]]:
    rank = max(x.ndim for x in operands)
    x, y = (
        v.astype(int).reshape(len(v), *(1,) * (rank - v.ndim), *v.shape[1:]) - z
        for v, z in zip(operands, zeros, strict=True)
    )
    a, b = np.broadcast_arrays(x, y)
    return list(zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))


def _product(case: Case, operands: Sequence[Any]) -> Codes:
    p = product_params(case.net, case.net.nodes[0])
    first, second, out = steps(case.net, 0, 1, 2)
    pairs, scale = _pairs(operands, p.zeros), rescaling(case, p, first * second / out)
    return lambda on: [scale.code(x * y, on) for x, y in pairs]


def _sum(case: Case, operands: Sequence[Any]) -> Codes:
    net, node = case.net, case.net.nodes[0]
    p, (first, second, out) = sum_params(net, node), steps(net, 0, 1, 2)
    sign, twice, all32 = 1 if node.op == "ADD" else -1, 2 * max(first, second), (-(2**31), 2**31 - 1)
    wide: dict[str, Any] = {"zero": 0, "out_zero": 0, "fake": all32, "exact": all32}
    parts = [rescaling(case, p, step / twice, channel=i, **wide) for i, step in enumerate((first, second))]
    result = rescaling(case, p, twice / (out * 2**20), channel=2)

    def operand(part: Rescale, value: int, on: On) -> Real:
        if Mechanism.FIRST_ROUNDING in on:
            return part.code(value << 20, on)
        return (value << 20) * (part.factor if Mechanism.MULTIPLIER in on else part.real)

    def code(x: int, y: int, on: On) -> int:
        if not on & {Mechanism.MULTIPLIER, Mechanism.FIRST_ROUNDING}:
            value = (x * first + sign * (y * second)) / out
            lo, hi = result.exact if Mechanism.CLAMP in on else result.fake
            return ref_saturate(result.last(value, on) + result.zero, lo, hi)
        return result.code(operand(parts[0], x, on) + sign * operand(parts[1], y, on), on)

    pairs = _pairs(operands, p.zeros)
    return lambda on: [code(x, y, on) for x, y in pairs]


def _rescale(case: Case, operands: Sequence[Any]) -> Codes:
    net, node = case.net, case.net.nodes[0]
    p = rescale_params(net, node) if node.op == "QUANTIZE" else clamp_params(net, node)
    first, out = steps(net, 0, 1)
    scale = rescaling(case, p, first / out)
    values = [int(q) - p.in_zero for q in operands[0].ravel()]
    return lambda on: [scale.code(v, on) for v in values]


def _windows(case: Case, operands: Sequence[Any]) -> list[list[int]]:
    """In-image codes of every output, channel last."""
    a, x = case.net.nodes[0].attrs, operands[0].astype(int)
    g = naive.Geometry(x.shape[2], x.shape[3], a.filter_h, a.filter_w, a.stride_h, a.stride_w, 1, 1, a.padding)
    images = x.reshape(-1, *x.shape[2:]).tolist()
    return [
        [image[iy][ix][c] for _, _, iy, ix in g.taps(oy, ox) if iy is not None]
        for image, oy, ox, c in itertools.product(images, range(g.rows[0]), range(g.cols[0]), range(x.shape[-1]))
    ]


def _pool(case: Case, operands: Sequence[Any]) -> Codes:
    net, node = case.net, case.net.nodes[0]
    p, zero = pool_params(net, node), zero_of(net, 1)
    fake, windows = fake_range(net, node, node.attrs.activation), _windows(case, operands)

    def code(window: list[int], on: On) -> int:
        lo, hi = (p.clamp_lo, p.clamp_hi) if Mechanism.CLAMP in on else fake
        if node.op == "MAX_POOL_2D":
            return ref_saturate(max(window), lo, hi)
        mean = round((sum(window) - zero * len(window)) / len(window)) + zero
        return ref_saturate(ref_average(sum(window), len(window)) if Mechanism.AVERAGE in on else mean, lo, hi)

    return lambda on: [code(window, on) for window in windows]


def _mean(case: Case, operands: Sequence[Any]) -> Codes:
    net, node = case.net, case.net.nodes[0]
    plain, p, (first, out) = rescale_params(net, node), mean_params(net, node), steps(net, 0, 1)
    x = operands[0].astype(int) - p.in_zero
    axes = tuple(int(axis) + 1 for axis in net.values[2].data)  # type: ignore[union-attr]
    count = math.prod(x.shape[axis] for axis in axes)
    totals = [int(t) for t in x.sum(axis=axes).ravel()]
    real, factor = first / out, float(plain.requant.real[0])
    whole = rescaling(case, p, real / count)

    def code(total: int, on: On) -> int:
        total = ref_wrap(total, 32) if Mechanism.OVERFLOW in on else total
        if on >= {Mechanism.MULTIPLIER, Mechanism.AVERAGE}:
            return whole.code(total, on)
        mean = (factor if Mechanism.MULTIPLIER in on else real) / count
        if Mechanism.AVERAGE in on:
            mean *= whole.factor * count / factor
        return rescaling(case, p, mean).code(float(total), on - {Mechanism.MULTIPLIER})

    return lambda on: [code(total, on) for total in totals]


def _lookup(case: Case, operands: Sequence[Any]) -> Codes:
    """The operator itself, or the real function of LOGISTIC, TANH and SOFTMAX."""
    net, node = case.net, case.net.nodes[0]
    exact = OPERATORS[node.op].run(net, node, operands, None).outputs[0].ravel().tolist()
    if node.op not in ("LOGISTIC", "TANH", "SOFTMAX"):
        return lambda _: exact
    (si, so), zero, out_zero = steps(net, 0, 1), zero_of(net, 0), zero_of(net, 1)
    real: list[int] = []
    for row in operands[0].astype(int).reshape(-1, operands[0].shape[-1]).tolist():
        x = [(q - zero) * si for q in row]
        if node.op == "LOGISTIC":
            y = [1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v)) for v in x]
        elif node.op == "TANH":
            y = [math.tanh(v) for v in x]
        else:
            powers = [math.exp(v * node.attrs.beta - max(x) * node.attrs.beta) for v in x]
            y = [v / sum(powers) for v in powers]
        real += [ref_saturate(round(v / so) + out_zero, -128, 127) for v in y]
    return lambda on: exact if Mechanism.LOOKUP in on else real


_TWINS: dict[str, Callable[[Case, Sequence[Any]], Codes]] = {
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"), _mac),
    **dict.fromkeys(("ADD", "SUB"), _sum),
    "MUL": _product,
    **dict.fromkeys(("QUANTIZE", "RELU", "RELU6", "RELU_N1_TO_1"), _rescale),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), _pool),
    "MEAN": _mean,
}
