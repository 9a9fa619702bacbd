"""Who computes what, by stepping: every byte of the scratchpad and of DRAM remembers the accumulator it came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from fxsim.isa import Instruction, Mac, Merge, Program, Req, Space
from fxsim.isa.meaning import add, add_inner, load_bias, spill, unpack_word
from fxsim.isa.reference import PlainMachine
from fxsim.numerics.reference import ref_requantize

Where = tuple[int, int, int]
"""Instruction, position, row."""


class Entry(NamedTuple):
    """One rule application or read-out as it ran; `time` counts them over the whole program."""

    time: int
    what: str
    where: Where
    k: int
    exact: int
    stored: int
    left: bool


@dataclass
class History:
    """Steps of one accumulator: the bias, by first stream position of a pass, merges, the read-out."""

    bias: Where | None = None
    passes: dict[int, Where] = field(default_factory=dict)
    merges: list[Where] = field(default_factory=list)
    read: Where | None = None
    log: list[Entry] = field(default_factory=list)
    code: int = 0
    exact_code: int = 0


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
        self.time = 0
        self.inner_k = 0

    def log(self, history: History, what: str, where: Where, k: int, exact: int, stored: int, left: bool) -> None:
        history.log.append(Entry(self.time, what, where, k, exact, stored, left))
        self.time += 1

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
        into.log, part.log = sorted(into.log + part.log), []
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


@contextmanager
def logged() -> Iterator[None]:
    """Machines that are `Tracer`s log every rule application and read-out of `fxsim.isa.meaning`."""

    def left(machine: Tracer, channel: int) -> int:
        c = machine.counters(channel)
        return c.overflow_events + c.internal_wraps + c.bias_overflow_count

    def run_inner(mac: Mac, machine: Tracer, slot: Any, site: Any, sums: list[int]) -> None:
        machine.inner_k = mac.k_start + site.group * machine.cols
        own_inner(mac, machine, slot, site, sums)

    def taken(machine: Tracer, mac: Mac, channel: int, slot: Any, addend: int) -> None:
        before = machine.counters(channel).inner_events
        add_inner(machine, mac, channel, slot, addend)
        half, row, at = machine.called[-1]
        where, history = (machine.instruction, at - mac.slot, row), machine.slots[half, row, at]
        event = machine.counters(channel).inner_events > before
        machine.log(history, "inner", where, machine.inner_k, slot.inner_exact, slot.inner, event)
        machine.inner_k += 1

    def applied(call: Any, what: str, machine: Tracer, rule: Any, site: Any, slot: Any, *numbers: int) -> None:
        before = left(machine, site.channel)
        call(machine, rule, site, slot, *numbers)
        history = machine.slots[machine.called[-2 if what == "merge" else -1]]
        where, k = (machine.instruction, site.position, site.row), site.k
        machine.log(history, what, where, k, slot.exact, slot.value, left(machine, site.channel) > before)

    def read_out(req: Req, machine: Tracer, row: int, slot: Any) -> int:
        value = own_read_out(req, machine, row, slot)
        history = machine.slots[machine.called[-1]]
        machine.log(history, "read", history.read, 0, slot.exact, value, value != slot.value)  # type: ignore[arg-type]
        word = unpack_word(machine.row(req.half, row)[1], req.scheme)
        rest = (req.out_zero, req.clamp_lo, req.clamp_hi)
        needed = (slot.exact if slot.exact >= 0 else ~slot.exact).bit_length() + 1
        history.code = ref_requantize(value, *word, req.scheme.name, req.acc_bits, *rest)
        history.exact_code = ref_requantize(slot.exact, *word, req.scheme.name, max(req.acc_bits, needed), *rest)
        return value

    own_read_out, own_inner = Req._read_out, Mac._run_inner
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fxsim.isa.set.mac.add", lambda *a: applied(add, "sum", *a))
        patch.setattr("fxsim.isa.set.mac.spill", lambda *a: applied(spill, "sum", *a))
        patch.setattr("fxsim.isa.set.mac.add_inner", taken)
        patch.setattr(Mac, "_run_inner", run_inner)
        patch.setattr("fxsim.isa.set.mac.load_bias", lambda *a: applied(load_bias, "bias", *a))
        patch.setattr("fxsim.isa.set.req.add", lambda *a: applied(add, "bias", *a))
        patch.setattr("fxsim.isa.set.merge.add", lambda *a: applied(add, "merge", *a))
        patch.setattr(Req, "_read_out", read_out)
        yield


def histories(program: Program, inputs: dict[str, bytes] | None = None) -> dict[int, list[History]]:
    """Per layer with accumulators, the history of every output in the order of the output tensor's elements."""
    machine = Tracer(program)
    for name, data in (inputs or {}).items():
        machine.write_dram(program.symbol(name).address, data)
    found: dict[int, list[History]] = {}
    macs = {i: program.symbol(layer.outputs[0]) for i, layer in enumerate(program.layers) if layer.channels}
    for index in range(len(program)):
        machine.step(index)
        for layer, symbol in macs.items():
            if symbol.ready == index + 1:
                tags = machine.act_from if symbol.memory == "ACT" else machine.dram_from
                found[layer] = [tags[byte] for byte in range(symbol.address, symbol.address + symbol.nbytes)]
    return found
