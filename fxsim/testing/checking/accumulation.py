"""Questions to a dot product: activations, weights and biases that overflow, and those that nearly do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from fxsim._core.errors import HardwareError
from fxsim.numerics import IntFormat, Overflow
from fxsim.numerics.reference import ref_overflow, ref_range, ref_saturate
from fxsim.testing.checking.answers import integers_differ
from fxsim.testing.checking.dots import Dots, dot_program
from fxsim.testing.checking.hexes import hex_files
from fxsim.testing.checking.recorder import Recorder
from fxsim.testing.checking.source import array_source, equal_integers, with_imports
from fxsim.testing.integers import tensors
from fxsim.testing.sums import aimed_biases

if TYPE_CHECKING:
    from collections.abc import Callable

    from fxsim.hw import Hardware, Numerics
    from fxsim.isa import Program

Ints = NDArray[np.int64]

_ROWS = 3
_BIAS_BITS = 52
"""Exact sums stay far below 63 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class _Accumulation:
    hw: Hardware
    dots: Dots

    def ask(self, dut: Callable[..., Any]) -> object:
        return dut(self.dots.x.copy(), self.dots.w.copy(), self.dots.bias.copy())

    def judge(self, answer: object, expected: Ints) -> str | None:
        return integers_differ("accumulators", expected, answer)

    def expected(self) -> Ints:
        machine = Recorder(self.program())
        machine.run()
        return np.array([self._read(machine, row, bias) for row, bias in enumerate(self.dots.bias.tolist())])

    def _read(self, machine: Recorder, row: int, bias: int) -> int:
        numerics, value = self.hw.numerics, machine.accumulator(0, row, 0).value
        mode = Overflow[numerics.overflow.upper()]
        if numerics.bias_order == "last":
            value, _ = ref_overflow(value + bias, numerics.acc_bits, mode, numerics.acc_internal_bits)
        return ref_saturate(value, *ref_range(numerics.acc_bits))

    def python(self) -> str:
        n = self.hw.numerics
        widths = f"{n.acc_bits} bits, {n.overflow}, {n.reduction} of {self.hw.timing.cols} columns"
        return with_imports(
            f"# accumulators of {widths}\n"
            f"x = {array_source(self.dots.x)}\n"
            f"w = {array_source(self.dots.w)}\n"
            f"bias = {array_source(self.dots.bias)}\n"
            "answer = dut(x, w, bias)\n"
            f"{equal_integers('accumulators', self.expected())}"
        )

    def program(self) -> Program:
        """One MAC; a bias that is added last is left to the read-out."""
        return dot_program(self.hw, self.dots)

    def files(self) -> dict[str, bytes]:
        n = self.hw.numerics
        parts = {
            "x": (self.dots.x, n.act_bits),
            "w": (self.dots.w, n.weight_bits),
            "bias": (self.dots.bias, 64),
            "accumulators": (self.expected(), n.acc_bits),
        }
        return hex_files(parts)


def accumulations(hw: Hardware) -> st.SearchStrategy[_Accumulation]:
    """Questions for the array and the accumulators of `hw`; `HardwareError` where it needs several instructions."""
    if hw.numerics.split_k != 1:
        raise HardwareError("split_k must be 1: a kernel is one instruction (check_layer has merges)", where=hw.name)
    return _accumulation(hw)


@st.composite
def _accumulation(draw: st.DrawFn, hw: Hardware) -> _Accumulation:
    length = draw(st.integers(1, 3 * hw.timing.cols))
    x = draw(tensors((length,), IntFormat(hw.numerics.act_bits)))
    rows = draw(st.lists(_rows(hw.numerics, x), min_size=1, max_size=min(_ROWS, hw.timing.rows)))
    w, bias = zip(*rows, strict=True)
    return _Accumulation(hw, Dots(x, np.stack(w), np.array(bias, np.int64)))


@st.composite
def _rows(draw: st.DrawFn, numerics: Numerics, x: Ints) -> tuple[Ints, int]:
    """Weights and bias of one row."""
    register, stored = _formats(numerics)
    w = draw(tensors(x.shape, IntFormat(numerics.weight_bits)))
    return w, draw(aimed_biases(np.cumsum(x * w).tolist(), register, stored=stored))


def _formats(numerics: Numerics) -> tuple[IntFormat, IntFormat]:
    """Formats of the register, and of the biases that the machine would take."""
    register = IntFormat(numerics.acc_internal_bits if numerics.overflow == "readout" else numerics.acc_bits)
    loadable = register.bits if numerics.bias_policy == "error" else _BIAS_BITS
    return register, IntFormat(min(numerics.bias_bits, loadable, _BIAS_BITS))
