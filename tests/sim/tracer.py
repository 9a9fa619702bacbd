"""Who computes what, by stepping: every byte of the scratchpad and of DRAM remembers the accumulator it came from."""

from __future__ import annotations

from dataclasses import dataclass, field

from fxsim.isa import Instruction, Mac, Merge, Program, Req, Space
from fxsim.isa.reference import PlainMachine

Where = tuple[int, int, int]
"""Instruction, position, row."""


@dataclass
class History:
    """Steps of one accumulator: the bias, by first stream position of a pass, merges, the read-out."""

    bias: Where | None = None
    passes: dict[int, Where] = field(default_factory=dict)
    merges: list[Where] = field(default_factory=list)
    read: Where | None = None


class Tracer(PlainMachine):
    """A plain machine that keeps histories beside its slots and its bytes."""

    def __init__(self, program: Program) -> None:
        super().__init__(program.hardware, constants=program.constants, dram_bytes=program.dram_bytes)
        self.program = program
        self.slots: dict[tuple[int, int, int], History] = {}
        self.act_from: dict[int, History] = {}
        self.dram_from: dict[int, History] = {}
        self.running: Instruction | None = None
        self.called: list[tuple[int, int, int]] = []
        self.last_read = 0

    def step(self, index: int) -> None:
        self.instruction, self.layer = index, int(self.program.layer_of[index])
        self.running = self.program.instructions[index]
        self.called = []
        self.running.execute(self)

    def accumulator(self, half, row, slot):  # type: ignore[no-untyped-def]
        key = (half, row, slot)
        if isinstance(self.running, Mac):
            self._mac(self.running, key)
        elif isinstance(self.running, Merge):
            self._merge(self.running, key)
        elif isinstance(self.running, Req):
            history, where = self.slots[key], (self.instruction, slot - self.running.slot, row)
            history.read = where
            if self.running.add_bias:
                history.bias = where
        self.called.append(key)
        return super().accumulator(half, row, slot)

    def _mac(self, mac: Mac, key: tuple[int, int, int]) -> None:
        group, where = self.called.count(key), (self.instruction, key[2] - mac.slot, key[1])
        if group == 0 and mac.init.name != "KEEP":
            self.slots[key] = History(bias=where if mac.init.name == "BIAS" else None)
        self.slots[key].passes[mac.k_start + group * self.cols] = where

    def _merge(self, merge: Merge, key: tuple[int, int, int]) -> None:
        """Slots are asked for in pairs: the sum's own, then the part that is added to it."""
        if len(self.called) % 2 == 0:
            return
        into, part = self.slots[self.called[-1]], self.slots[key]
        into.passes |= part.passes
        into.merges.append((self.instruction, self.called[-1][2] - merge.slot, key[1]))

    def read(self, space: Space, address: int, size: int) -> bytes:
        self.last_read = address
        return super().read(space, address, size)

    def write(self, space: Space, address: int, data: bytes) -> None:
        super().write(space, address, data)
        if space is Space.ACT:
            for byte in range(address, address + len(data)):
                self.act_from.pop(byte, None)
                if isinstance(self.running, Req):
                    self.act_from[byte] = self.slots[self.called[-1]]

    def write_dram(self, address: int, data: bytes) -> None:
        super().write_dram(address, data)
        for i in range(len(data)):
            self.dram_from.pop(address + i, None)
            if self.last_read + i in self.act_from:
                self.dram_from[address + i] = self.act_from[self.last_read + i]


def histories(program: Program) -> dict[int, list[History]]:
    """Per layer with accumulators, the history of every output in the order of the output tensor's elements."""
    machine = Tracer(program)
    found: dict[int, list[History]] = {}
    macs = {i: program.symbol(layer.outputs[0]) for i, layer in enumerate(program.layers) if layer.channels}
    for index in range(len(program)):
        machine.step(index)
        for layer, symbol in macs.items():
            if symbol.ready == index + 1:
                tags = machine.act_from if symbol.memory == "ACT" else machine.dram_from
                found[layer] = [tags[byte] for byte in range(symbol.address, symbol.address + symbol.nbytes)]
    return found
