"""The value side of the simulator: which bits come out, and what happened inside the accumulators.

A batch runs in chunks of samples; within a chunk the program is walked once, one kernel call per run of DMA and
MAC-engine instructions and one per vector instruction. Instructions run in file order, which is one of the orders that
tokens allow, so values do not depend on timing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import ProgramError
from fxsim.graph import DType, InputSpec, LayerStats, as_samples, random_codes, sample_shape
from fxsim.kernels import NO_SITE, Memory, Scratch, run_checked, run_plain
from fxsim.numerics import Affine
from fxsim.sim.activity import Observer
from fxsim.sim.decode import Step, field_matrix, plan
from fxsim.sim.proof import plain_instructions
from fxsim.sim.state import State, chunk_samples, layer_stats, new_scratch, new_state, new_stats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fxsim.isa import Program, Symbol

Array = NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class TrapEvent:
    """The first overflow event under overflow = trap.

    k is -1 for a bias, else the first k of what was added; `exact` is the sum that left the range.
    """

    sample: int
    instruction: int
    group: int
    position: int
    row: int
    k: int
    exact: int


@dataclass(frozen=True, slots=True, eq=False)
class Execution:
    """What a run computed.

    Attributes
    ----------
    tensors
        Name to array (N, ...) in the tensor's own dtype; the model's first dimension is dropped if it is 1.
    stats
        Accumulator counters, one per layer of the program.
    trap
        The first overflow event under overflow = trap; the tensors are those of a machine that saturates.
    activity
        Operand counts per instruction, summed over all samples, int64 [n, len(ACTIVITY)]; None unless asked for.
    """

    tensors: dict[str, Array]
    stats: list[LayerStats]
    trap: TrapEvent | None
    activity: NDArray[np.int64] | None = None


def execute(program: Program, x: object, *, keep: str | Sequence[str] = "outputs", activity: bool = False) -> Execution:
    """Execute `program` for a batch.

    Parameters
    ----------
    program
        The program; it is checked first.
    x
        One array for a single input, or a mapping from input name to array: (N, *shape[1:]) where the model's first
        dimension is 1, else (N, *shape).
    keep
        ``"outputs"``, ``"all"``, or names of tensors to return beside the outputs.
    activity
        Whether to count zero and toggling operands (`fxsim.kernels.activity`).

    Raises
    ------
    ProgramError
        The program is illegal, its state does not fit the memory, or `keep` names a tensor it does not have.
    InputError
        `x` does not fit the program's inputs.
    """
    program.check()
    kept = _kept(program, keep)
    inputs, count = sample_inputs(program, x)
    try:
        return _execute(program, inputs, count, kept, activity)
    except MemoryError as error:
        raise ProgramError(f"state of the program must fit the memory: {error}", where=program.name) from None


def _execute(
    program: Program, inputs: Mapping[str, Array], count: int, kept: list[Symbol], activity: bool
) -> Execution:
    """Run chunk after chunk."""
    stats = new_stats(program)
    run = _Run(program, kept, stats, activity)
    size = chunk_samples(program, count)
    parts: dict[str, list[Array]] = defaultdict(list)
    for first in range(0, count, size):
        samples = {name: array[first : first + size] for name, array in inputs.items()}
        for name, array in run.chunk(first, samples).items():
            parts[name].append(array)
    tensors = {symbol.name: np.concatenate(parts[symbol.name]) for symbol in kept}
    counts = None if run.observer is None else run.observer.counts
    return Execution(tensors, layer_stats(program, stats), run.trap, counts)


def _kept(program: Program, keep: str | Sequence[str]) -> list[Symbol]:
    if keep == "all":
        return list(program.symbols)
    names = [] if keep == "outputs" else [keep] if isinstance(keep, str) else keep
    wanted = {program.symbol(name).name for name in names}
    return [s for s in program.symbols if s.kind == "output" or s.name in wanted]


def sample_inputs(program: Program, x: object) -> tuple[dict[str, Array], int]:
    """Check and quantize the samples `x`: arrays by input name, and how many samples they are."""
    specs = _specs(program)
    arrays, count = as_samples(specs, x)
    return {spec.name: array for spec, array in zip(specs, arrays, strict=True)}, count


def random_inputs(program: Program, seed: int, samples: int = 1) -> dict[str, Array]:
    """Random codes for the program's inputs, as `fxsim.graph.random_samples` draws them for its network."""
    return random_codes(_specs(program), seed, samples)


