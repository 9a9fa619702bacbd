"""Random legal programs for the three engines.

A program is drawn as a small palette of instruction shapes and a list of choices. Each choice names an engine, a
shape and some bits; `_Writer` turns it into the next instruction that the machine's protocol allows. So every list
of choices is a legal program, and hypothesis shrinks by dropping choices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from fxsim.isa import Engine, Init, Instruction, Layer, Mac, Merge, Program, Req, Semaphore, encode
from fxsim.testing.machines import SCRATCHPADS, hardware
from fxsim.testing.prologue import mac_images, with_prologue
from fxsim.testing.shapes import CONSTANT_BYTES, MAX_ROW_BASE, PROFILE, SHAPES, VARIABLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.hw import Hardware


@st.composite
def programs(
    draw: st.DrawFn, max_instructions: int = 200, machines: st.SearchStrategy[Hardware] | None = None
) -> Program:
    """Legal programs for all three engines of a random machine.

    Tokens are random, yet every program runs to its end: the n-th pop of a semaphore stands after its n-th push, every
    token is taken, and every bank half goes through first, ..., last, REQ to the end. No two units share a scratchpad
    region, every slot is written before it is kept, merged or requantized, and every row record is loaded before it is
    used. So `fxsim.lowering.check_program` accepts every program. All constants are zero.

    Shrinks towards the empty program, then towards few instructions on one row, one column and one position.

    Parameters
    ----------
    max_instructions
        Greatest number of instructions, at least 2; the empty program is drawn too.
    machines
        Strategy for the hardware, at most 64 rows, 64 columns and 256 slots; `hardware()` by default. Programs pin it
        with scratchpads of 1 MiB (parameters: 64 KiB).
    """
    machine, instructions = draw(_bodies(max_instructions, machines))
    return _program(machine, instructions, draw(st.integers(1, 4)), b"")


@st.composite
def programs_with_data(
    draw: st.DrawFn, max_instructions: int = 200, machines: st.SearchStrategy[Hardware] | None = None
) -> Program:
    """Legal programs whose MACs compute on random data.

    As `programs`; in front stands a prologue of at most 5 LOADs that bring activations, weights and row records from
    the constants to where MACs read them, and a token from the last LOAD to the first instruction of the MAC engine.
    Activations and weights are `tensors` of the machine's widths, signed and unsigned, near the zero points that MACs
    subtract. Biases are codes of ``bias_bits`` (at most 52), most of them near an end of the accumulator, so that it
    overflows often; the words are `requants` of the machine's scheme, which is TFL_DOUBLE for "profile".

    Shrinks as `programs`, and towards zeros; zeros are not loaded, so that a program that needs no data has no
    prologue.

    Parameters
    ----------
    max_instructions
        Greatest number of instructions behind the prologue, at least 2.
    machines
        As `programs`. ``acc_bits`` must be a width that the machine's scheme takes.
    """
    machine, instructions = draw(_bodies(max_instructions, machines))
    images = draw(mac_images(machine, [i for i in instructions if isinstance(i, Mac)]))
    constants = b"".join(image.data for image in images)
    return _program(machine, with_prologue(instructions, images), draw(st.integers(1, 4)), constants)


@st.composite
def _bodies(
    draw: st.DrawFn, max_instructions: int, machines: st.SearchStrategy[Hardware] | None
) -> tuple[Hardware, list[Instruction]]:
    machine = draw(hardware() if machines is None else machines).replace(**SCRATCHPADS)
    least = draw(st.integers(0, max_instructions - _CLOSING))
    choices = draw(st.lists(_CHOICES, min_size=least, max_size=max_instructions - _CLOSING))
    most = min(_SHAPES, max_instructions - _CLOSING or 1)
    palette = {engine: draw(st.lists(shape(machine), min_size=1, max_size=most)) for engine, shape in SHAPES.items()}
    writer = _Writer(palette)
    for choice in choices:
        writer.add(choice)
    writer.finish()
    return machine, writer.instructions


class _Choice(NamedTuple):
    """What is free about the next instruction."""

    engine: Engine
    shape: int
    half: int
    last: bool
    load: bool
    merge: bool
    init: Init
    pops: int
    pushes: int


_SHAPES = 8
"""Most shapes of an engine's instructions."""
_CLOSING = 2
"""Instructions that may be needed to drain the bank halves at the end."""
_MERGES = 2
"""Most MERGEs on the way from `first` to `last`: each may multiply the greatest sum by its parts."""
_MASKS = st.integers(0, (1 << len(Semaphore)) - 1)
_ENGINES = (Engine.MAC, Engine.DMA, Engine.VEC, Engine.MAC)
"""The MAC engine at both ends: hypothesis draws the least and the greatest number more often than others."""
_FILLS = 3
"""One of so many instructions on a bank half is its last: often none would be left to keep or merge what is there."""
_RADICES = (len(_ENGINES), _SHAPES, 2, _FILLS, 2, 2, len(Init))


