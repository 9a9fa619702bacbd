"""What the requantizer rounds: exact dividends, by scheme; plain integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fxsim.numerics import IntFormat, SchemeCode

if TYPE_CHECKING:
    from fxsim.numerics import Scheme

_WIDTH = 32
_DOUBLE = (SchemeCode.TFL_DOUBLE, SchemeCode.TFL_DOUBLE_UP)
_SINGLE = (SchemeCode.TFL_SINGLE, SchemeCode.FLOOR)
_REDUCED = 0x7FFF


class Division(NamedTuple):
    """``value / 2**right``, which is rounded to a whole number."""

    value: int
    right: int

    def is_tie(self) -> bool:
        """Whether the quotient lies in the middle of two whole numbers."""
        return self.right > 0 and self.value % (1 << self.right) == 1 << (self.right - 1)


def divisions(scheme: Scheme, acc: int, multiplier: int, shift: int, acc_bits: int) -> tuple[Division, ...]:
    """Roundings of one accumulator by an integer scheme, in their order (fxsim_requantize.sv has the rules)."""
    if scheme.code in _DOUBLE:
        shifted = IntFormat(max(_WIDTH, acc_bits)).wrap(acc << max(shift, 0))
        first = Division(shifted * multiplier, 31)
        return first, Division((first.value + (1 << 30)) >> 31, max(-shift, 0))
    if scheme.code in _SINGLE:
        return (Division(acc * multiplier, 31 - shift),)
    if scheme.code is SchemeCode.MBQM64:
        return (Division(acc * min((multiplier + (1 << 15)) >> 16, _REDUCED), 15 - shift),)
    return (Division(acc if scheme.code is SchemeCode.REVEN_SHIFT else acc * multiplier, shift),)