def _specs(program: Program) -> list[InputSpec]:
    return [InputSpec(s.name, s.shape, DType(s.dtype), symbol_affine(s)) for s in program.of_kind("input")]


def symbol_affine(symbol: Symbol) -> Affine | None:
    """Quantization of a symbol's codes; None for reals and plain integers."""
    if not symbol.scale:
        return None
    return Affine(np.array(symbol.scale, np.float32), np.array(symbol.zero_point, np.int64), symbol.axis)


class _Run:
    """A decoded program and its proof, executed chunk after chunk."""

    def __init__(self, program: Program, kept: Sequence[Symbol], stats: NDArray[np.int64], activity: bool) -> None:
        self.program, self.stats = program, stats
        self.trap: TrapEvent | None = None
        self.due: dict[int, list[Symbol]] = defaultdict(list)
        for symbol in kept:
            self.due[symbol.ready].append(symbol)
        self.fields = field_matrix(program)
        self.work: Scratch = new_scratch(program, self.fields)
        plain = plain_instructions(program, self.fields, self.work)
        self.observer = Observer(program, self.fields) if activity else None
        cuts = [*self.due, *(self.observer.cuts if self.observer else ())]
        self.steps = [(step, bool(plain[step.start : step.stop].all())) for step in plan(program, plain, cuts)]

    def chunk(self, first: int, samples: Mapping[str, Array]) -> dict[str, Array]:
        """Run samples first, first + 1, ...; the kept tensors."""
        count = len(next(iter(samples.values())))
        state = new_state(self.program, count, self.stats)
        for symbol in self.program.of_kind("input"):
            symbol_bytes(self.program, state.memory, symbol)[...] = little_bytes(samples[symbol.name])
        found = self._snapshot(0, state.memory)
        latches = None if self.observer is None else self.observer.start(count)
        for step, proved in self.steps:
            if self.observer is not None and latches is not None and step.vector is None:
                self.observer.see(step, latches, state, self.work)
            self._execute(step, proved, state)
            found.update(self._snapshot(step.stop, state.memory))
        if self.trap is None and state.tally.trap[0] != NO_SITE:
            sample, *site = state.tally.trap.tolist()
            self.trap = TrapEvent(first + sample, *site)
        return found

    def _execute(self, step: Step, proved: bool, state: State) -> None:
        if step.vector is not None:
            kernel, fields = step.vector
            kernel(fields, state.memory)
            return
        walk = run_plain if proved else run_checked
        walk(self.fields[step.start : step.stop], state.array, state.memory, state.bank, state.tally, self.work)

    def _snapshot(self, executed: int, memory: Memory) -> dict[str, Array]:
        return {s.name: _typed(s, symbol_bytes(self.program, memory, s)) for s in self.due.get(executed, ())}


def symbol_bytes(program: Program, memory: Memory, symbol: Symbol) -> NDArray[np.uint8]:
    """View the bytes of `symbol` of every sample, uint8 [S, nbytes]; constants are read only."""
    if symbol.memory == "ACT":
        return memory.act[:, symbol.address : symbol.address + symbol.nbytes]
    start = symbol.address - len(program.constants)
    if start < 0:
        data = memory.constants[symbol.address : symbol.address + symbol.nbytes]
        return np.broadcast_to(data, (len(memory.dram), symbol.nbytes))
    return memory.dram[:, start : start + symbol.nbytes]


def little_bytes(array: Array) -> NDArray[np.uint8]:
    """Little-endian bytes of every sample, uint8 [S, nbytes]."""
    little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    return little.reshape(len(little), -1).view(np.uint8)


def _typed(symbol: Symbol, data: NDArray[np.uint8]) -> Array:
    """Copy a tensor's bytes as the user sees it."""
    dtype = np.dtype(symbol.dtype)
    codes = np.ascontiguousarray(data).view(dtype.newbyteorder("<")).astype(dtype)
    return codes.reshape(len(data), *sample_shape(symbol.shape))
