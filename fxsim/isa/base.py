"""What every instruction has: engine, opcode, tokens, fields, and the table of all instructions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from fxsim._core.errors import ProgramError
from fxsim._core.registry import Registry
from fxsim.isa.fields import Field, layout, unsigned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fxsim.hw import Timing
    from fxsim.isa.columns import Table
    from fxsim.isa.footprints import Arithmetic, Block
    from fxsim.isa.machine import Machine
    from fxsim.isa.rules import Rule


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

    @property
    def engine(self) -> Engine:
        """The engine this unit belongs to."""
        return Engine.MAC if self is Unit.REQ else Engine[self.name]


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
    """Activations: read by MAC and the vector engine, written by REQ and the vector engine."""
    WEIGHT = 1
    """Weight tiles: read by MAC."""
    PARAM = 2
    """Row records of MAC and tables of LUT."""


OPCODE_BITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction(ABC):
    """Base of all instructions.

    A subclass is a frozen dataclass whose fields are declared with `unsigned`, `signed` and `choice`; its docstring
    is its page of the manual; `execute` is its meaning on plain integers, `touches` its memory accesses, `rules` what
    its fields must satisfy on a given array beyond their encoding.
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
        return self.unit.engine

    @abstractmethod
    def execute(self, machine: Machine) -> None:
        """Apply the instruction's meaning to `machine` with plain Python integers."""

    @staticmethod
    @abstractmethod
    def touches(f: Any, by: Arithmetic, rows: int, cols: int) -> Iterator[Block]:
        """Memory accesses of `f`, an instruction of this class or a `Table` of them, on `rows` × `cols` PEs."""

    @classmethod
    @abstractmethod
    def rules(cls, f: Table, timing: Timing) -> Iterator[Rule]:
        """Yield what the fields must satisfy, as columns; memory bounds are checked from `touches`."""

    def check(self) -> None:
        """Raise `ProgramError` unless every field value is encodable."""
        for f in self.layout:
            value = getattr(self, f.name)
            if not f.holds(value):
                raise ProgramError(f"value must be {f.domain}", got=value, where=f"{self.mnemonic} field {f.name}")


INSTRUCTIONS: Registry[type[Instruction]] = Registry("instruction", folder="fxsim.isa.set", error=ProgramError)

_C = TypeVar("_C", bound="type[Instruction]")


def instruction(mnemonic: str, opcode: int, unit: Unit) -> Callable[[_C], _C]:
    """Class decorator: encoding and registration of one instruction."""

    def decorate(cls: _C) -> _C:
        cls.mnemonic, cls.opcode, cls.unit = mnemonic, opcode, unit
        cls.layout = layout(cls, OPCODE_BITS)
        INSTRUCTIONS.add(mnemonic, cls)
        return cls

    return decorate