def _choice(number: int, pops: int, pushes: int) -> _Choice:
    """Take the digits of `number` for engine, shape, half, last, load, merge and init."""
    digits = []
    for radix in _RADICES:
        number, digit = divmod(number, radix)
        digits.append(digit)
    engine, shape, half, last, load, merge, init = digits
    ends = last == 1
    return _Choice(_ENGINES[engine], shape, half, ends, bool(load), bool(merge), tuple(Init)[init], pops, pushes)


_CHOICES = st.builds(_choice, st.integers(0, math.prod(_RADICES) - 1), _MASKS, _MASKS)
"""Few draws each: hypothesis deletes at most 5 at once."""


@dataclass
class _Half:
    """What a program has done to a bank half so far."""

    filling: bool = False
    full: bool = False
    records: int = 0
    merges: int = 0
    written: dict[int, int] = field(default_factory=dict)
    """Slot -> rows."""

    def run(self) -> tuple[int, int, int]:
        """First written slot, slots from it to the first gap, and the rows written in all of them."""
        first = min(self.written)
        length = 1
        while first + length in self.written:
            length += 1
        return first, length, min(self.written[first + i] for i in range(length))

    def on_run(self, mac: Mac) -> Mac:
        """Return the MAC on accumulators that have been written."""
        slot, length, rows = self.run()
        return replace(mac, slot=slot, positions=min(mac.positions, length), rows=min(mac.rows, rows))


