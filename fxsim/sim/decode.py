"""A program decoded once: the field matrix that kernels walk, and the steps of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fxsim.isa import (
    Copy,
    Fill,
    Instruction,
    Load,
    Lut,
    Mac,
    Merge,
    Pool,
    Program,
    Reduce,
    Req,
    Softmax,
    Store,
    VAdd,
    VMul,
    VReq,
)
from fxsim.kernels import (
    COLUMNS,
    COPY_COLUMNS,
    FILL_COLUMNS,
    KIND_LOAD,
    KIND_MAC,
    KIND_MERGE,
    KIND_REQ,
    KIND_STORE,
    LUT_COLUMNS,
    POOL_COLUMNS,
    REDUCE_COLUMNS,
    SOFTMAX_COLUMNS,
    VADD_COLUMNS,
    VMUL_COLUMNS,
    VREQ_COLUMNS,
    Memory,
    run_copy,
    run_fill,
    run_lut,
    run_pool,
    run_reduce,
    run_softmax,
    run_vadd,
    run_vmul,
    run_vreq,
)

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
    Reduce: (REDUCE_COLUMNS, lambda f, m: run_reduce(f, m.act)),
    Softmax: (SOFTMAX_COLUMNS, lambda f, m: run_softmax(f, m.act)),
    VAdd: (VADD_COLUMNS, lambda f, m: run_vadd(f, m.act)),
    VMul: (VMUL_COLUMNS, lambda f, m: run_vmul(f, m.act)),
    Copy: (COPY_COLUMNS, lambda f, m: run_copy(f, m.act)),
    Fill: (FILL_COLUMNS, lambda f, m: run_fill(f, m.act)),
}


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Instructions start .. stop - 1: a run of DMA and MAC-engine ones, or a single vector instruction.

    `vector` is None for a run, else the kernel and the instruction's fields.
    """

    start: int
    stop: int
    vector: tuple[VectorKernel, Ints] | None = None


def field_matrix(program: Program) -> Ints:
    """Fields of every instruction, int64 [n, len(COLUMNS)]."""
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
    return matrix


def plan(program: Program, plain: NDArray[np.bool_], cuts: Iterable[int]) -> list[Step]:
    """List the steps of a run; runs end where sums cease or begin to be proved `plain`, and at `cuts`."""
    count = len(program)
    vectors = _vector_steps(program)
    sums = np.sort(np.concatenate((program.columns.rows_of(Mac), program.columns.rows_of(Merge))))
    borders = {0, count, *cuts, *sums[1:][np.diff(plain[sums])].tolist()}
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
