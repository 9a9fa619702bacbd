"""The published vectors of gemmlowp, TFLite, TOSA, NVDLA, Gemmini and PyTorch, by kernels and by twins.

Functions that belong to operators of their own are composed here from the primitives; everything else is called as
is. A vector of an unknown function fails.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fxsim.numerics import (
    PROFILES,
    SCHEMES,
    Rounding,
    activation_range,
    average,
    quantize_multiplier,
    quantize_multipliers_single,
    requantize_scalar,
    rescale,
    round_shift,
    rounding_divide_by_pot,
    same_padding,
    saturate,
    softmax_params,
    srdhm,
    srdhm16,
    wrap,
)
from fxsim.numerics.reference import (
    ref_activation_range,
    ref_average,
    ref_dequantize,
    ref_derive,
    ref_f32,
    ref_multiplier,
    ref_quantize_multiplier,
    ref_reduce_multiplier,
    ref_requantize,
    ref_rescale,
    ref_round,
    ref_round_shift,
    ref_rounding_divide_by_pot,
    ref_same_padding,
    ref_saturate,
    ref_softmax_params,
    ref_softmax_row,
    ref_srdhm,
    ref_wrap,
)
from fxsim.numerics.scheme_kernels import reduce_multiplier
from tests.numerics.test_softmax_kernels import softmax_row

if TYPE_CHECKING:
    from collections.abc import Callable

VECTORS = [json.loads(line) for line in (Path(__file__).parent / "golden_vectors.jsonl").read_text().splitlines()]


def f32(value: float) -> float:
    return float(np.float32(value))


class Kernels:
    """The product's functions under neutral names."""

    srdhm = staticmethod(srdhm)
    srdhm16 = staticmethod(srdhm16)
    divide_by_pot = staticmethod(rounding_divide_by_pot)
    saturate = staticmethod(saturate)
    wrap = staticmethod(wrap)
    average = staticmethod(average)
    quantize_multiplier = staticmethod(quantize_multiplier)
    reduce_multiplier = staticmethod(reduce_multiplier)
    softmax_params = staticmethod(softmax_params)
    softmax_row = staticmethod(softmax_row)
    activation_range = staticmethod(activation_range)
    same_padding = staticmethod(same_padding)

    @staticmethod
    def quantize_multiplier_single(real: float) -> tuple[int, int]:
        m, s = quantize_multipliers_single(np.array([real]))
        return int(m[0]), int(s[0])

    @staticmethod
    def round_shift(value: int, shift: int, rounding: Rounding) -> int:
        return round_shift(value, shift, int(rounding))

    @staticmethod
    def rescale(acc: int, m: int, s: int, scheme: str, acc_bits: int = 32) -> int:
        return rescale(acc, m, s, 0.0, int(SCHEMES[scheme].code), acc_bits)

    @staticmethod
    def requantize(acc: int, real: float, scheme: str, zero: int, lo: int, hi: int) -> int:
        r = SCHEMES[scheme].derive(real)
        m, s, factor = int(r.multiplier[0]), int(r.shift[0]), float(r.real[0])
        return requantize_scalar(acc, m, s, factor, int(SCHEMES[scheme].code), 32, zero, lo, hi)

    @staticmethod
    def factor(si: float, sw: float, so: float) -> float:
        steps = (np.float32(s) for s in (si, sw, so))
        return float(PROFILES["litert"].multiplier("FULLY_CONNECTED", False, *steps)[0])


class Twins:
    """The plain-integer twins under the same names."""

    srdhm = staticmethod(ref_srdhm)
    divide_by_pot = staticmethod(ref_rounding_divide_by_pot)
    saturate = staticmethod(ref_saturate)
    wrap = staticmethod(ref_wrap)
    average = staticmethod(ref_average)
    quantize_multiplier = staticmethod(ref_quantize_multiplier)
    reduce_multiplier = staticmethod(ref_reduce_multiplier)
    softmax_params = staticmethod(ref_softmax_params)
    softmax_row = staticmethod(ref_softmax_row)
    activation_range = staticmethod(ref_activation_range)
    same_padding = staticmethod(ref_same_padding)
    round_shift = staticmethod(ref_round_shift)

    @staticmethod
    def srdhm16(a: int, b: int) -> int:
        return ref_srdhm(a, b, 16)

    @staticmethod
    def quantize_multiplier_single(real: float) -> tuple[int, int]:
        return ref_quantize_multiplier(real, single=True)

    @staticmethod
    def rescale(acc: int, m: int, s: int, scheme: str, acc_bits: int = 32) -> int:
        return ref_rescale(acc, m, s, 0.0, scheme, acc_bits)

    @staticmethod
    def requantize(acc: int, real: float, scheme: str, zero: int, lo: int, hi: int) -> int:
        return ref_requantize(acc, *ref_derive(real, scheme), scheme, 32, zero, lo, hi)

    @staticmethod
    def factor(si: float, sw: float, so: float) -> float:
        return ref_multiplier("litert", "FULLY_CONNECTED", False, f32(si), f32(sw), f32(so))


