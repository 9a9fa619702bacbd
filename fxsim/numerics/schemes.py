"""Requantization schemes: one exact rule each from accumulator to output code, and its parameters.

The rules are stated by the kernels of `scheme_kernels` and, independently, by `reference`. This module holds what
surrounds them: how real factors become integers, which accumulators a scheme takes, and what it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from fxsim._core.errors import QuantizationError
from fxsim._core.registry import Registry
from fxsim.numerics.modes import Rounding, SchemeCode
from fxsim.numerics.multiplier import quantize_multipliers, quantize_multipliers_single, split_significand
from fxsim.numerics.scheme import Integers, Reals, Requant, Scheme, Value
from fxsim.numerics.scheme_kernels import requantize_flat

Split = Callable[[Reals, int], tuple[Integers, Integers]]


def _left_value(multiplier: Integers, shift: Integers) -> Reals:
    """Factor m * 2**(s - 31): TFLite's convention, positive shifts to the left."""
    return np.ldexp(multiplier.astype(np.float64), shift - 31)


def _reduced_value(multiplier: Integers, shift: Integers) -> Reals:
    """Factor of the 15-bit multiplier that MBQM64 makes of a 31-bit one."""
    reduced = np.where(multiplier < 0x7FFF0000, (multiplier + (1 << 15)) >> 16, 0x7FFF)
    return np.ldexp(reduced.astype(np.float64), shift - 15)


def _right_value(multiplier: Integers, shift: Integers) -> Reals:
    """Factor m * 2**-s: shifts to the right only."""
    return np.ldexp(multiplier.astype(np.float64), -shift)


def _split_mbqm64(real: Reals, bits: int) -> tuple[Integers, Integers]:
    """As `quantize_multipliers`; the rule itself reduces 31 bits to 15."""
    return quantize_multipliers(real, 31 if bits == 15 else bits)


def _split_rndnu(real: Reals, bits: int) -> tuple[Integers, Integers]:
    """24-bit mantissa of the binary32 factor; shift 16..55 is XNNPACK's range 2**-32 <= factor < 256."""
    mantissa, exponent = split_significand(real.astype(np.float32).astype(np.float64), bits)
    return mantissa << (24 - bits), np.where(mantissa == 0, 0, 24 - exponent)


def _split_rhaway(real: Reals, bits: int) -> tuple[Integers, Integers]:
    """15-bit multiplier and right shift; a shift beyond 62 leaves nothing of any 48-bit accumulator."""
    multiplier, exponent = split_significand(real, bits)
    gone = 15 - exponent > 62
    return np.where(gone, 0, multiplier << (15 - bits)), np.where(gone, 0, 15 - exponent)


def _split_reven(real: Reals, bits: int) -> tuple[Integers, Integers]:
    """Power of two nearest to each factor (halfway: the greater one), as a right shift of at most 62."""
    del bits
    fraction, exponent = np.frexp(real)
    shift = np.where(fraction >= 0.75, -exponent, 1 - exponent).astype(np.int64)
    shift = np.where(real == 0, 62, np.minimum(shift, 62))
    return np.ones_like(shift), shift


def _integer_rule(split: Split, value: Value) -> Callable[[Reals, int], Requant]:
    def rule(real: Reals, bits: int) -> Requant:
        multiplier, shift = split(real, bits)
        return Requant(multiplier, shift, value(multiplier, shift))

    return rule


def _float_rule(dtype: type[np.float32 | np.float64]) -> Callable[[Reals, int], Requant]:
    def rule(real: Reals, bits: int) -> Requant:
        del bits
        zeros = np.zeros(real.size, dtype=np.int64)
        return Requant(zeros, zeros.copy(), real.astype(dtype).astype(np.float64), floating=True)

    return rule


def _events(**counts: int) -> Mapping[str, int]:
    """Event counts with the zero-point add and the two clamp compares that every scheme ends with."""
    named = {f"requant_{name}": count for name, count in counts.items()}
    adds = named.pop("requant_add32", 0) + 1
    return MappingProxyType({**named, "requant_add32": adds, "requant_compare": 2})


