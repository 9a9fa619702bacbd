"""Planted bugs shrink: of a program at most 3 instructions stay, of a layer 2 outputs of 2 products.

LOADs of the prologue are not counted: what they bring is the data that the bug needs. A search begins with a
counterexample that is too large, and ends with the first that is small enough, in nightly runs where hypothesis itself
ends. Nightly programs are all of up to 8 instructions.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from fxsim.graph import Network
from fxsim.hw import Hardware
from fxsim.isa import Instruction, Mac, Merge, Program, Req, Space
from fxsim.isa.reference import PlainMachine
from fxsim.oracle import golden
from fxsim.testing import Case, layers, programs_with_data
from fxsim.testing.shapes import ACT_REGION

_T = TypeVar("_T")
SMALL = Hardware(name="small", rows=3, cols=2, acc_depth=8, acc_bits=12)
SEARCH = settings(max_examples=3000, database=None, suppress_health_check=list(HealthCheck))
SEARCHES, TRIES = 5, 2000
WHOLE = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


class Enough(KeyboardInterrupt):
    """A counterexample that is small enough, or too many that are not."""


def smallest(strategy: st.SearchStrategy[_T], fails: Callable[[_T], bool], small: Callable[[_T], bool]) -> _T:
    """What hypothesis shrinks a failure that is not small to, or the first one on the way that is small.

    Not every search ends well: of `SEARCHES` with different seeds, the first that does. What is drawn hangs on more
    than the seed, such as the numbers that stand in imported modules.
    """
    for seed in range(SEARCHES):
        found = shrunk(strategy, fails, small, seed)
        if len(found) > 1 and small(found[-1]):
            return found[-1]
    raise AssertionError(f"none of {SEARCHES} searches ends with a small counterexample")


def shrunk(
    strategy: st.SearchStrategy[_T], fails: Callable[[_T], bool], small: Callable[[_T], bool], seed: int
) -> list[_T]:
    """Counterexamples on the way from the first to the smallest, after at most `TRIES` questions behind the first."""
    found: list[_T] = []
    asked = 0

    def condition(value: _T) -> bool:
        nonlocal asked
        asked += bool(found)
        if asked > TRIES and not WHOLE:
            raise Enough
        if not fails(value):
            return False
        found.append(value)
        if small(value) and not WHOLE:
            raise Enough
        return True

    with suppress(Enough, NoSuchExample):
        found.append(find(strategy, condition, settings=SEARCH, random=Random(seed)))
    return found


def outcome(program: Program, wrong: Callable[[Instruction], list[Instruction]]) -> tuple[bytes, dict[object, int]]:
    """What REQs wrote and accumulators hold in the end, if `wrong` is executed in place of every instruction."""
    machine = PlainMachine(program.hardware, constants=program.constants, dram_bytes=program.dram_bytes)
    for instruction in program.instructions:
        for executed in wrong(instruction):
            executed.execute(machine)
    outputs = machine.read(Space.ACT, ACT_REGION["req"], 1 << 12)
    return outputs, {place: accumulator.value for place, accumulator in machine.bank.items()}


def clamps_one_too_low(i: Instruction) -> list[Instruction]:
    return [replace(i, clamp_hi=i.clamp_hi - 1)] if isinstance(i, Req) and i.clamp_hi > i.clamp_lo else [i]


def drops_the_last_group(i: Instruction) -> list[Instruction]:
    cols = SMALL.timing.cols
    return [replace(i, k_count=(i.k_count - 1) // cols * cols)] if isinstance(i, Mac) and i.k_count > cols else [i]


def skips_the_last_part(i: Instruction) -> list[Instruction]:
    if not isinstance(i, Merge):
        return [i]
    return [replace(i, parts=i.parts - 1)] if i.parts > 2 else []


def body(program: Program) -> list[Instruction]:
    """Instructions behind the prologue, whose LOADs read the constants in front of the 2304 zeros of every program."""
    data = len(program.constants) - 2304
    return [i for i in program.instructions if getattr(i, "dram_addr", data) >= data]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "longest"), [(clamps_one_too_low, 6), (drops_the_last_group, 5), (skips_the_last_part, 8)]
)
def test_programs_shrink_to_three_instructions(wrong: Callable[[Instruction], list[Instruction]], longest: int) -> None:
    def fails(program: Program) -> bool:
        reached = any(wrong(i) != [i] for i in program.instructions)
        return reached and outcome(program, wrong) != outcome(program, lambda i: [i])

    programs = programs_with_data(8 if WHOLE else longest, st.just(SMALL))
    found = smallest(programs, fails, lambda program: len(body(program)) <= 3)
    assert 2 <= len(body(found)) <= 3
    assert fails(found)


def rounds_ties_up(case: Case) -> bool:
    """TFL_DOUBLE rounds the ties of its last step away from zero, TFL_DOUBLE_UP up."""
    right, wrong = (
        golden(case.network, case.x, numerics=Hardware(requantizer=name, bias_policy="apply", bias_bits=64).numerics)
        for name in ("TFL_DOUBLE", "TFL_DOUBLE_UP")
    )
    return not np.array_equal(np.asarray(right["t0"]), np.asarray(wrong["t0"]))


def forgets_a_product(case: Case) -> bool:
    net = case.network
    w = net.values[net.nodes[0].inputs[1]]
    assert w.data is not None
    assert w.type.quant is not None
    if w.type.shape[1] < 2:
        return False
    data = np.array(w.data)
    data[:, -1] = w.type.quant.zero_point[0]
    values = [replace(v, data=data) if v is w else v for v in net.values]
    right, wrong = (np.asarray(golden(n, case.x)["t0"]) for n in (net, replace(net, values=tuple(values))))
    return not np.array_equal(right, wrong)


def size(net: Network) -> tuple[int, ...]:
    """Outputs and products per output of a FULLY_CONNECTED layer."""
    return net.values[net.nodes[0].inputs[1]].type.shape


@pytest.mark.slow
@pytest.mark.parametrize("fails", [rounds_ties_up, forgets_a_product])
def test_layers_shrink_to_two_by_two(fails: Callable[[Case], bool]) -> None:
    found = smallest(layers("FULLY_CONNECTED"), fails, lambda case: max(size(case.network)) <= 2)
    assert max(size(found.network)) <= 2
    assert fails(found)
