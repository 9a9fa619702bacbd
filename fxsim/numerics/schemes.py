"""Requantization schemes: one exact rule each from accumulator to output code, and its parameters.

The rules are stated by the kernels of `scheme_kernels` and, independently, by `reference`. This module holds what
surrounds them: how real factors become integers, which accumulators a scheme takes, and what it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import QuantizationError
from fxsim._core.registry import Registry
from fxsim.numerics.modes import SchemeCode
from fxsim.numerics.multiplier import quantize_multipliers, quantize_multipliers_single, split_significand
from fxsim.numerics.scheme_kernels import requantize_flat

Integers = NDArray[np.int64]
Reals = NDArray[np.float64]
Split = Callable[[Reals], tuple[Integers, Integers]]
Value = Callable[[Integers, Integers], Reals]

_MAX_REAL = float(1 << 31)


@dataclass(frozen=True, slots=True, eq=False)
class Requant:
    """Parameters of one scheme for n channels, or one set (n = 1) that serves every channel.

    Attributes
    ----------
    multiplier, shift : int64[n]
        What integer schemes read; zeros for float schemes.
    real : float64[n]
        The factor that the integers stand for; what float schemes read.
    floating : bool
        Whether the scheme is a float one, so that its record word is the factor itself.
    """

    multiplier: Integers
    shift: Integers
    real: Reals
    floating: bool = False

    def words(self) -> Integers:
        """64-bit record words: multiplier in bits 0..31, shift in 32..39; or the bits of the binary64 factor."""
        if self.floating:
            return self.real.view(np.int64).copy()
        return (self.multiplier & 0xFFFFFFFF) | ((self.shift & 0xFF) << 32)

    @staticmethod
    def from_words(words: Integers, scheme: Scheme) -> Requant:
        """Parameters that record `words` (int64[n]) hold for `scheme`.

        Raises
        ------
        QuantizationError
            A word holds a multiplier, shift or factor that the scheme does not take.
        """
        words = np.ascontiguousarray(words, dtype=np.int64)
        if scheme.value is None:
            return scheme.derive(words.view(np.float64).copy())
        multiplier = words.astype(np.int32).astype(np.int64)
        shift = (words >> 32).astype(np.int8).astype(np.int64)
        scheme.check(multiplier, shift)
        return Requant(multiplier, shift, scheme.value(multiplier, shift))

    def take(self, channels: Integers | slice) -> Requant:
        """Parameters of some channels; one set serves them all."""
        if len(self) == 1:
            return self
        return Requant(self.multiplier[channels], self.shift[channels], self.real[channels], self.floating)

    def __len__(self) -> int:
        return self.multiplier.size


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scheme:
    """One requantization rule.

    Attributes
    ----------
    name, code
        Name in the registry, and number in instructions and kernels.
    rule
        Real factors to parameters; `derive` calls it on checked factors.
    value
        The factor that (multiplier, shift) stand for; `None` for float schemes.
    max_multiplier, shifts
        Greatest multiplier (the least is 0), and least and greatest shift that the rule takes.
    max_acc_bits, limit
        Widest accumulator for which the rule is exact, and why.
    events
        Priced events per requantized element, zero point and clamp included.
    """

    name: str
    code: SchemeCode
    rule: Callable[[Reals], Requant]
    value: Value | None = None
    max_multiplier: int = 0
    shifts: tuple[int, int] = (0, 0)
    max_acc_bits: int
    limit: str
    events: Mapping[str, int]

    @property
    def synthesizable(self) -> bool:
        """Whether the rule is integer hardware; float schemes are not."""
        return self.value is not None

    def check(self, multiplier: Integers, shift: Integers) -> None:
        """Raise `QuantizationError` for the first channel whose multiplier or shift the rule does not take."""
        limits = (("shift", shift, self.shifts), ("multiplier", multiplier, (0, self.max_multiplier)))
        for what, values, (lo, hi) in limits:
            bad = np.flatnonzero((values < lo) | (values > hi))
            if bad.size:
                expected = f"{what} of {self.name} must be in {lo}..{hi}"
                raise QuantizationError(expected, got=int(values[bad[0]]), where=f"channel {bad[0]}")

    def derive(self, real: Reals | float) -> Requant:
        """Parameters for real factors (input step * weight step / output step), float64[n].

        Raises
        ------
        QuantizationError
            A factor is negative, NaN, above 2**31, or needs a shift that the rule does not take.
        """
        real = np.array(real, dtype=np.float64).reshape(-1)
        bad = np.flatnonzero(~((real >= 0) & (real <= _MAX_REAL)))
        if bad.size:
            expected = f"real multiplier of {self.name} must be in 0..2**31"
            raise QuantizationError(expected, got=float(real[bad[0]]), where=f"channel {bad[0]}")
        requant = self.rule(real)
        self.check(requant.multiplier, requant.shift)
        return requant


def _left_value(multiplier: Integers, shift: Integers) -> Reals:
    """Factor m * 2**(s - 31): TFLite's convention, positive shifts to the left."""
    return np.ldexp(multiplier.astype(np.float64), shift - 31)


