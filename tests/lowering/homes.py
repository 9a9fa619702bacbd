"""One node lowered with hand-made homes and executed by the instruction set's own definitions."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fxsim.isa import Space, decode_columns, encode
from fxsim.isa.reference import PlainMachine
from fxsim.lowering import LOWERINGS, Site, find_hazards
from fxsim.lowering.accesses import accesses
from fxsim.lowering.base import ConstantPool, Homes
from fxsim.lowering.buffers import Buffers
from fxsim.lowering.tiling import Span
from fxsim.lowering.tokens import place_tokens
from fxsim.oracle import golden

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fxsim.graph import Network
    from fxsim.hw import Hardware
    from fxsim.isa import Instruction

GUARD = 7
"""Bytes between homes and room that nobody may touch."""
DRAM_GAP = 64


class Placed(NamedTuple):
    """A node's homes, the scratchpad that holds them, and where its activations stand in DRAM."""

    homes: Homes
    act_bytes: int
    dram: tuple[int, ...]
    dram_bytes: int


def mixes(net: Network) -> Iterator[tuple[bool, ...]]:
    """Every choice of which activations live in the scratchpad: the operands that are no constants, then the result."""
    return product((False, True), repeat=len(_activations(net)))


def check_homes(net: Network, hw: Hardware, resident: tuple[bool, ...], room: int, seed: int = 0) -> list[Instruction]:
    """Lower the one node of `net` with the `resident` activations in the scratchpad and `room` bytes for tiles.

    The result must equal golden's; operands, and every byte that is neither result nor room, must stay as they were.
    """
    pool, (node,) = ConstantPool(), net.nodes
    placed = _place(net, resident, room)
    hardware = hw.replace(act_spad_bytes=max(16, placed.act_bytes))
    emit = LOWERINGS[node.op].prepare(Site(net, node, hardware, pool, placed.homes, Buffers(hardware.timing)))
    base = len(pool.image()) + DRAM_GAP
    addresses = dict(zip(_activations(net), (base + at for at in placed.dram), strict=True))
    instructions = list(emit(tuple(addresses.get(i, 0) for i in node.inputs), addresses[node.outputs[0]]))
    _check_tokens(instructions, hardware)
    machine = PlainMachine(hardware, constants=pool.image(), dram_bytes=base + placed.dram_bytes)
    _run(net, machine, placed, addresses, instructions, seed)
    return instructions


def _activations(net: Network) -> list[int]:
    (node,) = net.nodes
    operands = dict.fromkeys(i for i in node.inputs if i >= 0 and not net.values[i].is_constant)
    return [*operands, *node.outputs]


def _place(net: Network, resident: tuple[bool, ...], room: int) -> Placed:
    """Homes from below, a guard after each; the room last."""
    (node,) = net.nodes
    at, homes, dram, dram_end = GUARD, {}, [], 0
    for value, inside in zip(_activations(net), resident, strict=True):
        size = net.values[value].type.nbytes
        homes[value] = at if inside else None
        at += (size + GUARD) * inside
        dram.append(dram_end)
        dram_end += size + DRAM_GAP
    own = Homes(tuple(homes.get(i) for i in node.inputs), homes[node.outputs[0]], Span(at, at + room))
    return Placed(own, at + room + GUARD, tuple(dram), dram_end)


def _check_tokens(instructions: list[Instruction], hardware: Hardware) -> None:
    columns = decode_columns(encode(instructions))
    tokens = place_tokens(columns, accesses(columns, hardware))
    named = [
        replace(i, pops=pops, pushes=pushes)
        for i, pops, pushes in zip(instructions, tokens.pops, tokens.pushes, strict=True)
    ]
    assert find_hazards(decode_columns(encode(named)), hardware) == []


def _run(
    net: Network,
    machine: PlainMachine,
    placed: Placed,
    addresses: dict[int, int],
    instructions: list[Instruction],
    seed: int,
) -> None:
    (node,) = net.nodes
    rng, limit = np.random.default_rng(seed), placed.act_bytes
    machine.write(Space.ACT, 0, rng.bytes(limit))
    given = {net.values[i].name: _codes(net, i, rng) for i in addresses if i not in node.outputs}
    for home, index in zip(placed.homes.operands, node.inputs, strict=True):
        if index in addresses:
            data = given[net.values[index].name].tobytes()
            if home is not None:
                machine.write(Space.ACT, home, data)
            else:
                machine.write_dram(addresses[index], data)
    before = machine.read(Space.ACT, 0, limit)
    for instruction in instructions:
        instruction.execute(machine)
    _check_result(net, machine, placed, addresses, given)
    after, homes = bytearray(machine.read(Space.ACT, 0, limit)), placed.homes
    mine = [homes.room]
    if homes.result is not None:
        mine.append(Span(homes.result, homes.result + net.values[node.outputs[0]].type.nbytes))
    for start, stop in mine:
        after[start:stop] = before[start:stop]
    assert bytes(after) == before, "only the result and the room may change"


def _codes(net: Network, index: int, rng: np.random.Generator) -> NDArray[np.generic]:
    kind = net.values[index].type
    return rng.integers(kind.dtype.lo, kind.dtype.hi + 1, kind.shape).astype(kind.dtype.numpy)


def _check_result(
    net: Network,
    machine: PlainMachine,
    placed: Placed,
    addresses: dict[int, int],
    given: dict[str, NDArray[np.generic]],
) -> None:
    (result,) = net.nodes[0].outputs
    value, home = net.values[result], placed.homes.result
    batched = {k: v if v.shape[:1] == (1,) else v[None] for k, v in given.items()}
    expected = np.ascontiguousarray(golden(net, batched)[value.name]).tobytes()
    if home is None:
        got = machine.read_dram(addresses[result], value.type.nbytes)
    else:
        got = machine.read(Space.ACT, home, value.type.nbytes)
    assert got == expected, "the result must equal golden's"
