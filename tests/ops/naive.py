"""Naive twins of the operators: plain Python integers and loops, written from the definitions, sharing no code."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Shape = tuple[int, ...]


def clamp(v: int, lo: int, hi: int) -> int:
    return min(max(v, lo), hi)


def wrap(v: int, bits: int) -> int:
    v %= 1 << bits
    return v - (1 << bits) if v >> (bits - 1) else v


def fits(v: int, bits: int) -> bool:
    return v.bit_length() < bits if v >= 0 else (~v).bit_length() < bits


def half_up(r: Fraction) -> int:
    return math.floor(r + Fraction(1, 2))


def half_away(r: Fraction) -> int:
    return half_up(r) if r >= 0 else -half_up(-r)


def quantize_multiplier(real: float) -> tuple[int, int]:
    if real == 0:
        return 0, 0
    q, e = math.frexp(real)
    m = half_away(Fraction(q) * 2**31)
    if m == 2**31:
        m, e = m // 2, e + 1
    return (0, 0) if e < -31 else (m, e)


def factors(reals: list[float], n: Any) -> list[float]:
    """Factors that hardware `n` stands in for the channels': of few bits, or one for all of them."""
    if n.multipliers == "tensor":
        reals = [min(reals) * math.sqrt(max(reals) / min(reals))] * len(reals)
    kept = n.multiplier_bits - 1
    parts = [math.frexp(r) for r in reals]
    return [float(half_away(Fraction(q) * 2**kept) * Fraction(2) ** (e - kept)) for q, e in parts]


def tfl_double(acc: int, real: float, acc_bits: int = 32) -> int:
    m, s = quantize_multiplier(real)
    width = max(32, acc_bits)
    high = half_up(Fraction(wrap(acc << max(s, 0), width) * m, 2**31))
    return half_away(Fraction(high, 2 ** max(-s, 0)))


def tfl_double_fp(acc: int, real: float, acc_bits: int = 32) -> int:
    return half_away(Fraction(float(acc) * real))


def added(x: int, y: int, zeros: tuple[int, int, int], scales: tuple[float, float, float], sign: int = 1) -> int:
    """One element of ADD (SUB for sign -1) before the clamp; scales are values of binary32 numbers."""
    twice = 2 * max(scales[:2])
    terms = [tfl_double((q - z) * 2**20, s / twice) for q, z, s in zip((x, y), zeros, scales, strict=False)]
    return tfl_double(terms[0] + sign * terms[1], twice / (2**20 * scales[2])) + zeros[2]


def multiplied(x: int, y: int, zeros: tuple[int, int, int], factor: float) -> int:
    """One element of MUL before the clamp."""
    return tfl_double((x - zeros[0]) * (y - zeros[1]), factor) + zeros[2]


def stretched(index: tuple[int, ...], shape: Shape) -> tuple[int, ...]:
    """Where element `index` of a result finds its operand of shape `shape`."""
    aligned = index[len(index) - len(shape) :]
    return tuple(0 if size == 1 else i for i, size in zip(aligned, shape, strict=True))


def same(size: int, k: int, stride: int, dil: int) -> tuple[int, int]:
    out = math.ceil(Fraction(size, stride))
    return out, max((out - 1) * stride + (k - 1) * dil + 1 - size, 0) // 2


def valid(size: int, k: int, stride: int, dil: int) -> tuple[int, int]:
    return math.floor(Fraction(size - ((k - 1) * dil + 1) + stride, stride)), 0


@dataclass
class Geometry:
    in_h: int
    in_w: int
    kh: int
    kw: int
    sh: int = 1
    sw: int = 1
    dh: int = 1
    dw: int = 1
    padding: str = "SAME"

    @property
    def rows(self) -> tuple[int, int]:
        return (same if self.padding == "SAME" else valid)(self.in_h, self.kh, self.sh, self.dh)

    @property
    def cols(self) -> tuple[int, int]:
        return (same if self.padding == "SAME" else valid)(self.in_w, self.kw, self.sw, self.dw)

    def taps(self, oy: int, ox: int) -> Iterator[tuple[int, int, int, int] | tuple[int, int, None, None]]:
        for ky in range(self.kh):
            for kx in range(self.kw):
                iy = oy * self.sh - self.rows[1] + ky * self.dh
                ix = ox * self.sw - self.cols[1] + kx * self.dw
                inside = 0 <= iy < self.in_h and 0 <= ix < self.in_w
                yield (ky, kx, iy, ix) if inside else (ky, kx, None, None)


Terms = list[tuple[int | None, int]]
"""(code or None for a padded tap, weight code) in canonical order."""


def runtime_sum(terms: Terms, b: int, zx: int, zw: int) -> int:
    """Padded taps skipped, bias last, 32 bits wrapping after every step."""
    acc = 0
    for x, w in terms:
        if x is not None:
            acc = wrap(acc + (w - zw) * (x - zx), 32)
    return wrap(acc + b, 32)