def _integer(
    code: SchemeCode,
    split: Split,
    value: Value,
    shifts: tuple[int, int],
    *roundings: Rounding,
    stored_bits: int = 31,
    significand: int | None = None,
    max_acc_bits: int = 48,
    limit: str = "the two limbs of the product hold 79 bits",
    **events: int,
) -> Scheme:
    return Scheme(
        name=code.name,
        code=code,
        rule=_integer_rule(split, value),
        value=value,
        significand=significand or stored_bits,
        max_multiplier=(1 << stored_bits) - 1,
        shifts=shifts,
        max_acc_bits=max_acc_bits,
        limit=limit,
        roundings=roundings,
        events=_events(**events),
    )


def _float(
    code: SchemeCode, dtype: type[np.float32 | np.float64], rounding: Rounding, max_acc_bits: int, limit: str
) -> Scheme:
    return Scheme(
        name=code.name,
        code=code,
        rule=_float_rule(dtype),
        max_acc_bits=max_acc_bits,
        limit=limit,
        roundings=(rounding,),
        events=_events(fp_multiply=1, fp_convert=2),
    )


_UP, _AWAY, _EVEN = Rounding.TIES_UP, Rounding.TIES_AWAY, Rounding.TIES_EVEN
_ALL = (
    _integer(
        SchemeCode.TFL_DOUBLE,
        quantize_multipliers,
        _left_value,
        (-31, 30),
        _UP,
        _AWAY,
        multiply=1,
        add64=2,
        shift=1,
    ),
    _integer(
        SchemeCode.TFL_SINGLE,
        quantize_multipliers_single,
        _left_value,
        (-31, 30),
        _UP,
        multiply=1,
        add64=1,
        shift=1,
    ),
    _integer(
        SchemeCode.TFL_DOUBLE_UP,
        quantize_multipliers,
        _left_value,
        (-31, 30),
        _UP,
        _UP,
        multiply=1,
        add64=2,
        shift=1,
    ),
    _integer(
        SchemeCode.RNDNU,
        _split_rndnu,
        _right_value,
        (16, 55),
        _UP,
        stored_bits=24,
        multiply=1,
        add64=1,
        shift=1,
    ),
    _integer(
        SchemeCode.MBQM64,
        _split_mbqm64,
        _reduced_value,
        (-31, 7),
        _UP,
        significand=15,
        multiply=1,
        add64=1,
        shift=1,
        limit="TFLite's 15-bit multiplier leaves 48 bits of 63 to the accumulator",
    ),
    _integer(
        SchemeCode.RHAWAY_SHIFT,
        _split_rhaway,
        _right_value,
        (0, 62),
        _AWAY,
        stored_bits=15,
        multiply=1,
        add64=1,
        shift=1,
        limit="the 15-bit multiplier leaves 48 bits of 63 to the accumulator",
    ),
    _integer(
        SchemeCode.REVEN_SHIFT,
        _split_reven,
        _right_value,
        (0, 62),
        _EVEN,
        stored_bits=1,
        max_acc_bits=62,
        shift=1,
        add32=1,
        limit="the shifter reaches 62 bits",
    ),
    _float(SchemeCode.TFL_DOUBLE_FP, np.float64, _AWAY, 54, "binary64 holds integers up to 2**53"),
    _float(SchemeCode.FP32_RNE, np.float32, _EVEN, 64, "registers have at most 64 bits"),
    _integer(
        SchemeCode.FLOOR,
        quantize_multipliers_single,
        _left_value,
        (-31, 30),
        Rounding.FLOOR,
        multiply=1,
        shift=1,
    ),
)

SCHEMES: Registry[Scheme] = Registry("requantization scheme", error=QuantizationError)
"""Every scheme by name."""

_BY_CODE = {scheme.code: SCHEMES.add(scheme.name, scheme) for scheme in _ALL}