Arithmetic = Any
"""Kernels or Twins: their functions take the same arguments but share no type."""


def requant32(a: Arithmetic, args: list[int]) -> dict[str, Any]:
    acc, m, s = args
    double, single = a.rescale(acc, m, s, "TFL_DOUBLE"), a.rescale(acc, m, s, "TFL_SINGLE")
    return {
        "tflite_ref_double": double,
        "tosa_double": double,
        "single_round": single,
        "tosa_single": single,
        "ruy_x86_double_up": a.rescale(acc, m, s, "TFL_DOUBLE_UP"),
        "half_even": a.round_shift(acc * m, 31 - s, Rounding.TIES_EVEN),
        "half_away": a.round_shift(acc * m, 31 - s, Rounding.TIES_AWAY),
        "exact": float(Fraction(acc * m, 2 ** (31 - s))),
    }


def mbqm64(a: Arithmetic, args: list[int]) -> dict[str, int]:
    acc, m, s = args
    return {"reduced": a.reduce_multiplier(m), "out": a.rescale(acc, m, s, "MBQM64", 48)}


def fp32_requant(a: Arithmetic, args: list[Any]) -> dict[str, int]:
    acc, scale, zero, lo, hi = args
    return {
        "out": a.requantize(acc, scale, "FP32_RNE", zero, lo, hi),
        "rndnu": a.requantize(acc, scale, "RNDNU", zero, lo, hi),
    }


def fully_connected(a: Arithmetic, args: list[Any]) -> Any:
    acc, si, sw, so = args
    return a.requantize(acc, a.factor(si, sw, so), "TFL_DOUBLE_FP", 0, -128, 127)


def nvdla_cacc(a: Arithmetic, args: list[int]) -> Any:
    acc = a.saturate(args[0], -(1 << 33), (1 << 33) - 1)
    window = a.round_shift(acc << 16, args[1], Rounding.FLOOR)
    return a.saturate(a.divide_by_pot(window, 16), -(1 << 31), (1 << 31) - 1)


def tosa_average(a: Arithmetic, args: list[int]) -> dict[str, int]:
    total, count = args
    k = (count - 1).bit_length()
    multiplier, shift = (((1 << 30) + 1) << k) // count, 30 + k
    return {"mult": multiplier, "shift": shift, "out": a.rescale(total, multiplier, 31 - shift, "TFL_SINGLE")}


def torch_fake_quant(a: Arithmetic, args: list[Any]) -> dict[str, Any]:
    x, scale, zero = args
    product = f32(f32(x) * f32(float(1 / np.float32(scale))))
    assert product == float(ref_f32(Fraction(f32(x)) * ref_f32(1 / Fraction(f32(scale)))))
    q = a.saturate(ref_round(Fraction(product), Rounding.TIES_EVEN) + zero, -128, 127)
    return {"q": q, "y": ref_dequantize(q, f32(scale), zero, per_tensor=False)}


def add_params(a: Arithmetic, args: dict[str, Any]) -> dict[str, list[int]]:
    s1, s2, so = (f32(args[k]) for k in ("s1", "s2", "so"))
    twice = 2 * max(s1, s2)
    reals = {"m1": s1 / twice, "m2": s2 / twice, "mo": twice / f32(so * (1 << args.get("L", 20)))}
    return {name: list(a.quantize_multiplier(real)) for name, real in reals.items()}


def add_int8(a: Arithmetic, args: dict[str, Any]) -> list[int]:
    params = add_params(a, args)
    out = []
    for x, y in zip(args["a"], args["b"], strict=True):
        total = a.rescale((x - args["z1"]) << 20, *params["m1"], "TFL_DOUBLE")
        total += a.rescale((y - args["z2"]) << 20, *params["m2"], "TFL_DOUBLE")
        out.append(a.saturate(a.rescale(total, *params["mo"], "TFL_DOUBLE") + args["zo"], -128, 127))
    return out


def mul_int8(a: Arithmetic, args: dict[str, Any]) -> list[int]:
    z1, z2, zo = 4, -9, 13  # the zero points of the ADD vector ("same scales")
    products = [(x - z1) * (y - z2) for x, y in zip(args["a"], args["b"], strict=True)]
    return [a.saturate(a.rescale(p, *args["mult"], "TFL_DOUBLE") + zo, -128, 127) for p in products]


def softmax_int8(a: Arithmetic, args: dict[str, Any]) -> Any:
    params = a.softmax_params(args["beta"], f32(args["s"]))
    assert params == (args["mult"], args["left_shift"], args["diff_min"])
    return a.softmax_row(args["row"], *params)