def _right_value(multiplier: Integers, shift: Integers) -> Reals:
    """Factor m * 2**-s: shifts to the right only."""
    return np.ldexp(multiplier.astype(np.float64), -shift)


def _split_rndnu(real: Reals) -> tuple[Integers, Integers]:
    """24-bit mantissa of the binary32 factor; shift 16..55 is XNNPACK's range 2**-32 <= factor < 256."""
    mantissa, exponent = split_significand(real.astype(np.float32).astype(np.float64), 24)
    return mantissa, np.where(mantissa == 0, 0, 24 - exponent)


def _split_rhaway(real: Reals) -> tuple[Integers, Integers]:
    """15-bit multiplier and right shift; a shift beyond 62 leaves nothing of any 48-bit accumulator."""
    multiplier, exponent = split_significand(real, 15)
    gone = 15 - exponent > 62
    return np.where(gone, 0, multiplier), np.where(gone, 0, 15 - exponent)


def _split_reven(real: Reals) -> tuple[Integers, Integers]:
    """Power of two nearest to each factor (halfway: the greater one), as a right shift of at most 62."""
    fraction, exponent = np.frexp(real)
    shift = np.where(fraction >= 0.75, -exponent, 1 - exponent).astype(np.int64)
    shift = np.where(real == 0, 62, np.minimum(shift, 62))
    return np.ones_like(shift), shift


def _integer_rule(split: Split, value: Value) -> Callable[[Reals], Requant]:
    def rule(real: Reals) -> Requant:
        multiplier, shift = split(real)
        return Requant(multiplier, shift, value(multiplier, shift))

    return rule


def _float_rule(dtype: type[np.float32 | np.float64]) -> Callable[[Reals], Requant]:
    def rule(real: Reals) -> Requant:
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
    *,
    multiplier_bits: int = 31,
    max_acc_bits: int = 48,
    limit: str = "the two limbs of the product hold 79 bits",
    **events: int,
) -> Scheme:
    return Scheme(
        name=code.name,
        code=code,
        rule=_integer_rule(split, value),
        value=value,
        max_multiplier=(1 << multiplier_bits) - 1,
        shifts=shifts,
        max_acc_bits=max_acc_bits,
        limit=limit,
        events=_events(**events),
    )


def _float(code: SchemeCode, dtype: type[np.float32 | np.float64], max_acc_bits: int, limit: str) -> Scheme:
    return Scheme(
        name=code.name,
        code=code,
        rule=_float_rule(dtype),
        max_acc_bits=max_acc_bits,
        limit=limit,
        events=_events(fp_multiply=1, fp_convert=2),
    )


_ALL = (
    _integer(SchemeCode.TFL_DOUBLE, quantize_multipliers, _left_value, (-31, 30), multiply=1, add64=2, shift=1),
    _integer(SchemeCode.TFL_SINGLE, quantize_multipliers_single, _left_value, (-31, 30), multiply=1, add64=1, shift=1),
    _integer(SchemeCode.TFL_DOUBLE_UP, quantize_multipliers, _left_value, (-31, 30), multiply=1, add64=2, shift=1),
    _integer(SchemeCode.RNDNU, _split_rndnu, _right_value, (16, 55), multiplier_bits=24, multiply=1, add64=1, shift=1),
    _integer(
        SchemeCode.MBQM64,
        quantize_multipliers,
        _left_value,
        (-31, 7),
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
        multiplier_bits=15,
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
        multiplier_bits=1,
        max_acc_bits=62,
        shift=1,
        add32=1,
        limit="the shifter reaches 62 bits",
    ),
    _float(SchemeCode.TFL_DOUBLE_FP, np.float64, 54, "binary64 holds integers up to 2**53"),
    _float(SchemeCode.FP32_RNE, np.float32, 64, "registers have at most 64 bits"),
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
