"""One node lowered with some of its tensors in the activation scratchpad: the result, and every byte around it."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from fxsim.isa import Instruction, Load, Space, Store, decode_columns
from fxsim.isa.reference import PlainMachine
from fxsim.lowering.base import LOWERINGS, ConstantPool, Homes, Site
from fxsim.lowering.hazards import find_hazards
from fxsim.lowering.lower import _encode
from fxsim.lowering.tiling import Span
from fxsim.oracle import golden

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.graph import Network
    from fxsim.hw import Hardware

GAP = 3
"""Bytes that nobody owns between two tensors."""


def every_mix(net: Network, room: int) -> Iterator[Homes]:
    """Every choice of computed operands and the result that live in the scratchpad, and `room` bytes for tiles."""
    (node,) = net.nodes
    parts = [*node.inputs, node.outputs[0]]
    free = [index for index in dict.fromkeys(parts) if not net.values[index].is_constant]
    for resident in product((False, True), repeat=len(free)):
        held = [index for index, there in zip(free, resident, strict=True) if there]
        end, homes = GAP, {}
        for index in held:
            homes[index] = end
            end += net.values[index].type.nbytes + GAP
        *operands, result = (homes.get(index) for index in parts)
        yield Homes(tuple(operands), result, Span(end, end + room))


def check_homes(net: Network, hw: Hardware, homes: Homes, seed: int = 0) -> list[Instruction]:
    """Lower and run the one node: the result equals golden's, no other byte changes outside the room for tiles."""
    (node,) = net.nodes
    rng = np.random.default_rng(seed)
    pool = ConstantPool()
    emit = LOWERINGS[node.op].prepare(Site(net, node, hw, pool, homes))
    kinds = {i: net.values[i].type for i in (*net.inputs, node.outputs[0])}
    data = {i: rng.integers(kinds[i].dtype.lo, kinds[i].dtype.hi + 1, kinds[i].shape) for i in net.inputs}
    codes = {i: array.astype(kinds[i].dtype.numpy) for i, array in data.items()}
    named = {net.values[i].name: c if kinds[i].shape[:1] == (1,) else c[None] for i, c in codes.items()}
    expected = golden(net, named)[net.values[node.outputs[0]].name].tobytes()
    base = -(-len(pool.image()) // 64) * 64
    at = {i: base + 4096 * n for n, i in enumerate(kinds)}
    instructions = [*emit(tuple(at.get(i, 0) for i in node.inputs), at[node.outputs[0]])]
    _check_order(net, instructions, hw)

    machine = PlainMachine(hw, constants=pool.image().ljust(base, b"\0"), dram_bytes=base + 4096 * len(kinds))
    machine.write(Space.ACT, 0, rng.bytes(hw.timing.act_spad_bytes))
    for i in net.inputs:
        machine.write_dram(at[i], codes[i].tobytes())
        if (home := homes.operands[node.inputs.index(i)]) is not None:
            machine.write_dram(at[i], rng.bytes(kinds[i].nbytes))
            machine.write(Space.ACT, home, codes[i].tobytes())
    act, dram = (bytearray(memory) for memory in (machine.scratchpads[Space.ACT], machine.dram))
    for instruction in instructions:
        instruction.execute(machine)
    if homes.result is None:
        dram[at[node.outputs[0]] : at[node.outputs[0]] + len(expected)] = expected
    else:
        act[homes.result : homes.result + len(expected)] = expected
    room = slice(*homes.room)
    act[room] = machine.scratchpads[Space.ACT][room]
    assert bytes(machine.dram) == bytes(dram)
    assert bytes(machine.scratchpads[Space.ACT]) == bytes(act)
    return instructions


def _check_order(net: Network, instructions: list[Instruction], hw: Hardware) -> None:
    code = _encode(net, instructions, np.zeros(len(instructions), np.int32), hw)
    assert find_hazards(decode_columns(code), hw) == []


def copies(instructions: list[Instruction]) -> list[Load | Store]:
    """What passes the DRAM bus."""
    return [i for i in instructions if isinstance(i, Load | Store)]