def hard_swish(a: Arithmetic, args: dict[str, Any]) -> list[int]:
    high = f32(f32(1 / 128) * f32(args["si"]))
    mo, eo = a.quantize_multiplier(f32(high / f32(args["so"])))
    mr, er = a.quantize_multiplier(f32(high / f32(3 / 32768)))
    mo, mr = a.reduce_multiplier(mo), a.reduce_multiplier(mr)

    def one(x: int) -> Any:
        h = a.wrap((x - args["zi"]) * 128, 16)
        p = a.srdhm16(h, mo)
        r = a.saturate(h << (er - 1), -32768, 32767) if er > 0 else h
        r = a.srdhm16(r, mr)
        r = a.saturate(r << 1, -32768, 32767) if er > 0 else a.divide_by_pot(r, -er)
        r = a.round_shift(r + 32768, 1, Rounding.FLOOR)
        product = a.round_shift(r * p, 15, Rounding.TO_ZERO)
        return a.saturate(a.divide_by_pot(product, -eo) + args["zo"], -128, 127)

    return [one(x) for x in args["x"]]


def leaky_relu(a: Arithmetic, args: dict[str, Any]) -> list[int]:
    si, so = f32(args["si"]), f32(args["so"])
    identity = a.quantize_multiplier(f32(si / so))
    alpha = a.quantize_multiplier(f32(f32(si * f32(args["alpha"])) / so))
    assert [list(identity), list(alpha)] == [args["m_id"], args["m_alpha"]]
    differences = [x - args["zi"] for x in args["x"]]
    scaled = [a.rescale(d, *(identity if d >= 0 else alpha), "TFL_DOUBLE") for d in differences]
    return [a.saturate(y + args["zo"], -128, 127) for y in scaled]


def mean_int8(a: Arithmetic, args: dict[str, Any]) -> Any:
    (m, s), n = args["base"], args["N"]
    k = min(n.bit_length() - 1, 32, 31 + s)
    adjusted = [(m << k) // n, s - k]
    assert adjusted == args["adjusted"]
    total = a.rescale(args["sum_q"] - args["zi"] * n, *adjusted, "TFL_DOUBLE")
    return a.saturate(total + args["zo"], -128, 127)


def activation_clamps(a: Arithmetic, args: dict[str, Any]) -> dict[str, list[int]]:
    names = ("RELU", "RELU6", "RELU_N1_TO_1")
    return {name: list(a.activation_range(name, args["scale"], args["zp"], -128, 127)) for name in names}


def padding(a: Arithmetic, args: dict[str, int]) -> dict[str, int]:
    return dict(zip(("out", "before", "after"), a.same_padding(*(args[k] for k in "iksd")), strict=True))


FUNCTIONS: dict[str, Callable[[Arithmetic, Any], Any]] = {
    "SRDHM32": lambda a, args: a.srdhm(*args),
    "SRDHM16": lambda a, args: a.srdhm16(*args),
    "RDBPOT": lambda a, args: a.divide_by_pot(*args),
    "QuantizeMultiplier": lambda a, args: list(a.quantize_multiplier(*args)),
    "QuantizeMultiplier_single": lambda a, args: list(a.quantize_multiplier_single(*args)),
    "requant32": requant32,
    "MBQM64": mbqm64,
    "fp32_requant": fp32_requant,
    "tfl_fc_ref_double": fully_connected,
    "tfl_avgpool": lambda a, args: a.average(*args),
    "nvdla_cacc_int8": nvdla_cacc,
    "gemmini_rshift": lambda a, args: a.rescale(args[0], 1, args[1], "REVEN_SHIFT"),
    "tosa_apply_scale_16": lambda a, args: a.rescale(*args, "RNDNU", 48),
    "tosa_avgpool": tosa_average,
    "torch_fake_quant_int8": torch_fake_quant,
    "tfl_add_params": add_params,
    "tfl_add_int8": add_int8,
    "tfl_mul_int8": mul_int8,
    "tfl_softmax_int8": softmax_int8,
    "tfl_hard_swish_int8": hard_swish,
    "tfl_leaky_relu_int8": leaky_relu,
    "tfl_mean_int8": mean_int8,
    "tfl_act_clamp_int8": activation_clamps,
    "tfl_same_padding": padding,
}


def test_all_vectors_are_here() -> None:
    assert len(VECTORS) == 157
    assert {v["fn"] for v in VECTORS} == set(FUNCTIONS)


@pytest.mark.parametrize("arithmetic", [Kernels, Twins])
@pytest.mark.parametrize("vector", VECTORS, ids=[f"{i}-{v['fn']}" for i, v in enumerate(VECTORS)])
def test_vector(vector: dict[str, Any], arithmetic: Arithmetic) -> None:
    got, expected = FUNCTIONS[vector["fn"]](arithmetic, vector["in"]), vector["out"]
    if isinstance(expected, dict):
        got = {key: got[key] for key in expected}
    assert got == expected
