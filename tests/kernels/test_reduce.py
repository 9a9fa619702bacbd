"""The kernel of REDUCE against the instruction's own plain integers, aimed at extremes and ties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim import kernels
from fxsim.isa import Reduce, Space
from fxsim.isa.reference import PlainMachine
from fxsim.numerics import SCHEMES, SchemeCode, scheme_of
from tests.isa.strategies import HARDWARE, legal_reduces

if TYPE_CHECKING:
    from numpy.typing import NDArray

ACT = 4096
SUMS, OUT = 2048, 3072
INTEGER = [scheme.code for scheme in SCHEMES.values() if scheme.synthesizable]
WORDS = st.one_of(st.sampled_from([-(2**31), 2**31 - 1, 0, -1, 2**30]), st.integers(-(2**31), 2**31 - 1))
FILLS = st.sampled_from([0, 127, 128, 255, None])


def check(instruction: Reduce, act: NDArray[np.uint8]) -> None:
    """Everything the kernel leaves behind, sample by sample."""
    after = act.copy()
    fields = [getattr(instruction, name) for name in kernels.REDUCE_COLUMNS]
    kernels.run_reduce(np.array(fields, np.int64), after)
    for before, left in zip(act, after, strict=True):
        machine = PlainMachine(HARDWARE.replace(act_spad_bytes=ACT))
        machine.write(Space.ACT, 0, before.tobytes())
        instruction.execute(machine)
        np.testing.assert_array_equal(left, np.frombuffer(machine.read(Space.ACT, 0, ACT), np.uint8))


@given(legal_reduces(), st.integers(0, 2**32 - 1))
def test_random_instructions(instruction: Reduce, seed: int) -> None:
    check(instruction, np.random.default_rng(seed).integers(0, 256, (2, ACT), dtype=np.uint8))


@st.composite
def extremes(draw: st.DrawFn) -> Reduce:
    """Any integer scheme with its extreme multipliers and shifts, extreme zero points, every way of striding."""
    scheme = scheme_of(draw(st.sampled_from(INTEGER)))
    counts = {name: draw(st.sampled_from([1, 2, 7])) for name in ("outer", "inner", "sum_outer", "sum_inner")}
    strides = {f"{name}_stride": draw(st.sampled_from([0, 1, 2, 7])) for name in counts}
    fields: dict[str, Any] = {**counts, **strides}
    lo, hi = scheme.shifts
    return Reduce(
        first=draw(st.integers(0, 1)),
        last=draw(st.integers(0, 1)),
        x_addr=3,
        sum_addr=SUMS + 1,
        out_addr=OUT + 1,
        out_pitch=counts["inner"] + draw(st.integers(0, 2)),
        scheme=scheme.code,
        multiplier=draw(st.sampled_from([0, 1, scheme.max_multiplier // 2 + 1, scheme.max_multiplier])),
        shift=draw(st.sampled_from([lo, lo + 1, (lo + hi) // 2, hi - 1, hi])),
        in_zero=draw(st.sampled_from([-65536, -128, 0, 127, 255, 65535])),
        out_zero=draw(st.sampled_from([-128, 0, 127])),
        clamp_lo=-128,
        clamp_hi=127,
        x_signed=draw(st.integers(0, 1)),
        **fields,
    )


@given(extremes(), FILLS, st.lists(WORDS, min_size=49, max_size=49), st.integers(0, 99))
def test_extremes(instruction: Reduce, fill: int | None, words: list[int], seed: int) -> None:
    """Codes all alike or random, stored sums next to overflow."""
    act = np.random.default_rng(seed).integers(0, 256, (2, ACT), dtype=np.uint8)
    if fill is not None:
        act[0, :SUMS] = fill
    act[:, SUMS + 1 : SUMS + 1 + 4 * len(words)] = np.array(words, "<i4").view(np.uint8)
    check(instruction, act)


@pytest.mark.parametrize("shift", [0, -1, -2])
def test_ties(shift: int) -> None:
    """Every sum of -128 .. 127 by a power of two: the first stage decides halves, the second the rest."""
    act = np.zeros((1, ACT), np.uint8)
    act[0, :512] = np.stack([np.arange(256, dtype=np.uint8), np.zeros(256, np.uint8)], axis=1).ravel()
    line = Reduce(first=1, last=1, outer=1, inner=256, inner_stride=2, sum_outer=1, sum_inner=2, sum_inner_stride=1,
                  sum_addr=SUMS, out_addr=OUT, out_pitch=256, scheme=SchemeCode.TFL_DOUBLE, multiplier=1 << 30,
                  shift=shift, clamp_lo=-128, clamp_hi=127, x_signed=1)  # fmt: skip
    check(line, act)
