"""Plain-Python twins of everything numeric: ints, Fractions and lists, written from the rules and not from the kernels.

Reals enter as Python floats (or ints) and are exact from there on; binary32 and binary64 steps are rounded by hand.
Nothing here is fast, and nothing here can overflow.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from fxsim.numerics.modes import Overflow, Rounding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_INT32 = (-(2**31), 2**31 - 1)
_FAR = 2**62


def ref_saturate(value: int, lo: int, hi: int) -> int:
    """`value` clamped to lo..hi."""
    return min(max(value, lo), hi)


def ref_range(bits: int, signed: bool = True) -> tuple[int, int]:
    """Least and greatest integer of a format."""
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


def ref_wrap(value: int, bits: int, signed: bool = True) -> int:
    """Congruent number of the format: it differs from `value` by a multiple of 2**bits."""
    lo, _ = ref_range(bits, signed)
    return (value - lo) % (1 << bits) + lo


def ref_round(real: Fraction, rounding: Rounding) -> int:
    """Nearest or next integer of an exact number, by rule."""
    below, rest = divmod(real.numerator, real.denominator)
    if rest == 0:
        return below
    above, beside_half = below + 1, 2 * rest - real.denominator
    toward_zero, outward = (below, above) if real > 0 else (above, below)
    even, odd = (below, above) if below % 2 == 0 else (above, below)
    directed = {
        Rounding.FLOOR: below,
        Rounding.CEIL: above,
        Rounding.TO_ZERO: toward_zero,
        Rounding.AWAY_FROM_ZERO: outward,
    }
    if rounding in directed:
        return directed[rounding]
    if beside_half != 0:
        return below if beside_half < 0 else above
    return {
        Rounding.TIES_UP: above,
        Rounding.TIES_DOWN: below,
        Rounding.TIES_TO_ZERO: toward_zero,
        Rounding.TIES_AWAY: outward,
        Rounding.TIES_EVEN: even,
        Rounding.TIES_ODD: odd,
    }[rounding]


def ref_round_shift(value: int, shift: int, rounding: Rounding) -> int:
    """Integer next to value / 2**shift, by rule."""
    return ref_round(Fraction(value, 2**shift), rounding)


def _exponent(real: Fraction) -> int:
    """Exponent e with 2**(e-1) <= abs(real) < 2**e; 0 for 0."""
    if real == 0:
        return 0
    magnitude = abs(real)
    e = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    return e + 1 if magnitude >= Fraction(2) ** e else e


def _binary(real: Fraction, precision: int, least: int) -> Fraction:
    """`real` rounded to `precision` significant bits, ties to even, steps not below 2**least."""
    step = Fraction(2) ** max(_exponent(real) - precision, least)
    return ref_round(real / step, Rounding.TIES_EVEN) * step


def ref_f32(real: Fraction | float) -> Fraction:
    """Value of the binary32 number nearest to `real`, ties to even (no overflow to infinity)."""
    return _binary(Fraction(real), 24, -149)


def ref_f64(real: Fraction | float) -> Fraction:
    """Value of the binary64 number nearest to `real`, ties to even (no overflow to infinity)."""
    return _binary(Fraction(real), 53, -1074)


def ref_srdhm(a: int, b: int, bits: int = 32) -> int:
    """SRDHM of two signed integers of `bits` bits: (a * b) / 2**(bits-1), ties up, saturating."""
    return ref_saturate(ref_round_shift(a * b, bits - 1, Rounding.TIES_UP), *ref_range(bits))


def ref_rounding_divide_by_pot(value: int, exponent: int) -> int:
    """Quotient value / 2**exponent, ties away from zero."""
    return ref_round_shift(value, exponent, Rounding.TIES_AWAY)


def ref_saturating_rounding_multiply_by_pot(value: int, exponent: int) -> int:
    """Product value * 2**exponent, ties away from zero, saturating to int32."""
    return ref_saturate(ref_round(value * Fraction(2) ** exponent, Rounding.TIES_AWAY), *_INT32)


def ref_rounding_half_sum(a: int, b: int) -> int:
    """Half of a + b, ties away from zero."""
    return ref_round(Fraction(a + b, 2), Rounding.TIES_AWAY)


def ref_average(total: int, count: int) -> int:
    """TFLite's pooling average: total moved away from 0 by count div 2, then C division."""
    moved = total + count // 2 if total > 0 else total - count // 2
    quotient = abs(moved) // count
    return quotient if moved >= 0 else -quotient


def ref_overflow(value: int, bits: int, mode: Overflow | int, internal_bits: int) -> tuple[int, bool]:
    """(register content, event) of a rule application whose exact result is `value`."""
    width = internal_bits if mode == Overflow.READOUT else bits
    lo, hi = ref_range(width)
    event = not lo <= value <= hi
    if mode in (Overflow.WRAP, Overflow.READOUT):
        return ref_wrap(value, width), event
    return ref_saturate(value, lo, hi), event


