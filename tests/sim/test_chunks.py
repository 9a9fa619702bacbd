"""How many samples run together changes no bit, no counter and no trap."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from fxsim.isa.reference import run_plain
from fxsim.numerics import Overflow
from fxsim.sim import state
from fxsim.sim.executor import execute
from tests.isa.tiny import tiny_instructions, tiny_program
from tests.sim.value_programs import INPUT, MAKERS, random_program


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("overflow", list(Overflow), ids=lambda o: o.name)
def test_chunks_of_any_size(overflow: Overflow, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program = random_program(Random(seed), MAKERS, overflow)
    x = np.random.default_rng(seed).integers(0, 256, (5, INPUT), dtype=np.uint8)
    whole = execute(program, x)
    for size in (1, 2):
        monkeypatch.setattr(state, "CHUNK_BYTES", size * state.sample_bytes(program))
        assert state.chunk_samples(program, len(x)) == size
        parts = execute(program, x)
        assert np.array_equal(parts.tensors["y"], whole.tensors["y"])
        assert parts.trap == whole.trap
        assert all(a.same_as(b) for a, b in zip(parts.stats, whole.stats, strict=True))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_a_trap_names_its_sample_in_the_batch(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples 0 and 1 run clean, 2 and 3 overflow."""
    program = tiny_program(tiny_instructions(acc_bits=10, overflow=Overflow.TRAP))
    x = np.zeros((4, 4), np.int8)
    x[2:] = 127
    first, third = (run_plain(program, {"x": row.tobytes()}).trap for row in x[[0, 2]])
    assert first is None
    assert third is not None
    monkeypatch.setattr(state, "CHUNK_BYTES", size * state.sample_bytes(program))
    trap = execute(program, x).trap
    assert trap is not None
    assert trap.sample == 2
    assert (trap.instruction, trap.group, trap.position, trap.row, trap.k, trap.exact) == third
