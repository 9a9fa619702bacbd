"""Hazards by brute force: every pair of instructions, by reachability from completion to access."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import TYPE_CHECKING

from fxsim.isa import DRAM, Engine, Instruction, Interval, Mac, Merge, Req, Semaphore, Unit, encode, reads, writes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.hw import Hardware
    from fxsim.isa import Program

Event = tuple[str, int]


class Deadlock(Exception):
    """A pop whose push does not stand before it."""


def unordered_pairs(instructions: Sequence[Instruction], hw: Hardware) -> list[tuple[int, int]]:
    """Pairs (earlier, later) that touch common bytes, one of them writing, and that no rule orders."""
    graph = happens_before(instructions)
    touched = [footprint(i, hw) for i in instructions]
    found = []
    for earlier, first in enumerate(instructions):
        after = reachable(graph, ("complete", earlier))
        for later in range(earlier + 1, len(instructions)):
            apart = first.unit is instructions[later].unit or not clash(touched[earlier], touched[later])
            if not apart and ("access", later) not in after:
                found.append((earlier, later))
    return found


def happens_before(instructions: Sequence[Instruction]) -> dict[Event, list[Event]]:
    """Edges that hold on every machine timing."""
    graph: dict[Event, list[Event]] = defaultdict(list)
    issued: dict[Engine, int] = {}
    completed: dict[Unit, int] = {}
    filled: dict[int, int] = {}
    for index, i in enumerate(instructions):
        graph["issue", index].append(("access", index))
        graph["access", index].append(("complete", index))
        if i.engine in issued:
            graph["issue", issued[i.engine]].append(("issue", index))
        if i.unit in completed:
            graph["complete", completed[i.unit]].append(("complete", index))
        issued[i.engine] = completed[i.unit] = index
        if isinstance(i, Mac | Merge) and i.last:
            filled[i.half] = index
        if isinstance(i, Req) and i.half in filled:
            graph["complete", filled[i.half]].append(("access", index))
    for push, pop in token_pairs(instructions):
        graph["complete", push].append(("issue", pop))
    return graph


def token_pairs(instructions: Sequence[Instruction]) -> list[tuple[int, int]]:
    """The n-th pop with the n-th push of every semaphore; raises `Deadlock`."""
    pairs = []
    for bit in Semaphore:
        pushes, pops = holders(instructions, bit)
        if len(pops) > len(pushes) or any(push >= pop for push, pop in zip(pushes, pops, strict=False)):
            raise Deadlock
        pairs += list(zip(pushes, pops, strict=False))
    return pairs


def holders(instructions: Sequence[Instruction], bit: Semaphore) -> tuple[list[int], list[int]]:
    """Indices of the instructions that push and that pop a semaphore."""
    return (
        [n for n, i in enumerate(instructions) if i.pushes >> bit & 1],
        [n for n, i in enumerate(instructions) if i.pops >> bit & 1],
    )


def reachable(graph: dict[Event, list[Event]], start: Event) -> set[Event]:
    seen, stack = {start}, [start]
    while stack:
        for event in graph.get(stack.pop(), ()):
            if event not in seen:
                seen.add(event)
                stack.append(event)
    return seen


def footprint(instruction: Instruction, hw: Hardware) -> tuple[list[Interval], list[Interval]]:
    rows, cols = hw.timing.rows, hw.timing.cols
    both = reads(instruction, rows, cols), writes(instruction, rows, cols)
    return tuple([entry for entry in entries if entry[0] != DRAM] for entries in both)  # type: ignore[return-value]


def clash(a: tuple[list[Interval], list[Interval]], b: tuple[list[Interval], list[Interval]]) -> bool:
    return any(
        x[0] == y[0] and x[1] < y[2] and y[1] < x[2]
        for left, right in ((a[0], b[1]), (a[1], b[0]), (a[1], b[1]))
        for x in left
        for y in right
    )


def with_instructions(program: Program, instructions: Sequence[Instruction]) -> Program:
    """The program with other code of the same length."""
    return dataclasses.replace(program, code=encode(instructions))


def without_token(instructions: Sequence[Instruction], bit: Semaphore, number: int) -> list[Instruction]:
    """Take away one push and the pop that matches it."""
    pushes, pops = holders(instructions, bit)
    changed = list(instructions)
    for mask, index in (("pushes", pushes[number]), ("pops", pops[number])):
        changed[index] = dataclasses.replace(changed[index], **{mask: getattr(changed[index], mask) & ~(1 << bit)})
    return changed
