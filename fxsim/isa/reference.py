"""The instruction set executed by its own definitions: one sample, plain Python integers, every address checked.

Slow and obvious; the oracle of the tile kernels and of the simulator. Instructions run in file order, which is one of
the orders that tokens allow. Memories, accumulators and row files start as zeros.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fxsim._core.errors import InputError, ProgramError
from fxsim.isa.base import Space
from fxsim.isa.machine import Accumulator, Counters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fxsim.hw import Hardware
    from fxsim.isa.base import Instruction
    from fxsim.isa.image import Symbol
    from fxsim.isa.program import Program


class Trap(NamedTuple):
    """The first overflow event of a sample under overflow = trap; k is -1 for a bias, `exact` the exact sum."""

    instruction: int
    group: int
    position: int
    row: int
    k: int
    exact: int


@dataclass(frozen=True, slots=True)
class PlainResult:
    """What one sample left behind.

    Attributes
    ----------
    dram
        The whole DRAM image after the last instruction.
    counters
        (layer index, output channel) → counters, for every channel that accumulated anything.
    trap
        The first trap event, if any.
    """

    dram: bytes
    counters: dict[tuple[int, int], Counters]
    trap: Trap | None

    def bytes_of(self, symbol: Symbol) -> bytes:
        """Return the final bytes at a symbol's place."""
        return self.dram[symbol.address : symbol.address + symbol.nbytes]


class PlainMachine:
    """The `Machine` protocol on byte arrays and dictionaries.

    Parameters
    ----------
    hardware
        Array, scratchpad sizes and bank depth.
    constants
        The read-only head of DRAM.
    dram_bytes
        Size of DRAM, constants included.
    """

    def __init__(self, hardware: Hardware, *, constants: bytes = b"", dram_bytes: int = 0) -> None:
        timing = hardware.timing
        self.rows, self.cols, self.half_depth = timing.rows, timing.cols, timing.half_depth
        self.scratchpads = {
            Space.ACT: bytearray(timing.act_spad_bytes),
            Space.WEIGHT: bytearray(timing.weight_spad_bytes),
            Space.PARAM: bytearray(timing.param_spad_bytes),
        }
        self.read_only = len(constants)
        self.dram = bytearray(constants) + bytearray(max(dram_bytes - len(constants), 0))
        self.bank: defaultdict[tuple[int, int, int], Accumulator] = defaultdict(Accumulator)
        self.row_files: dict[tuple[int, int], tuple[int, int]] = {}
        self.tallies: defaultdict[tuple[int, int], Counters] = defaultdict(Counters)
        self.first_trap: Trap | None = None
        self.instruction = 0
        self.layer = 0

    def read(self, space: Space, address: int, size: int) -> bytes:
        """Bytes of a scratchpad."""
        memory = self.scratchpads[space]
        self._within(space.name, address, size, len(memory))
        return bytes(memory[address : address + size])

    def write(self, space: Space, address: int, data: bytes) -> None:
        """Store bytes into a scratchpad."""
        memory = self.scratchpads[space]
        self._within(space.name, address, len(data), len(memory))
        memory[address : address + len(data)] = data

    def read_dram(self, address: int, size: int) -> bytes:
        """Bytes of DRAM."""
        self._within("DRAM", address, size, len(self.dram))
        return bytes(self.dram[address : address + size])

    def write_dram(self, address: int, data: bytes) -> None:
        """Store bytes into DRAM, above the constants."""
        self._within("DRAM", address, len(data), len(self.dram))
        if address < self.read_only:
            raise ProgramError(
                f"address must be above the constants, at least {self.read_only}",
                got=address,
                where=f"instruction {self.instruction}",
            )
        self.dram[address : address + len(data)] = data

    def accumulator(self, half: int, row: int, slot: int) -> Accumulator:
        """Return the slot itself, to be changed in place."""
        self._within("accumulator rows", row, 1, self.rows)
        self._within("accumulator slots", slot, 1, self.half_depth)
        return self.bank[half, row, slot]

    def load_row(self, half: int, row: int, bias: int, word: int) -> None:
        """Fill entry `row` of row file `half`."""
        self._within("row file", row, 1, self.rows)
        self.row_files[half, row] = bias, word

    def row(self, half: int, row: int) -> tuple[int, int]:
        """(bias, requantization word) of an entry of row file `half`."""
        self._within("row file", row, 1, self.rows)
        return self.row_files.get((half, row), (0, 0))

    def counters(self, channel: int) -> Counters:
        """Counters of output channel `channel` of the running instruction's layer."""
        return self.tallies[self.layer, channel]

    def trap(self, group: int, position: int, row: int, k: int, exact: int) -> None:
        """Record an overflow event under overflow = trap; the first is kept."""
        if self.first_trap is None:
            self.first_trap = Trap(self.instruction, group, position, row, k, exact)

    def _within(self, memory: str, address: int, size: int, limit: int) -> None:
        if address < 0 or address + size > limit:
            raise ProgramError(
                f"access must stay inside {memory}, 0..{limit - 1}",
                got=(address, size),
                where=f"instruction {self.instruction}",
            )


def run_plain(
    program: Program, inputs: Mapping[str, bytes], before: Callable[[Instruction, PlainMachine], None] | None = None
) -> PlainResult:
    """Execute `program` for one sample.

    Parameters
    ----------
    program
        Any program whose `Program.check` passes.
    inputs
        Input name → the tensor's bytes, row major, little-endian; every input symbol must be given.
    before
        Called with every instruction and the machine that is about to execute it.

    Raises
    ------
    InputError
        A name is not an input, an input is missing, or its size is wrong.
    ProgramError
        An access leaves its memory.
    """
    machine = PlainMachine(program.hardware, constants=program.constants, dram_bytes=program.dram_bytes)
    symbols = {s.name: s for s in program.symbols if s.kind == "input"}
    if set(symbols) != set(inputs):
        raise InputError(f"inputs must be {sorted(symbols)}", got=sorted(inputs))
    for name, symbol in symbols.items():
        if len(inputs[name]) != symbol.nbytes:
            raise InputError(f"input must have {symbol.nbytes} bytes", got=len(inputs[name]), where=name)
        machine.write_dram(symbol.address, inputs[name])
    for index, (instruction, layer) in enumerate(zip(program.instructions, program.layer_of, strict=True)):
        machine.instruction, machine.layer = index, int(layer)
        if before is not None:
            before(instruction, machine)
        instruction.execute(machine)
    return PlainResult(bytes(machine.dram), dict(machine.tallies), machine.first_trap)
