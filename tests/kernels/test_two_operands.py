"""Kernels of VADD, VMUL, COPY and FILL against the instructions' own plain integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fxsim import kernels
from fxsim.isa import Copy, Fill, Instruction, Space, VAdd, VMul
from fxsim.isa.reference import PlainMachine
from fxsim.numerics import SchemeCode
from tests.isa.strategies import HARDWARE, legal_moves, legal_two_operands

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

KERNELS: dict[type[Instruction], tuple[tuple[str, ...], Callable[..., None]]] = {
    VAdd: (kernels.VADD_COLUMNS, kernels.run_vadd),
    VMul: (kernels.VMUL_COLUMNS, kernels.run_vmul),
    Copy: (kernels.COPY_COLUMNS, kernels.run_copy),
    Fill: (kernels.FILL_COLUMNS, kernels.run_fill),
}
PAIRS: dict[str, Any] = {"rows": 32, "count": 256, "x_step": 1, "y_stride": 1, "y_addr": 256, "out_addr": 512,
                         "out_stride": 256, "clamp_lo": -128, "clamp_hi": 127}  # fmt: skip
"""Every code of the first operand meets the codes of the second near -128, 0 and 127."""
CODES = np.arange(256, dtype=np.uint8)
NEAR_EDGES = np.array([*range(8), *range(120, 136), *range(248, 256)], np.uint8)


def check(instruction: Instruction, act: NDArray[np.uint8]) -> None:
    """Two samples at once by the kernel, each by the instruction's own definition."""
    names, kernel = KERNELS[type(instruction)]
    left = act.copy()
    kernel(np.array([getattr(instruction, name) for name in names], np.int64), left)
    for sample, got in zip(act, left, strict=True):
        machine = PlainMachine(HARDWARE.replace(act_spad_bytes=act.shape[1]))
        machine.write(Space.ACT, 0, sample.tobytes())
        instruction.execute(machine)
        np.testing.assert_array_equal(got, np.frombuffer(machine.read(Space.ACT, 0, act.shape[1]), np.uint8))


@given(legal_two_operands() | legal_moves(), st.integers(0, 2**32 - 1))
@example(VAdd(rows=1, count=1), 0)
@example(VMul(rows=1, count=1, scheme=SchemeCode.TFL_DOUBLE), 0)
def test_random_instructions(instruction: Instruction, seed: int) -> None:
    check(instruction, np.random.default_rng(seed).integers(0, 256, (2, 4096), dtype=np.uint8))


def pairs_of(instruction: Instruction) -> None:
    act = np.zeros((1, 512 + 32 * 256), np.uint8)
    act[0, :256], act[0, 256:288] = CODES, NEAR_EDGES
    check(instruction, act)


@given(st.integers(1000, 3000), st.integers(0, 1), st.integers(0, 1), st.integers(0, 99))
def test_long_rows(count: int, x_step: int, y_step: int, seed: int) -> None:
    """Rows of more than one block, in place where the first operand is whole."""
    act = np.random.default_rng(seed).integers(0, 256, (1, 4096 * 2), dtype=np.uint8)
    line: dict[str, Any] = {"rows": 1, "count": count, "x_step": x_step, "y_step": y_step, "y_addr": 4096,
                            "out_addr": 0 if x_step else 1, "clamp_lo": -128, "clamp_hi": 127}  # fmt: skip
    check(VAdd(x_multiplier=1 << 30, y_multiplier=1 << 30, out_multiplier=1 << 30, out_shift=19, **line), act)
    check(VMul(scheme=SchemeCode.TFL_SINGLE, multiplier=1 << 30, shift=-5, **line), act)


@pytest.mark.slow
@pytest.mark.parametrize("subtract", [0, 1])
@pytest.mark.parametrize(
    "fields",
    [
        {"x_multiplier": 1 << 30, "y_multiplier": 1 << 30, "out_multiplier": 1 << 30, "out_shift": 19},
        {"x_multiplier": 1 << 30, "y_multiplier": 1 << 30, "y_shift": 1, "out_multiplier": 1 << 30, "out_shift": 20},
        {"x_multiplier": (1 << 31) - 1, "y_multiplier": (1 << 31) - 1, "out_multiplier": (1 << 31) - 1,
         "x_zero": -128, "y_zero": 127, "out_zero": 127},
        {"x_multiplier": 1378684459, "x_shift": 31, "y_multiplier": 1505949286, "y_shift": 30,
         "out_multiplier": 1 << 30},
    ],
)  # fmt: skip
def test_pairs_of_a_sum(fields: dict[str, Any], subtract: int) -> None:
    """Ties at both stages, the greatest sums, operands that vanish."""
    pairs_of(VAdd(subtract=subtract, **PAIRS, **fields))


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {"multiplier": 1 << 30, "shift": 0},
        {"multiplier": 1 << 30, "shift": -1, "x_zero": -128, "y_zero": 127, "out_zero": -128},
        {"multiplier": (1 << 31) - 1, "shift": 17, "x_zero": 3},
        {"multiplier": (1 << 31) - 1, "shift": -31},
    ],
)
def test_pairs_of_a_product(fields: dict[str, Any]) -> None:
    """Ties at both stages, extreme zero points, products that wrap, products that vanish."""
    pairs_of(VMul(scheme=SchemeCode.TFL_DOUBLE, **PAIRS, **fields))
