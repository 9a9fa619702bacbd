"""Questions to a requantizer: accumulators, a multiplier, a shift, an output range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from fxsim._core.errors import QuantizationError
from fxsim.numerics import SCHEMES, IntFormat, Requant, Scheme, check_requant_width
from fxsim.numerics.reference import ref_requantize
from fxsim.testing.checking.answers import integers_differ
from fxsim.testing.checking.dots import Dots, dot_program
from fxsim.testing.checking.hexes import hex_files
from fxsim.testing.checking.source import array_source, equal_integers, with_imports
from fxsim.testing.integers import codes
from fxsim.testing.requants import requants

if TYPE_CHECKING:
    from collections.abc import Callable

    from fxsim.hw import Hardware
    from fxsim.isa import Program

Ints = NDArray[np.int64]

_OUTPUTS = [
    st.tuples(codes(fmt), st.just(fmt.lo) | codes(fmt), st.just(fmt.hi) | codes(fmt))
    for fmt in (IntFormat(8), IntFormat(8, signed=False), IntFormat(16))
]
"""Zero point and limits of output codes."""
_SPAN = 300
"""Ties lie between codes of at most this distance from the zero point."""
_MOST = 8
"""Accumulators per question."""


@dataclass(frozen=True, slots=True, eq=False)
class _Requantization:
    hw: Hardware
    scheme: Scheme
    requant: Requant
    acc: Ints
    zero: int
    lo: int
    hi: int

    @property
    def _numbers(self) -> tuple[int, ...]:
        return int(self.requant.multiplier[0]), int(self.requant.shift[0]), self.zero, self.lo, self.hi

    def ask(self, dut: Callable[..., Any]) -> object:
        return dut(self.acc.copy(), *self._numbers)

    def judge(self, answer: object, expected: Ints) -> str | None:
        return integers_differ("codes", expected, answer)

    def expected(self) -> Ints:
        multiplier, shift, *output = self._numbers
        bits, name = self.hw.numerics.acc_bits, self.scheme.name
        return np.array([ref_requantize(a, multiplier, shift, 0, name, bits, *output) for a in self.acc.tolist()])

    def python(self) -> str:
        return with_imports(
            f"# {self.scheme.name}, accumulators of {self.hw.numerics.acc_bits} bits\n"
            f"acc = {array_source(self.acc)}\n"
            f"answer = dut(acc, {', '.join(map(str, self._numbers))})  # acc, multiplier, shift, zero, lo, hi\n"
            f"{equal_integers('codes', self.expected())}"
        )

    def program(self) -> Program:
        """Biases that are the accumulators, and weights of 0."""
        n, k = self.acc.size, 1
        dots = Dots(np.zeros(k, np.int64), np.zeros((n, k), np.int64), self.acc, int(self.requant.words()[0]))
        output = {"out_zero": self.zero, "clamp_lo": self.lo, "clamp_hi": self.hi}
        return dot_program(self.hw.replace(bias_order="first"), dots, {"scheme": self.scheme.code, **output})

    def files(self) -> dict[str, bytes]:
        names, widths = ("multiplier", "shift", "zero", "lo", "hi"), (32, 8, 17, 17, 17)
        parts = {"acc": (self.acc, self.hw.numerics.acc_bits), "codes": (self.expected(), 17)}
        parts |= {name: (np.array([v]), w) for name, v, w in zip(names, self._numbers, widths, strict=True)}
        return hex_files(parts)


def requantizations(hw: Hardware) -> st.SearchStrategy[_Requantization]:
    """Questions for the scheme, accumulators and multipliers of `hw`; `QuantizationError` where there can be none."""
    numerics = hw.numerics
    scheme = SCHEMES["TFL_DOUBLE" if numerics.requantizer == "profile" else numerics.requantizer]
    if not scheme.synthesizable:
        raise QuantizationError("requantizer must be an integer scheme: float ones have no multiplier", got=scheme.name)
    check_requant_width(scheme, numerics.acc_bits)
    scheme.derive(1.0, numerics.multiplier_bits)
    register = IntFormat(numerics.acc_bits)
    span = st.integers(-_SPAN, _SPAN)
    wanted = codes(register) | st.tuples(span, st.integers(-1, 1))
    return st.builds(
        _solved,
        st.just(hw),
        st.just(scheme),
        requants(scheme, multiplier_bits=numerics.multiplier_bits),
        st.lists(wanted, min_size=1, max_size=min(_MOST, hw.timing.rows)),
        st.one_of(_OUTPUTS),
    )


def _solved(
    hw: Hardware, scheme: Scheme, requant: Requant, wanted: list[int | tuple[int, int]], output: tuple[int, int, int]
) -> _Requantization:
    real, register = float(requant.real[0]), IntFormat(hw.numerics.acc_bits)
    acc = [a if isinstance(a, int) else register.saturate(_tie(real, *a)) for a in wanted]
    return _Requantization(hw, scheme, requant, np.array(acc, np.int64), output[0], *sorted(output[1:]))


def _tie(real: float, code: int, distance: int) -> int:
    """Accumulator whose rescaled value lies halfway between `code` and the next, or one beside it."""
    return int((code + 0.5) / real) + distance if real else distance
