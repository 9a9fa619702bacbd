"""A program decoded once: the field matrix that kernels walk, and the steps of the run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import HardwareError
from fxsim.isa import Instruction, Load, Lut, Mac, Merge, Pool, Program, Req, Softmax, Store, VReq
from fxsim.kernels import (
    COLUMNS,
    KIND_LOAD,
    KIND_MAC,
    KIND_MERGE,
    KIND_REQ,
    KIND_STORE,
    LUT_COLUMNS,
    POOL_COLUMNS,
    SOFTMAX_COLUMNS,
    VREQ_COLUMNS,
    Memory,
    run_lut,
    run_pool,
    run_softmax,
    run_vreq,
)
from fxsim.numerics import Overflow, check_requant_width, scheme_of

if TYPE_CHECKING:
    from fxsim.hw import Numerics

Ints = NDArray[np.int64]

NO_KIND = -1
"""Kind of an instruction that the run kernels do not execute."""

_KINDS: dict[type[Instruction], int] = {
    Load: KIND_LOAD, Store: KIND_STORE, Mac: KIND_MAC, Merge: KIND_MERGE, Req: KIND_REQ,
}  # fmt: skip
_DERIVED = ("kind", "index", "stat")

VectorKernel = Callable[[Ints, Memory], None]

_VECTOR: dict[type[Instruction], tuple[tuple[str, ...], VectorKernel]] = {
    Pool: (POOL_COLUMNS, lambda f, m: run_pool(f, m.act)),
    VReq: (VREQ_COLUMNS, lambda f, m: run_vreq(f, m.act)),
    Lut: (LUT_COLUMNS, lambda f, m: run_lut(f, m.act, m.param)),
    Softmax: (SOFTMAX_COLUMNS, lambda f, m: run_softmax(f, m.act)),
}

CHANGEABLE = frozenset({"acc_bits", "acc_internal_bits", "overflow", "bias_policy"})
"""Numerics that a lowered program does not depend on: everything else is in its weights, biases and instructions."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Instructions start .. stop - 1: a run of DMA and MAC-engine ones, or a single vector instruction.

    `vector` is None for a run, else the kernel and the instruction's fields.
    """

    start: int
    stop: int
    vector: tuple[VectorKernel, Ints] | None = None


def field_matrix(program: Program, numerics: Numerics | None) -> Ints:
    """Fields of every instruction, int64 [n, len(COLUMNS)]; `numerics` replaces widths and overflow rule.

    Raises
    ------
    HardwareError
        `numerics` changes something that the program's constants or instructions already express.
    QuantizationError
        A requantization scheme of the program is not exact at the new width.
    """
    columns = program.columns
    kind = np.full(len(program), NO_KIND, np.int64)
    for cls, code in _KINDS.items():
        kind[columns.rows_of(cls)] = code
    bases = np.cumsum([0, *(layer.channels for layer in program.layers)])
    matrix = np.empty((len(program), len(COLUMNS)), np.int64)
    for i, name in enumerate(COLUMNS):
        if name not in _DERIVED:
            matrix[:, i] = columns.field(name)
    matrix[:, COLUMNS.index("kind")] = kind
    matrix[:, COLUMNS.index("index")] = np.arange(len(program))
    matrix[:, COLUMNS.index("stat")] = bases[program.layer_of] + columns.field("row_base")
    if numerics is not None:
        _override(program, numerics, matrix)
    return matrix


def _override(program: Program, numerics: Numerics, matrix: Ints) -> None:
    own = program.hardware.numerics
    changed = [f.name for f in dataclasses.fields(own)
               if f.name not in CHANGEABLE and getattr(own, f.name) != getattr(numerics, f.name)]
    if changed:
        raise HardwareError("numerics may only change the accumulator's width and overflow rule: the program's weights"
                            f" and instructions are made for its own {', '.join(changed)}; lower the network again")
    for code in np.unique(program.columns.table(Req)["scheme"]).tolist():
        check_requant_width(scheme_of(code), numerics.acc_bits)
    engine = np.isin(matrix[:, COLUMNS.index("kind")], (KIND_MAC, KIND_MERGE, KIND_REQ))
    matrix[engine, COLUMNS.index("acc_bits")] = numerics.acc_bits
    matrix[engine, COLUMNS.index("internal_bits")] = numerics.acc_internal_bits
    matrix[engine, COLUMNS.index("overflow")] = Overflow[numerics.overflow.upper()]


def plan(program: Program, cuts: Iterable[int]) -> list[Step]:
    """List the steps of a run; runs end at layer borders (so that one unproved layer slows no other) and at `cuts`."""
    count = len(program)
    vectors = _vector_steps(program)
    borders = {0, count, *cuts, *(np.flatnonzero(np.diff(program.layer_of)) + 1).tolist()}
    for index in vectors:
        borders |= {index, index + 1}
    ordered = sorted(borders)
    return [vectors.get(start) or Step(start, stop) for start, stop in pairwise(ordered)]


def _vector_steps(program: Program) -> dict[int, Step]:
    steps: dict[int, Step] = {}
    for cls, (names, kernel) in _VECTOR.items():
        table = program.columns.table(cls)
        fields = np.stack([table[name] for name in names], axis=1)
        for index, row in zip(table.index.tolist(), fields, strict=True):
            steps[index] = Step(index, index + 1, (kernel, row))
    return steps
