"""What every instruction has: engine, opcode, tokens, fields, and the table of all instructions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Protocol, TypeVar

from fxsim._core.errors import ProgramError
from fxsim._core.registry import Registry
from fxsim.isa.fields import Field, layout, unsigned


class Engine(IntEnum):
    """The three in-order engines. MAC, MERGE and REQ share the MAC engine."""

    DMA = 0
    MAC = 1
    VEC = 2


class Unit(IntEnum):
    """What a token is produced by: REQ is the read-out half of the MAC engine."""

    DMA = 0
    MAC = 1
    REQ = 2
    VEC = 3


class Semaphore(IntEnum):
    """Counting semaphores, named PRODUCER_CONSUMER; bit i of a `pops` or `pushes` mask is semaphore i."""

    DMA_MAC = 0
    DMA_VEC = 1
    VEC_DMA = 2
    VEC_MAC = 3
    MAC_DMA = 4
    MAC_VEC = 5
    REQ_DMA = 6
    REQ_VEC = 7
    REQ_MAC = 8

    @property
    def producer(self) -> Unit:
        """The unit whose instructions push this semaphore."""
        return Unit[self.name.split("_")[0]]

    @property
    def consumer(self) -> Engine:
        """The engine whose instructions pop this semaphore."""
        return Engine[self.name.split("_")[1]]


class Space(IntEnum):
    """Scratchpad address spaces; DRAM is addressed by DMA only."""

    ACT = 0
    WEIGHT = 1
    PARAM = 2


OPCODE_BITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """Base of all instructions.

    A subclass is a frozen dataclass whose fields are declared with `unsigned`, `signed` and `choice`; its docstring
    is its page of the manual; `execute` is its meaning on plain integers.
    """

    pops: int = unsigned(len(Semaphore), "mask of semaphores from which one token each is taken at issue")
    pushes: int = unsigned(len(Semaphore), "mask of semaphores that get one token each when the last write commits")

    mnemonic: ClassVar[str]
    opcode: ClassVar[int]
    unit: ClassVar[Unit]
    layout: ClassVar[tuple[Field, ...]]

    @property
    def engine(self) -> Engine:
        """The engine that executes this instruction."""
        return ENGINE_OF_UNIT[self.unit]

    def execute(self, machine: Machine) -> None:
        """Apply the instruction's meaning to `machine` with plain Python integers."""
        raise ProgramError(f"{self.mnemonic} must define its meaning")

    def check(self) -> None:
        """Raise `ProgramError` unless every field value is encodable."""
        for f in self.layout:
            value = getattr(self, f.name)
            if not f.lo <= value <= f.hi:
                raise ProgramError(f"{f.name} must be in {f.lo}..{f.hi}", got=value, where=self.mnemonic)


ENGINE_OF_UNIT = {Unit.DMA: Engine.DMA, Unit.MAC: Engine.MAC, Unit.REQ: Engine.MAC, Unit.VEC: Engine.VEC}


class Machine(Protocol):
    """The state that `Instruction.execute` works on: one sample, plain Python values, checked addresses."""

    rows: int
    cols: int
    group_size: int
    bank: dict[tuple[int, int, int], int]
    """Accumulators: (half, row, slot) → value."""
    row_file: dict[tuple[int, int], tuple[int, int]]
    """(half, row) → (bias as stored, 64-bit requantization word)."""

    def read(self, space: Space, address: int, size: int, *, signed: bool) -> int:
        """Little-endian integer of `size` bytes."""
        ...

    def write(self, space: Space, address: int, size: int, value: int) -> None:
        """Store the low `size` bytes of `value`, little-endian."""
        ...

    def read_dram(self, address: int, size: int) -> bytes:
        """Raw bytes of DRAM."""
        ...

    def write_dram(self, address: int, data: bytes) -> None:
        """Store raw bytes into DRAM."""
        ...

    def count(self, event: str, row: int, value: int) -> None:
        """Record a counter contribution (`overflow_events`, `acc_prefix`, ...) of accumulator row `row`."""
        ...


INSTRUCTIONS: Registry[type[Instruction]] = Registry("instruction", folder="fxsim.isa.set", error=ProgramError)

_C = TypeVar("_C", bound=type[Any])


def instruction(mnemonic: str, opcode: int, unit: Unit) -> Callable[[_C], _C]:
    """Class decorator: encoding and registration of one instruction."""

    def decorate(cls: _C) -> _C:
        cls.mnemonic, cls.opcode, cls.unit = mnemonic, opcode, unit
        cls.layout = layout(cls, OPCODE_BITS)
        return INSTRUCTIONS.add(mnemonic, cls)

    return decorate