class _Writer:
    """Writes a program, instruction by instruction, inside the protocol of tokens, halves, slots and row files."""

    def __init__(self, palette: dict[Engine, list[Any]]) -> None:
        self.instructions: list[Instruction] = []
        self._palette = palette
        self._tokens = [0] * len(Semaphore)
        self._halves = (_Half(), _Half())

    def add(self, choice: _Choice) -> None:
        """Write the instruction that `choice` stands for."""
        shapes = self._palette[choice.engine]
        shape = shapes[choice.shape % len(shapes)]
        instruction = self._on_bank(shape, choice) if choice.engine is Engine.MAC else shape
        pops = sum(1 << s for s in Semaphore if choice.pops >> s & 1 and self._may_pop(s, choice.engine))
        pushes = sum(1 << s for s in Semaphore if choice.pushes >> s & 1 and s.producer is instruction.unit)
        for s in Semaphore:
            self._tokens[s] += (pushes >> s & 1) - (pops >> s & 1)
        self.instructions.append(replace(instruction, pops=pops, pushes=pushes))

    def finish(self) -> None:
        """Drain the bank halves in use, and take back the tokens that nobody popped: those pushed last."""
        for number, half in enumerate(self._halves):
            if half.filling and not half.full:
                self._end_fill(number)
            if half.full:
                self.add(_Choice(Engine.MAC, 0, number, False, False, False, Init.ZERO, 0, 0))
        for i in reversed(range(len(self.instructions))):
            instruction = self.instructions[i]
            kept = sum(1 << s for s in Semaphore if instruction.pushes >> s & 1 and not self._tokens[s])
            for s in Semaphore:
                self._tokens[s] -= (instruction.pushes & ~kept) >> s & 1
            self.instructions[i] = replace(instruction, pushes=kept)

    def _end_fill(self, number: int) -> None:
        """Let the half be full by what was added to it last."""
        for place, instruction in reversed(list(enumerate(self.instructions))):
            if isinstance(instruction, Mac | Merge) and instruction.half == number:
                self.instructions[place] = replace(instruction, last=1)
                break
        self._halves[number].full = True

    def _may_pop(self, semaphore: Semaphore, engine: Engine) -> bool:
        return semaphore.consumer is engine and self._tokens[semaphore] > 0

    def _on_bank(self, block: tuple[Mac, Req], choice: _Choice) -> Instruction:
        (mac, req), half = block, self._halves[choice.half]
        if half.full:
            return self._req(mac, req, half, choice)
        if half.filling and choice.merge and half.merges < _MERGES and half.run()[1] > 1:
            return self._merge(mac, half, choice)
        return self._mac(mac, half, choice)

    def _mac(self, shape: Mac, half: _Half, choice: _Choice) -> Mac:
        first = not half.filling
        if choice.init is Init.KEEP and not first:
            shape = half.on_run(shape)
        load = first and (choice.load or half.records < shape.rows)
        if first:
            half.filling, half.merges, half.written = True, 0, {}
        if load:
            half.records = shape.rows
        legal = {Init.ZERO: True, Init.KEEP: not first, Init.BIAS: shape.rows <= half.records}
        init = choice.init if legal[choice.init] else Init.ZERO
        if init is not Init.KEEP:
            half.written |= dict.fromkeys(range(shape.slot, shape.slot + shape.positions), shape.rows)
        half.full = choice.last
        return replace(
            shape, half=choice.half, first=int(first), last=int(choice.last), load_params=int(load), init=init
        )

    def _merge(self, shape: Mac, half: _Half, choice: _Choice) -> Merge:
        slot, length, rows = half.run()
        parts = 2 + choice.shape % (length - 1)
        half.full = choice.last
        half.merges += 1
        return Merge(
            half=choice.half,
            last=int(choice.last),
            rows=min(shape.rows, rows),
            positions=length // parts,
            slot=slot,
            parts=parts,
            row_base=shape.row_base,
            k_start=shape.k_count,
            overflow=shape.overflow,
            acc_bits=shape.acc_bits,
            internal_bits=shape.internal_bits,
        )

    def _req(self, mac: Mac, req: Req, half: _Half, choice: _Choice) -> Req:
        slot, length, rows = half.run()
        half.full = half.filling = False
        rows = min(rows, half.records)
        pitch = rows << req.out_wide
        return replace(
            req,
            half=choice.half,
            rows=rows,
            positions=length,
            slot=slot,
            out_pitch=pitch,
            out_row_pitch=pitch * mac.out_w,
            ox_start=mac.ox_start,
            out_w=mac.out_w,
            row_base=mac.row_base,
        )


def _program(machine: Hardware, instructions: Sequence[Instruction], layers: int, data: bytes) -> Program:
    """Cut the instructions into `layers` layers of about equal length; `data` is the start of the constants."""
    layer_of = np.array([i * layers // len(instructions) for i in range(len(instructions))], dtype=np.int32)
    macs = [0] * layers
    for layer, instruction in zip(layer_of, instructions, strict=True):
        if isinstance(instruction, Mac):
            macs[layer] += instruction.rows * instruction.positions * instruction.k_count
    return Program(
        name="random",
        profile=PROFILE,
        hardware=machine,
        code=encode(list(instructions)),
        constants=data + bytes(CONSTANT_BYTES),
        dram_bytes=len(data) + CONSTANT_BYTES + VARIABLE_BYTES,
        symbols=(),
        layer_of=layer_of,
        batched=True,
        layers=tuple(
            Layer(
                name=f"layer{i}",
                op="CONV_2D",
                macs=count,
                in_shapes=(),
                out_shapes=(),
                outputs=(),
                channels=MAX_ROW_BASE + machine.timing.rows,
            )
            for i, count in enumerate(macs)
        ),
    )