def ref_significand(real: float, bits: int) -> tuple[int, int]:
    """(m, e), real ~ m * 2**(e - bits), m rounded to `bits` bits with ties away, halved if it reaches 2**bits."""
    exact = Fraction(real)
    e = _exponent(exact)
    m = ref_round(exact * Fraction(2) ** (bits - e), Rounding.TIES_AWAY)
    return (m // 2, e + 1) if abs(m) == 2**bits else (m, e)


def ref_quantize_multiplier(real: float, single: bool = False, bits: int = 31) -> tuple[int, int]:
    """TFLite's QuantizeMultiplier; `single`: the single-rounding build; a significand of `bits` bits, then zeros."""
    m, s = ref_significand(real, bits)
    if s < -31:
        return 0, 0
    m, s = (2**bits - 1, 30) if single and s > 30 else (m, s)
    return m * 2 ** (31 - bits), s


def _derive_rndnu(real: float, bits: int) -> tuple[int, int]:
    m, e = ref_significand(float(ref_f32(real)), min(bits, 24))
    return m * 2 ** max(24 - bits, 0), 24 - e


def _derive_rhaway(real: float, bits: int) -> tuple[int, int]:
    m, e = ref_significand(real, min(bits, 15))
    return (m * 2 ** max(15 - bits, 0), 15 - e) if 15 - e <= 62 else (0, 0)


def _derive_reven(real: float, _: int) -> tuple[int, int]:
    exact, candidates = Fraction(real), range(62, -1, -1)
    distance = {s: abs(exact - Fraction(1, 2**s)) for s in candidates}
    best = min(distance.values())
    return 1, min(s for s in candidates if distance[s] == best)


_DERIVE: dict[str, Callable[[float, int], tuple[int, int]]] = {
    "TFL_DOUBLE": lambda real, bits: ref_quantize_multiplier(real, bits=bits),
    "TFL_SINGLE": lambda real, bits: ref_quantize_multiplier(real, single=True, bits=bits),
    "TFL_DOUBLE_UP": lambda real, bits: ref_quantize_multiplier(real, bits=bits),
    "RNDNU": _derive_rndnu,
    "MBQM64": lambda real, bits: ref_quantize_multiplier(real, bits=bits if bits < 15 else 31),
    "RHAWAY_SHIFT": _derive_rhaway,
    "REVEN_SHIFT": _derive_reven,
    "FLOOR": lambda real, bits: ref_quantize_multiplier(real, single=True, bits=bits),
}


def ref_derive(real: float, scheme_name: str, multiplier_bits: int = 32) -> tuple[int, int, float]:
    """(multiplier, shift, factor) of a legal real factor; float schemes carry the factor only."""
    if scheme_name == "TFL_DOUBLE_FP":
        return 0, 0, real
    if scheme_name == "FP32_RNE":
        return 0, 0, float(ref_f32(real))
    m, s = _DERIVE[scheme_name](real, multiplier_bits - 1)
    if scheme_name == "MBQM64":
        return m, s, float(ref_reduce_multiplier(m) * Fraction(2) ** (s - 15))
    left = scheme_name in ("TFL_DOUBLE", "TFL_SINGLE", "TFL_DOUBLE_UP", "FLOOR")
    return m, s, float(m * Fraction(2) ** (s - 31 if left else -s))


def _double_rounding(acc: int, m: int, s: int, width: int, second: Rounding) -> int:
    shifted = ref_wrap(acc * 2 ** max(s, 0), width)
    first = ref_saturate(ref_round_shift(shifted * m, 31, Rounding.TIES_UP), *ref_range(width))
    return ref_round_shift(first, max(-s, 0), second)


def ref_reduce_multiplier(m: int) -> int:
    """15-bit multiplier of the int16 activation path."""
    return min((m + 2**15) // 2**16, 0x7FFF)


def _mbqm64(acc: int, m: int, s: int, width: int) -> int:
    return ref_wrap(ref_round_shift(acc * ref_reduce_multiplier(m), 15 - s, Rounding.TIES_UP), width)


_INTEGER_RULES: dict[str, Callable[[int, int, int, int], int]] = {
    "TFL_DOUBLE": lambda acc, m, s, width: _double_rounding(acc, m, s, width, Rounding.TIES_AWAY),
    "TFL_DOUBLE_UP": lambda acc, m, s, width: _double_rounding(acc, m, s, width, Rounding.TIES_UP),
    "TFL_SINGLE": lambda acc, m, s, _: ref_round_shift(acc * m, 31 - s, Rounding.TIES_UP),
    "RNDNU": lambda acc, m, s, _: ref_round_shift(acc * m, s, Rounding.TIES_UP),
    "MBQM64": _mbqm64,
    "RHAWAY_SHIFT": lambda acc, m, s, _: ref_round_shift(acc * m, s, Rounding.TIES_AWAY),
    "REVEN_SHIFT": lambda acc, _, s, __: ref_round_shift(acc, s, Rounding.TIES_EVEN),
    "FLOOR": lambda acc, m, s, _: acc * m // 2 ** (31 - s),
}


def _fp32_rne(acc: int, real: float, lo: int, hi: int) -> int:
    product = ref_f32(ref_f32(acc) * ref_f32(real))
    return ref_round(min(max(product, ref_f32(lo)), ref_f32(hi)), Rounding.TIES_EVEN)


def ref_rescale(acc: int, m: int, s: int, real: float, scheme_name: str, acc_bits: int) -> int:
    """Scaled accumulator before the zero point, exact; schemes that neither wrap nor saturate stop at +-2**62."""
    if scheme_name == "FP32_RNE":
        return _fp32_rne(acc, real, -_FAR, _FAR)
    if scheme_name == "TFL_DOUBLE_FP":
        result = ref_round(ref_f64(ref_f64(acc) * Fraction(real)), Rounding.TIES_AWAY)
    else:
        result = _INTEGER_RULES[scheme_name](acc, m, s, max(32, acc_bits))
    return ref_saturate(result, -_FAR, _FAR)


def ref_requantize(
    acc: int, m: int, s: int, real: float, scheme_name: str, acc_bits: int, zero: int, lo: int, hi: int
) -> int:
    """Output code of one accumulator: rescaled, zero point added, clamped (FP32_RNE clamps before it rounds)."""
    if scheme_name == "FP32_RNE":
        return ref_saturate(_fp32_rne(acc, real, lo - zero, hi - zero) + zero, lo, hi)
    return ref_saturate(ref_rescale(acc, m, s, real, scheme_name, acc_bits) + zero, lo, hi)


def ref_multiplier(profile: str, op: str, per_channel: bool, si: float, sw: float, so: float) -> float:
    """Real factor of one channel; steps are values of binary32 numbers, weights of QUANTIZE have step 1.

    `sw` is the step of MUL's second operand.
    """
    if op in ("RELU6", "RELU_N1_TO_1") or (profile, op) == ("litert", "RELU"):
        return float(ref_f32(Fraction(si) / Fraction(so)))
    if (profile, op) == ("litert", "MUL"):
        return float(ref_f32(ref_f32(Fraction(si) * Fraction(sw)) / Fraction(so)))
    product = Fraction(si) * Fraction(sw)
    if profile == "tflite" and op == "FULLY_CONNECTED" and not per_channel:
        product = ref_f32(product)
    return float(ref_f64(ref_f64(product) / Fraction(so)))


def ref_sum_multipliers(s1: float, s2: float, so: float) -> list[float]:
    """Real factors of the operands and the result of ADD and SUB, every quotient a binary64 number."""
    twice = 2 * Fraction(max(s1, s2))
    quotients = (Fraction(s1) / twice, Fraction(s2) / twice, twice / (Fraction(so) * 2**20))
    return [float(ref_f64(q)) for q in quotients]


def ref_quantize(real: float, scale: float, zero: int, lo: int, hi: int, rounding: Rounding) -> int:
    """Code of a real number: quotient of binary32 numbers rounded to binary32, to an integer, moved, saturated."""
    quotient = ref_f32(ref_f32(real) / ref_f32(scale))
    return ref_saturate(ref_round(quotient, rounding) + zero, lo, hi)


def ref_fake_code(real: float, scale: float, zero: int, lo: int, hi: int) -> int:
    """Code by PyTorch's fake_quantize: product with the reciprocal, each rounded to binary32, ties to even."""
    steps = ref_f32(ref_f32(real) * ref_f32(1 / ref_f32(scale)))
    return ref_saturate(ref_round(steps, Rounding.TIES_EVEN) + zero, lo, hi)


def ref_dequantize(code: int, scale: float, zero: int, per_tensor: bool) -> float:
    """Real number of a code: one binary64 product rounded to binary32 (per tensor), else binary32 throughout."""
    difference = code - zero
    if per_tensor:
        return float(ref_f32(ref_f64(ref_f32(scale) * difference)))
    return float(ref_f32(ref_f32(difference) * ref_f32(scale)))


def ref_activation_range(activation: str, scale: float, zero: int, lo: int, hi: int) -> tuple[int, int]:
    """Codes that a fused activation leaves of lo..hi."""
    low, high = {"NONE": ("", ""), "RELU": ("0", ""), "RELU6": ("0", "6"), "RELU_N1_TO_1": ("-1", "1")}[activation]

    def code(bound: str) -> int:
        return zero + ref_round(ref_f32(Fraction(bound) / ref_f32(scale)), Rounding.TIES_AWAY)

    return max(lo, code(low)) if low else lo, min(hi, code(high)) if high else hi


def ref_same_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int, int]:
    """Triple (outputs, before, after) of SAME: least padding with which ceil(size / stride) windows fit."""
    outputs = len(range(0, size, stride))
    last_tap = (outputs - 1) * stride + (kernel - 1) * dilation
    missing = max(last_tap - (size - 1), 0)
    return outputs, missing // 2, missing - missing // 2


def ref_prefix_bounds(
    weights: Sequence[int], bias: int, intervals: Sequence[tuple[int, int]], group_size: int
) -> tuple[list[int], list[int]]:
    """Extremes of the prefixes of one channel that end at a rule application, the bias alone first."""
    ends = sorted({0, *range(group_size, len(weights), group_size), len(weights)})
    products = [(w * lo, w * hi) for w, (lo, hi) in zip(weights, intervals, strict=True)]
    least = [bias + sum(min(pair) for pair in products[:end]) for end in ends]
    return least, [bias + sum(max(pair) for pair in products[:end]) for end in ends]


def ref_mean_multiplier(multiplier: int, shift: int, count: int) -> tuple[int, int]:
    """Multiplier and shift of TFLite's MEAN over `count` elements."""
    powers = [k for k in range(33) if 2**k <= count and shift - k >= -31]
    return multiplier * 2 ** max(powers) // count, shift - max(powers)


def ref_softmax_params(beta: float, scale: float) -> tuple[int, int, int]:
    """(multiplier, left shift, least difference) of int8 SOFTMAX."""
    real = min(ref_f64(ref_f64(Fraction(beta) * Fraction(scale)) * 2**26), Fraction(2**31 - 1))
    multiplier, left_shift = ref_quantize_multiplier(float(real))
    return multiplier, left_shift, -(31 * 2**26 // 2**left_shift)


def _exp_quarter(a: int) -> int:
    x = a + 2**28
    x2 = ref_srdhm(x, x)
    x3, x4 = ref_srdhm(x2, x), ref_srdhm(x2, x2)
    inner = ref_srdhm(ref_rounding_divide_by_pot(x4, 2) + x3, 715827883) + x2
    return 1895147668 + ref_srdhm(1895147668, x + ref_rounding_divide_by_pot(inner, 1))


def ref_exp_on_negative_values(a: int) -> int:
    """Exponential of a Q5.26 number a <= 0, in Q0.31, by gemmlowp's polynomial and table."""
    if a == 0:
        return 2**31 - 1
    part = a % 2**24 - 2**24
    result = _exp_quarter(ref_saturating_rounding_multiply_by_pot(part, 5))
    table = {-2: 1672461947, -1: 1302514674, 0: 790015084, 1: 290630308, 2: 39332535, 3: 720401, 4: 242}
    for k, factor in table.items():
        if (part - a) // 2 ** (26 + k) % 2:
            result = ref_srdhm(result, factor)
    return result


def ref_one_over_one_plus_x(a: int) -> int:
    """1 / (1 + a) of a Q0.31 number a >= 0, in Q0.31, by gemmlowp's three Newton steps."""
    half = ref_rounding_half_sum(a, 2**31 - 1)
    y = 1515870810 + ref_srdhm(half, -1010580540)
    for _ in range(3):
        y += ref_saturating_rounding_multiply_by_pot(ref_srdhm(y, 2**29 - ref_srdhm(half, y)), 2)
    return ref_saturating_rounding_multiply_by_pot(y, 1)


def ref_softmax_row(row: Sequence[int], multiplier: int, left_shift: int, diff_min: int) -> list[int]:
    """TFLite's int8 SOFTMAX of one row: codes of step 1/256, zero point -128."""
    greatest = max(row)
    powers: list[int | None] = [None] * len(row)
    for i, code in enumerate(row):
        if code - greatest >= diff_min:
            scaled = ref_srdhm(ref_wrap((code - greatest) * 2**left_shift, 32), multiplier)
            powers[i] = ref_exp_on_negative_values(scaled)
    total = sum(ref_rounding_divide_by_pot(e, 12) for e in powers if e is not None)
    leading_zeros = 32 - total.bit_length()
    inverse = ref_one_over_one_plus_x(total * 2**leading_zeros - 2**31)
    down = 12 - leading_zeros + 31 - 8
    return [
        -128 if e is None else ref_saturate(ref_rounding_divide_by_pot(ref_srdhm(inverse, e), down) - 128, -128, 127)
        for e in powers
    ]