@dataclass
class Counters:
    events: int = 0
    outputs: int = 0
    bias: int = 0
    wraps: int = 0
    inner: int = 0
    prefixes: list[int] = field(default_factory=list)


class Register:
    """One accumulator: `apply` is the overflow rule, one call per rule application."""

    def __init__(self, numerics: Any, seen: Counters) -> None:
        self.n, self.seen, self.value, self.exact, self.hit = numerics, seen, 0, 0, False

    def rule(self, v: int) -> tuple[int, bool]:
        mode, bits = self.n.overflow, self.n.acc_bits
        if mode == "readout":
            return wrap(v, self.n.acc_internal_bits), not fits(v, self.n.acc_internal_bits)
        if mode == "wrap":
            return wrap(v, bits), not fits(v, bits)
        return clamp(v, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1), not fits(v, bits)

    def load(self, b: int) -> None:
        self.exact = b
        self.value, out = self.rule(b)
        self.seen.bias += out
        self.seen.prefixes.append(b)

    def accumulate(self, groups: list[int]) -> None:
        """One part of a sum."""
        if self.n.inner_bits == 0:
            for total in groups:
                self.apply(total, total)
            return
        window = self.n.inner_products // self.n.group_size
        for start in range(0, len(groups), window):
            inner = 0
            for total in groups[start : start + window]:
                inner = self.inner(inner + total)
            self.apply(inner, sum(groups[start : start + window]))

    def inner(self, v: int) -> int:
        bits = self.n.inner_bits
        if fits(v, bits):
            return v
        self.seen.inner += 1
        self.hit = True
        return wrap(v, bits) if self.n.inner_overflow == "wrap" else clamp(v, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

    def apply(self, register_add: int, exact_add: int) -> None:
        self.exact += exact_add
        self.value, out = self.rule(self.value + register_add)
        self.seen.prefixes.append(self.exact)
        if self.n.overflow == "readout":
            self.seen.wraps += out
        else:
            self.seen.events += out
            self.hit |= out


def hardware_sum(terms: Terms, b: int, zx: int, zw: int, n: Any, seen: Counters) -> int:
    """What the requantizer reads, by MICROARCHITECTURE section A."""
    products = [(zx if x is None else x) * (w - zw) for x, w in terms]
    if n.zero_point == "fold":
        b -= zx * sum(w - zw for _, w in terms)
    else:
        products = [0 if x is None else (x - zx) * (w - zw) for x, w in terms]
    if n.order == "reversed":
        products.reverse()
    t = n.group_size
    groups = [sum(products[k : k + t]) for k in range(0, len(products), t)]
    share = math.ceil(len(groups) / n.split_k)
    parts = math.ceil(len(groups) / share)
    registers = [Register(n, seen) for _ in range(parts)]
    first = registers[0]
    if n.bias_order == "first":
        first.load(b)
    for i, register in enumerate(registers):
        register.accumulate(groups[i * share : (i + 1) * share])
    for other in registers[1:]:
        first.apply(other.value, other.exact)
    if n.bias_order == "last":
        first.apply(b, b)
    return read_out(first, any(r.hit for r in registers), n, seen)


def read_out(register: Register, hit: bool, n: Any, seen: Counters) -> int:
    if n.overflow == "readout":
        left = not fits(register.value, n.acc_bits)
        seen.events += left
        hit |= left
        register.value = clamp(register.value, -(2 ** (n.acc_bits - 1)), 2 ** (n.acc_bits - 1) - 1)
    seen.outputs += hit
    return register.value


def conv_terms(x: Any, w: Any, g: Geometry, oy: int, ox: int, n: int) -> Terms:
    """x[iy][ix][c], w[n][ky][kx][c]."""
    terms: Terms = []
    for ky, kx, iy, ix in g.taps(oy, ox):
        for c in range(len(w[n][ky][kx])):
            terms.append((None if iy is None else int(x[iy][ix][c]), int(w[n][ky][kx][c])))
    return terms


def depthwise_terms(x: Any, w: Any, g: Geometry, oy: int, ox: int, n: int) -> Terms:
    """x[iy][ix][c], w[0][ky][kx][n]; channel n reads input channel n div multiplier."""
    mult = len(w[0][0][0]) // len(x[0][0])
    return [
        (None if iy is None else int(x[iy][ix][n // mult]), int(w[0][ky][kx][n])) for ky, kx, iy, ix in g.taps(oy, ox)
    ]


def average(codes: list[int]) -> int:
    n, s = len(codes), sum(codes)
    return math.trunc(Fraction(s + n // 2, n)) if s > 0 else math.trunc(Fraction(s - n // 2, n))


def srdhm(a: int, b: int) -> int:
    return half_up(Fraction(a * b, 2**31))


def pot(x: int, e: int) -> int:
    return half_away(Fraction(x, 2**e))


def sat32(v: int) -> int:
    return clamp(v, -(2**31), 2**31 - 1)


def exp_negative(a: int, integer_bits: int = 5) -> int:
    """gemmlowp exp_on_negative_values of a Q5.26 (or Q4.27) number, Q0.31."""
    if a == 0:
        return 2**31 - 1
    one = 2 ** (31 - integer_bits)
    rest = a % (one // 4) - one // 4
    x = sat32(rest * 2**integer_bits) + 2**28
    x2 = srdhm(x, x)
    x3, x4 = srdhm(x2, x), srdhm(x2, x2)
    tail = pot(srdhm(pot(x4, 2) + x3, 715827883) + x2, 1)
    r = 1895147668 + srdhm(1895147668, x + tail)
    factors = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242]
    for power, factor in zip(range(-2, integer_bits), factors, strict=False):
        if (rest - a) // int(one * Fraction(2) ** power) % 2:
            r = srdhm(r, factor)
    return r


def newton(a: int) -> int:
    """2 / (1 + a) of a Q0.31 number, Q2.29."""
    half = (a + 2**31) // 2
    y = 1515870810 + srdhm(half, -1010580540)
    for _ in range(3):
        y += sat32(4 * srdhm(y, 2**29 - srdhm(half, y)))
    return y


def reciprocal(a: int) -> int:
    """1 / (1 + a) of a Q0.31 number, Q0.31."""
    return sat32(2 * newton(a))


def quotient(a: int) -> int:
    """(1 - a) / (1 + a) of a Q0.31 number, Q0.31."""
    return sat32(4 * (newton(a) - 2**29))


def curve_argument(difference: int, scale: float) -> int | None:
    """TFLite Micro's Q4.27 argument of LOGISTIC and TANH, None beyond +-15."""
    m, s = quantize_multiplier(scale * 2.0**27)
    radius = math.floor(Fraction(15 * 2**27, 2**s))
    return half_up(Fraction((difference << s) * m, 2**31)) if abs(difference) < radius else None


def logistic(difference: int, scale: float) -> int:
    z = curve_argument(difference, scale)
    if z is None:
        return 127 if difference > 0 else -128
    positive = reciprocal(exp_negative(-abs(z), 4))
    raw = 2**30 if z == 0 else positive if z > 0 else 2**31 - 1 - positive
    return clamp(pot(raw, 23) - 128, -128, 127)


def tanh(difference: int, scale: float) -> int:
    z = curve_argument(difference, scale)
    if z is None:
        return 127 if difference > 0 else -128
    magnitude = quotient(exp_negative(-abs(z), 5)) if z else 0
    return clamp(pot(magnitude if z > 0 else -magnitude, 24), -128, 127)


def f32(real: float) -> float:
    """Nearest binary32, by the machine's own conversion."""
    return float(struct.unpack("<f", struct.pack("<f", real))[0])


def logistic_table(difference: int, scale: float) -> int:
    """LiteRT's entry: every binary32 step rounded."""
    power = math.exp(min(-f32(scale * difference), 100))
    result = f32(1 / f32(1 + f32(power))) if power < 2.0**128 else 0.0
    return clamp(half_away(Fraction(result * 256)) - 128, -128, 127)


def tanh_table(difference: int, scale: float) -> int:
    return clamp(half_away(Fraction(f32(math.tanh(f32(scale * difference))) * 128)), -128, 127)


def softmax(row: list[int], beta: float, scale: float) -> list[int]:
    m, shift = quantize_multiplier(min(beta * scale * 2.0**26, 2.0**31 - 1))
    least = -math.floor(Fraction(31 * 2**26, 2**shift))
    top = max(row)
    exps = [exp_negative(srdhm(wrap((q - top) << shift, 32), m)) if q - top >= least else None for q in row]
    total = sum(pot(e, 12) for e in exps if e is not None)
    headroom = 32 - total.bit_length()
    r = reciprocal((total << headroom) - 2**31)
    return [-128 if e is None else clamp(pot(srdhm(r, e), 12 - headroom + 31 - 8) - 128, -128, 127) for e in exps]


def mean(codes: list[int], real: float, zx: int, zy: int) -> int:
    return mean_of_sum(sum(code - zx for code in codes), len(codes), real, zy)


def mean_of_sum(total: int, count: int, real: float, zy: int) -> int:
    """TFLite's MEAN: 1 / count goes into the multiplier, as far as the shift allows."""
    m, s = quantize_multiplier(real)
    k = min(math.floor(math.log2(count)), 32, 31 + s)
    m, s = math.floor(Fraction(m * 2**k, count)), s - k
    high = half_up(Fraction(wrap(wrap(total, 32) << max(s, 0), 32) * m, 2**31))
    return clamp(half_away(Fraction(high, 2 ** max(-s, 0))) + zy, -128, 127)
