"""From accumulators to codes in stages: the scale, the roundings, the ties and the clamp, each with or without."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.analysis.comparison.mechanisms import Mechanism
from fxsim.numerics import Overflow, Rounding, SchemeCode, monotone_limit, overflow_array, requantize, round_real

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.analysis.comparison.models.base import Ints, On, Reals
    from fxsim.numerics import Requant, Scheme

_DIRECTED = (Rounding.FLOOR, Rounding.CEIL, Rounding.TO_ZERO, Rounding.AWAY_FROM_ZERO)


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """How one node's accumulators become codes.

    Attributes
    ----------
    scheme, requant
        The exact rule and its integers, n channels or 1.
    real
        The real scale in binary64, n or 1.
    zero, out_zero
        Output zero point; the one that the exact rule adds.
    fake, exact
        Output ranges: of fake quantization, of the exact rule.
    acc_bits
        Width that the exact rule is told.
    """

    scheme: Scheme
    requant: Requant
    real: Reals
    zero: int
    out_zero: int
    fake: tuple[int, int]
    exact: tuple[int, int]
    acc_bits: int = 32

    def take(self, channels: Ints) -> Scaling:
        """The scaling of elements of these channels, one each."""
        real = self.real if self.real.size == 1 else self.real[channels]
        return dataclasses.replace(self, requant=self.requant.take(channels), real=real)

    def by(self, real: Reals) -> Scaling:
        """The same with another real scale."""
        return dataclasses.replace(self, real=real)

    @property
    def stages(self) -> tuple[Mechanism, ...]:
        """Those of the scale and the roundings that can act."""
        return tuple(self._stages())

    def _stages(self) -> Iterator[Mechanism]:
        yield Mechanism.MULTIPLIER
        if self.scheme.code == SchemeCode.FP32_RNE or (len(self.scheme.roundings) > 1 and self._drop.any()):
            yield Mechanism.FIRST_ROUNDING
        if self._directed:
            yield Mechanism.SECOND_ROUNDING
        if set(self.scheme.roundings) - {*_DIRECTED, Rounding.TIES_EVEN}:
            yield Mechanism.TIE

    def wraps(self, reach: int) -> bool:
        """Whether the requantizer's own shifts can wrap on accumulators of at most that magnitude."""
        return bool((monotone_limit(self.requant, self.scheme, self.acc_bits) < reach).any())

    def codes(self, acc: Ints | Reals, on: On) -> Ints:
        """Codes of accumulators [..., n], int64 or, where something about them is real, float64.

        Those that the exact rule's shifts would wrap are staged whatever is on, but for overflow: that is the exact
        rule on them.
        """
        whole, overflow = acc.dtype == np.int64 and on.issuperset(self.stages), Mechanism.OVERFLOW in on
        limit, width = self._limit(overflow)
        if max(-acc.min(initial=0), acc.max(initial=0)) <= limit.min(initial=np.iinfo(np.int64).max):
            return self._integer(acc.astype(np.int64, copy=False), on, width) if whole else self._staged(acc, on)
        exact = np.where(np.abs(acc) > limit, overflow, whole)
        inside = np.rint(np.where(exact, acc, 0)).astype(np.int64)
        inside = overflow_array(inside, width, Overflow.SATURATE, width)  # a real bias may leave it
        return np.where(exact, self._integer(inside, on, width), self._staged(acc, on))

    def _limit(self, overflow: bool) -> tuple[Ints, int]:
        """Greatest magnitudes that the exact rule's shifts do not wrap, and its width: the machine's, or the widest."""
        if overflow:
            return monotone_limit(self.requant, self.scheme, self.acc_bits), self.acc_bits
        width = min(self.scheme.max_acc_bits, 63)
        return np.minimum(monotone_limit(self.requant, self.scheme, width), (1 << (width - 1)) - 1), width

    def staged(self, acc: Ints | Reals, on: On) -> Reals:
        """Whole numbers before the zero point, in binary64."""
        factor = self.requant.real if Mechanism.MULTIPLIER in on else self.real
        value = acc * factor
        if Mechanism.FIRST_ROUNDING in on:
            value = self._first(value, acc, factor, on)
        return self._last(value, on)

    def rounded(self, value: Reals, on: On) -> Ints:
        """Codes of numbers that are scaled already, by the last rounding."""
        return np.clip(self._last(value, on) + self.zero, *self._range(on)).astype(np.int64)

    def _staged(self, acc: Ints | Reals, on: On) -> Ints:
        zero = self.out_zero if Mechanism.MULTIPLIER in on else self.zero
        return np.clip(self.staged(acc, on) + zero, *self._range(on)).astype(np.int64)

    def _integer(self, acc: Ints, on: On, width: int) -> Ints:
        """The exact rule for accumulators of `width` bits."""
        lo, hi = self._range(on)
        return requantize(acc, self.requant, self.scheme, zero=self.out_zero, lo=lo, hi=hi, acc_bits=width)

    def _range(self, on: On) -> tuple[int, int]:
        return self.exact if Mechanism.CLAMP in on else self.fake

    @property
    def _directed(self) -> bool:
        return self.scheme.roundings[-1] in _DIRECTED

    @property
    def _drop(self) -> Ints:
        """Bits between the first rounding of two and the last, per channel."""
        return np.maximum(-self.requant.shift, 0)

    def _first(self, value: Reals, acc: Ints | Reals, factor: Reals, on: On) -> Reals:
        """`value` after the rounding that precedes the last one."""
        if self.scheme.code == SchemeCode.FP32_RNE:
            return (acc.astype(np.float32).astype(np.float64) * factor).astype(np.float32).astype(np.float64)
        if len(self.scheme.roundings) == 1:
            return value
        rule = self.scheme.roundings[0] if Mechanism.TIE in on else Rounding.TIES_EVEN
        return np.ldexp(round_real(np.ldexp(value, self._drop), rule), -self._drop)

    def _last(self, value: Reals, on: On) -> Reals:
        rule = self.scheme.roundings[-1]
        if self._directed:
            return round_real(value, rule) if Mechanism.SECOND_ROUNDING in on else np.rint(value)
        if Mechanism.TIE not in on:
            return np.rint(value)
        rounded = round_real(value, rule)
        if len(self.scheme.roundings) == 1:
            return rounded
        only = round_real(value, self.scheme.roundings[0])  # nothing is dropped after it
        return np.where(self._drop == 0, only, rounded)
