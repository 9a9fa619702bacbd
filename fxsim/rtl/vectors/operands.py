"""Which tensors a layer reads: a program names a layer's results only."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import ProgramError
from fxsim.isa import DRAM, WORD_BYTES, Space, decode, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.isa import Interval, Program, Symbol


def layer_inputs(program: Program, number: int) -> list[Symbol]:
    """Tensors, not constants, that instructions of layer `number` read, in the order of the layer's operands.

    A tensor is read where an instruction touches its bytes while they are its own. Of several tensors that share bytes
    (a reshape moves none) the last one before the layer's results that has the shape of an operand is meant.

    Raises
    ------
    ProgramError
        The layer reads no tensor.
    """
    layer = program.layers[number]
    found: dict[tuple[object, ...], Symbol] = {}
    before = list(takewhile(lambda symbol: symbol.name not in layer.outputs, program.symbols))
    candidates = [symbol for symbol in before if symbol.shape in layer.in_shapes]
    for index, interval in _reads(program, number):
        for symbol in candidates:
            if _holds(symbol, index, interval):
                found[symbol.memory, symbol.address, symbol.ready, symbol.shape] = symbol
    if not found:
        raise ProgramError("layer must read a tensor", where=f"layer {layer.name!r}")
    return sorted(found.values(), key=lambda symbol: layer.in_shapes.index(symbol.shape))


def _reads(program: Program, number: int) -> Iterator[tuple[int, Interval]]:
    """Instruction number and byte interval of every read; of a layer that moves nothing, its result's own bytes."""
    own = np.flatnonzero(program.layer_of == number)
    timing = program.hardware.timing
    if not own.size:
        result = program.symbol(program.layers[number].outputs[0])
        memory = DRAM if result.memory == DRAM else Space.ACT
        yield result.ready, (memory, result.address, result.address + result.nbytes)
    code = b"".join(program.code[WORD_BYTES * i : WORD_BYTES * (i + 1)] for i in own.tolist())
    for index, instruction in zip(own.tolist(), decode(code), strict=True):
        for interval in reads(instruction, timing.rows, timing.cols):
            yield index, interval


def _holds(symbol: Symbol, index: int, interval: Interval) -> bool:
    memory, first, stop = interval
    if memory != (DRAM if symbol.memory == DRAM else Space.ACT):
        return False
    alive = symbol.ready <= index <= symbol.until
    return alive and symbol.address <= first and stop <= symbol.address + symbol.nbytes
