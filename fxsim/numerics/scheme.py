"""What a requantization scheme is: its rule from real factors to parameters, its ranges, roundings and cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import QuantizationError

if TYPE_CHECKING:
    from fxsim.numerics.modes import Rounding, SchemeCode

Integers = NDArray[np.int64]
Reals = NDArray[np.float64]
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
        Real factors, and the bits of their significands to keep, to parameters; `derive` calls it on checked factors.
    value
        The factor that (multiplier, shift) stand for; `None` for float schemes.
    significand
        Bits of the rule's own multiplier, its sign aside; 1: it only shifts, 0: its factor is a float.
    max_multiplier, shifts
        Greatest multiplier (the least is 0), and least and greatest shift that the rule takes.
    max_acc_bits, limit
        Widest accumulator for which the rule is exact, and why.
    roundings
        Rules by which the scaled accumulator is rounded: the last one to a whole number; of two, the first one before
        the right shift of the multiplier's -shift bits, and alone where there is none.
    events
        Priced events per requantized element, zero point and clamp included.
    """

    name: str
    code: SchemeCode
    rule: Callable[[Reals, int], Requant]
    value: Value | None = None
    significand: int = 0
    max_multiplier: int = 0
    shifts: tuple[int, int] = (0, 0)
    max_acc_bits: int
    limit: str
    roundings: tuple[Rounding, ...]
    events: Mapping[str, int]

    @property
    def synthesizable(self) -> bool:
        """Whether the rule is integer hardware; float schemes are not."""
        return self.value is not None

    def multiplier_width(self, multiplier_bits: int) -> int:
        """Signed width of the multiplier on hardware of `multiplier_bits`: the narrower of the two holds."""
        return min(multiplier_bits, self.significand + 1)

    def check(self, multiplier: Integers, shift: Integers) -> None:
        """Raise `QuantizationError` for the first channel whose multiplier or shift the rule does not take."""
        limits = (("shift", shift, self.shifts), ("multiplier", multiplier, (0, self.max_multiplier)))
        for what, values, (lo, hi) in limits:
            bad = np.flatnonzero((values < lo) | (values > hi))
            if bad.size:
                expected = f"{what} of {self.name} must be in {lo}..{hi}"
                raise QuantizationError(expected, got=int(values[bad[0]]), where=f"channel {bad[0]}")

    def derive(self, real: Reals | float, multiplier_bits: int = 32) -> Requant:
        """Parameters for real factors (input step * weight step / output step), float64[n].

        A multiplier of `multiplier_bits` (signed, 2..32) below the rule's own has its significand rounded from the
        factor's to multiplier_bits - 1 bits, ties away from zero, and stands left-aligned in the rule's own.

        Raises
        ------
        QuantizationError
            A factor is negative, NaN, above 2**31, or needs a shift that the rule does not take; `multiplier_bits` is
            not 32 and the rule has no integer multiplier.
        """
        if multiplier_bits != 32 and self.significand < 2:
            reason = "it only shifts" if self.significand else "its factor is a float"
            raise QuantizationError(f"multiplier_bits must be 32 for {self.name}, {reason}", got=multiplier_bits)
        real = np.array(real, dtype=np.float64).reshape(-1)
        bad = np.flatnonzero(~((real >= 0) & (real <= _MAX_REAL)))
        if bad.size:
            expected = f"real multiplier of {self.name} must be in 0..2**31"
            raise QuantizationError(expected, got=float(real[bad[0]]), where=f"channel {bad[0]}")
        requant = self.rule(real, self.multiplier_width(multiplier_bits) - 1)
        self.check(requant.multiplier, requant.shift)
        return requant
