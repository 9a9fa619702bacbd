"""What every mutated thing goes through. Work is bounded by sizes, never by swallowing an error."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

import fxsim
from fxsim._core.errors import FxsimError, MissingDependencyError, RtlError
from fxsim.api import differences, random_samples
from fxsim.energy import energy_report
from fxsim.graph import sample_shape
from fxsim.isa import (
    Copy,
    Fill,
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
    assemble,
)
from fxsim.lowering import check_program, lower
from fxsim.sim.timing import timeline
from tests.fuzz.bases import hardware

if TYPE_CHECKING:
    from collections.abc import Callable

    from fxsim.graph import Network

MAX_MACS = 50_000
MAX_PER_ROW = 1 << 16
"""Elements of a network that is lowered, for every row of the array: few rows need many instructions."""
MAX_PER_BYTE = 1 << 9
"""The same for every byte of the activation scratchpad: a small one needs many tiles."""
MAX_BYTES = 1 << 20
"""Tensors of a program that is simulated."""
MAX_WORK = 1 << 22
"""Products, bytes and elements that a simulated program may touch."""
MAX_LISTED = 2_000
"""Instructions of a program that is written as text and read back."""


def run_network(net: Network, fields: dict[str, Any]) -> None:
    """Lower, prove, write and read back; simulate beside golden where small."""
    machine = hardware(fields)
    most = min(MAX_PER_ROW * machine.timing.rows, MAX_PER_BYTE * machine.timing.act_spad_bytes)
    if sum(value.type.size for value in net.values) > most:
        return  # legal and large: its size is no fault
    program = lower(net, machine)
    check_program(program)
    round_trip(program)
    energy_report(program)
    timeline(program)
    if sum(layer.macs for layer in program.layers) <= MAX_MACS:
        _simulate_beside_golden(net, program)


def _simulate_beside_golden(net: Network, program: Program) -> None:
    if any(not net.values[i].type.dtype.is_integer for i in net.inputs):
        return
    x = random_samples(net, 1, 2)
    result = fxsim.simulate(program, x, keep="all")
    expected = fxsim.golden(net, x, numerics=program.hardware.numerics)
    wrong = [d for d in differences(expected, result.tensors) if d.mismatches]
    assert not wrong, f"golden differs: {wrong}"
    _ = result.outputs


def round_trip(program: Program) -> None:
    """File and text give the program again, byte for byte."""
    data = program.to_bytes()
    assert Program.from_bytes(data).to_bytes() == data
    if len(program) <= MAX_LISTED:
        assert assemble(program.disassemble()).to_bytes() == data


def run_program(load: Callable[[], Program]) -> None:
    """Everything that takes a loaded program, each whatever the others say; the first error is raised."""
    program = load()
    steps: tuple[Callable[[Program], object], ...] = (check_program, round_trip, timeline, energy_report, _simulate)
    errors: list[FxsimError] = []
    for step in steps:
        try:
            step(program)
        except FxsimError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _simulate(program: Program) -> None:
    inputs = program.of_kind("input")
    if sum(s.nbytes for s in program.symbols) > MAX_BYTES or work(program) > MAX_WORK:
        return
    rng = np.random.default_rng(1)
    x = {s.name: rng.integers(0, 100, (2, *sample_shape(s.shape))).astype(s.dtype) for s in inputs}
    result = fxsim.simulate(program, x, keep="all")
    result.table()
    _ = result.outputs


def work(program: Program) -> int:
    """Products, bytes and elements that the instructions touch."""
    t = program.columns.table
    sums = [t(Mac).rows * t(Mac).positions * (t(Mac).k_count + 1), t(Merge).rows * t(Merge).positions * t(Merge).parts]
    sums += [t(Req).rows * t(Req).positions, t(VReq).count, t(Lut).count, t(Softmax).rows * t(Softmax).length]
    sums += [t(cls).rows * t(cls).count for cls in (VAdd, VMul)]
    sums += [t(Pool).out_h * t(Pool).out_w * t(Pool).channels * (t(Pool).kh * t(Pool).kw + 1)]
    reduced = t(Reduce)
    sums += [reduced.outer * reduced.inner * (reduced.sum_outer * reduced.sum_inner + 1)]
    sums += [t(cls).rows * t(cls).row_bytes for cls in (Load, Store, Copy, Fill)]
    return sum(int(column.astype(object).sum()) for column in sums)


def warm_up() -> None:
    """Compile or load every kernel a trial may need; legal things must pass."""
    from tests.fuzz.bases import SMALL_ARRAY, programs, small_networks

    narrow = {"preset": "paper-4x4"}, {**SMALL_ARRAY, "acc_bits": 12, "bias_policy": "apply", "overflow": "trap"}
    for nets in small_networks().values():
        run_network(nets[0], narrow[0])
        with suppress(fxsim._core.errors.TrapError):
            run_network(nets[-1], narrow[1])
    for program in programs():
        data = program.to_bytes()
        run_program(lambda data=data: Program.from_bytes(data))  # type: ignore[misc]


def reachable_errors() -> set[str]:
    """Names of all error classes that a file or an input can cause.

    Left out are `MissingDependencyError`, which an absent optional package causes, `RtlError`, of hardware that we
    wrote, and the checkers' `MismatchError`, of somebody else's: nothing that a user feeds in.
    """
    found, waiting = set(), [FxsimError]
    while waiting:
        subclasses = waiting.pop().__subclasses__()
        found |= {cls.__name__ for cls in subclasses}
        waiting += subclasses
    return found - {MissingDependencyError.__name__, RtlError.__name__, "MismatchError"}