def scheme_of(code: int) -> Scheme:
    """Scheme with number `code` (a `SchemeCode`); an unknown number is a `QuantizationError`."""
    try:
        return _BY_CODE[SchemeCode(code)]
    except ValueError:
        raise QuantizationError(f"scheme code must be in 0..{max(SchemeCode)}", got=code) from None


def check_requant_width(scheme: Scheme, acc_bits: int) -> None:
    """Raise `QuantizationError` with the reason if `scheme` is not exact for accumulators of `acc_bits` bits."""
    if not 2 <= acc_bits <= scheme.max_acc_bits:
        expected = f"acc_bits must be in 2..{scheme.max_acc_bits} to requantize by {scheme.name} ({scheme.limit})"
        raise QuantizationError(expected, got=acc_bits)


_WRAPPING = (SchemeCode.TFL_DOUBLE, SchemeCode.TFL_DOUBLE_UP, SchemeCode.MBQM64)
"""Schemes whose shift to the left, or result, wraps at W bits."""


def monotone_limit(requant: Requant, scheme: Scheme, acc_bits: int = 32) -> Integers:
    """Greatest magnitude of accumulators up to which `requantize` is monotone, per channel: int64 [n].

    Multipliers are not negative and every rounding is monotone, so only a wrap at W = max(32, acc_bits) can break it.
    """
    if scheme.code not in _WRAPPING:
        return np.full(len(requant), np.iinfo(np.int64).max)
    return np.int64((1 << (max(32, acc_bits) - 1)) - 1) >> np.maximum(requant.shift, 0)


def _check_output(zero: int, lo: int, hi: int) -> None:
    if not -(1 << 31) <= lo <= hi < 1 << 32:
        raise QuantizationError("output range must be ordered and of at most 32 bits", got=(lo, hi))
    if abs(zero) > 1 << 32:
        raise QuantizationError("output zero point must be of at most 32 bits", got=zero)


def _check_accumulators(acc: Integers, acc_bits: int) -> None:
    if acc.dtype != np.int64:
        raise QuantizationError("accumulators must be int64", got=str(acc.dtype))
    half = 1 << (acc_bits - 1)
    if acc.size and not (-half <= int(acc.min()) and int(acc.max()) < half):
        raise QuantizationError(f"accumulators must fit {acc_bits} bits", got=(int(acc.min()), int(acc.max())))


def requantize(
    acc: Integers, requant: Requant, scheme: Scheme, *, zero: int, lo: int, hi: int, acc_bits: int = 32
) -> Integers:
    """Output codes clamp(rescale(acc) + zero, lo, hi) of an array of accumulators.

    Parameters
    ----------
    acc : int64[..., n]
        Accumulators of at most `acc_bits` bits; the last axis is the channel where `requant` has n > 1 channels.
    requant
        Parameters that `scheme` derived.
    zero, lo, hi
        Output zero point and clamp.

    Returns
    -------
    int64 array of the shape of `acc`. Overflow and rounding: as the scheme says, at W = max(32, acc_bits).

    Raises
    ------
    QuantizationError
        The scheme is not exact at `acc_bits`, an accumulator does not fit them, or channels do not match.
    """
    check_requant_width(scheme, acc_bits)
    _check_accumulators(acc, acc_bits)
    _check_output(zero, lo, hi)
    n = len(requant)
    if n != 1 and (acc.ndim == 0 or acc.shape[-1] != n):
        raise QuantizationError(f"accumulators must have {n} channels in the last axis", got=acc.shape)
    flat = np.require(acc, requirements=["C", "W"]).reshape(-1)
    out = np.empty(flat.size, dtype=np.int64)
    records = (np.array(requant.multiplier), np.array(requant.shift), np.array(requant.real))
    requantize_flat(flat, *records, out, int(scheme.code), int(acc_bits), int(zero), int(lo), int(hi))
    return out.reshape(acc.shape)
