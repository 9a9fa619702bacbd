"""What makes a program legal: fields on its hardware, memory bounds, tokens, symbols, layers.

All checks run on columns, so a program of any size takes milliseconds. What they leave to others: hazards and deadlock
(`fxsim.lowering`), and values in the constants (`fxsim.sim` reads them when it loads a program).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import ProgramError
from fxsim.isa.base import Instruction, Semaphore, Space
from fxsim.isa.columns import place
from fxsim.isa.footprints import DRAM, Memory, hulls
from fxsim.isa.image import ITEM_BYTES, Image, Symbol
from fxsim.isa.registers import check_registers
from fxsim.numerics import PROFILES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.isa.columns import Ints, Table
    from fxsim.isa.footprints import Block

MAX_DRAM = 1 << 32
"""Most bytes of DRAM per sample."""
_DRAM_SLACK = 4096
"""Unused bytes that alignment may leave at the end of DRAM; more is an absurd size, refused before it is allocated."""
_MAX_CHANNELS = 1 << 21


def check_image(program: Image) -> None:
    """Raise `ProgramError` for the first thing in `program` that is illegal."""
    _check_sizes(program)
    _check_layers(program)
    _check_symbols(program)
    limits = memory_limits(program)
    used = max([len(program.constants), *(s.address + s.nbytes for s in program.symbols)])
    for cls in program.columns.classes():
        table = program.columns.table(cls)
        _check_tokens(cls, table)
        for good, field, text in cls.rules(table, program.hardware.timing):
            _require(good, cls, table.index, field, text, table[field])
        used = max(used, _check_bounds(program, cls, limits))
        _check_channels(program, cls, table)
    check_registers(program.columns, program.hardware.timing.half_depth)
    if program.dram_bytes >= used + _DRAM_SLACK:
        raise ProgramError(f"dram_bytes must be close to what the program uses, {used}", got=program.dram_bytes)


def memory_limits(program: Image) -> dict[Memory, int]:
    """Bytes of every memory."""
    timing = program.hardware.timing
    return {
        Space.ACT: timing.act_spad_bytes,
        Space.WEIGHT: timing.weight_spad_bytes,
        Space.PARAM: timing.param_spad_bytes,
        DRAM: program.dram_bytes,
    }


def _require(good: NDArray[np.bool_], cls: type[Instruction], index: Ints, field: str, text: str, values: Ints) -> None:
    if not good.all():
        bad = int(np.argmin(good))
        raise ProgramError(text, got=int(values[bad]), where=place(int(index[bad]), cls, field))


def _check_tokens(cls: type[Instruction], table: Table) -> None:
    may_pop = sum(1 << s for s in Semaphore if s.consumer is cls.unit.engine)
    may_push = sum(1 << s for s in Semaphore if s.producer is cls.unit)
    _require(table.pops & ~may_pop == 0, cls, table.index, "pops", "must name semaphores of its engine", table.pops)
    _require(
        table.pushes & ~may_push == 0, cls, table.index, "pushes", "must name semaphores of its unit", table.pushes
    )


def _check_bounds(program: Image, cls: type[Instruction], limits: dict[Memory, int]) -> int:
    """Check every access of the instructions of class `cls`; returns the end of the DRAM that they touch."""
    used = 0
    timing = program.hardware.timing
    for block, lo, hi, index in hulls(program.columns, cls, timing.rows, timing.cols):
        name = block.memory if block.memory == DRAM else block.memory.name
        limit = limits[block.memory]
        _require(lo >= 0, cls, index, block.field, f"must keep the access inside {name}, from byte 0", lo)
        _require(
            hi <= limit, cls, index, block.field, f"must keep the access inside {name}, {limit} bytes; its end", hi
        )
        if block.memory == DRAM:
            used = max(used, int(hi.max(initial=0)))
            _check_constants(program, cls, block, lo, hi)
    return used


def _check_constants(program: Image, cls: type[Instruction], block: Block, lo: Ints, hi: Ints) -> None:
    """DRAM below len(constants) is read only, and the only source of weights and parameters."""
    end = len(program.constants)
    table = program.columns.table(cls)
    if block.write:
        _require(lo >= end, cls, table.index, block.field, f"must be above the constants, at least {end}", lo)
        return
    _require(
        (hi <= end) | (lo >= end),
        cls,
        table.index,
        block.field,
        f"must not read across the end of the constants, {end}",
        lo,
    )
    if "space" in table.fields:
        _require(
            (hi <= end) | (table.space == Space.ACT),
            cls,
            table.index,
            block.field,
            f"must read weights and parameters from the constants, below {end}",
            lo,
        )


def _check_channels(program: Image, cls: type[Instruction], table: Table) -> None:
    if "row_base" not in table.fields:
        return
    channels = np.array([layer.channels for layer in program.layers], np.int64)[program.layer_of[table.index]]
    _require(
        table.row_base + table.rows <= channels,
        cls,
        table.index,
        "row_base",
        "must, with rows, stay inside the channels of its layer",
        table.row_base,
    )


def _check_sizes(program: Image) -> None:
    if not len(program.constants) <= program.dram_bytes <= MAX_DRAM:
        raise ProgramError(f"dram_bytes must be in {len(program.constants)}..{MAX_DRAM}", got=program.dram_bytes)
    if program.profile not in PROFILES:
        raise ProgramError(f"profile must be one of: {', '.join(PROFILES)}", got=program.profile)
    layer_of = program.layer_of
    if layer_of.dtype != np.int32 or layer_of.shape != (len(program.columns),):
        raise ProgramError(
            f"layer_of must be int32 [{len(program.columns)}], one per instruction",
            got=(str(layer_of.dtype), layer_of.shape),
        )
    stray = np.flatnonzero((layer_of < 0) | (layer_of >= len(program.layers)))
    if stray.size:
        raise ProgramError(
            f"layer_of must be at least 0 and below {len(program.layers)}, the number of layers",
            got=int(layer_of[stray[0]]),
            where=f"instruction {int(stray[0])}",
        )


def _check_layers(program: Image) -> None:
    names: set[str] = set()
    for layer in program.layers:
        if layer.name in names:
            raise ProgramError("layer names must be unique", got=layer.name)
        names.add(layer.name)
    channels = sum(layer.channels for layer in program.layers)
    if channels > _MAX_CHANNELS:
        raise ProgramError(f"channels of all layers together must be at most {_MAX_CHANNELS}", got=channels)


def _check_symbols(program: Image) -> None:
    names: set[str] = set()
    for symbol in program.symbols:
        if symbol.name in names:
            raise ProgramError("symbol names must be unique", got=symbol.name)
        names.add(symbol.name)
        _check_place(program, symbol)
        _check_quantization(symbol)
        if symbol.kind == "input" and program.batched and symbol.shape[:1] != (1,):
            raise ProgramError(
                "first dimension of an input must be 1 where samples are independent runs",
                got=symbol.shape,
                where=f"symbol {symbol.name}",
            )


def _check_place(program: Image, symbol: Symbol) -> None:
    where = f"symbol {symbol.name}"
    if symbol.dtype not in ITEM_BYTES:
        raise ProgramError(f"dtype must be one of: {', '.join(ITEM_BYTES)}", got=symbol.dtype, where=where)
    end = symbol.address + symbol.nbytes
    if not symbol.ready <= symbol.until <= len(program):
        raise ProgramError(
            f"ready and until must ascend within 0..{len(program)}", got=(symbol.ready, symbol.until), where=where
        )
    if symbol.memory == "ACT":
        _check_resident(program, symbol, end, where)
        return
    if end > program.dram_bytes:
        raise ProgramError(f"symbol must end inside DRAM, {program.dram_bytes} bytes", got=end, where=where)
    if symbol.address < len(program.constants) and (end > len(program.constants) or symbol.kind == "input"):
        raise ProgramError(
            f"symbol must be above the constants, {len(program.constants)} bytes", got=symbol.address, where=where
        )


def _check_resident(program: Image, symbol: Symbol, end: int, where: str) -> None:
    room = program.hardware.timing.act_spad_bytes
    if symbol.kind != "tensor":
        raise ProgramError("inputs and outputs must be in DRAM", got=symbol.memory, where=where)
    if end > room:
        raise ProgramError(f"symbol must end inside the activation scratchpad, {room} bytes", got=end, where=where)


def _check_quantization(symbol: Symbol) -> None:
    where = f"symbol {symbol.name}"
    if len(symbol.scale) != len(symbol.zero_point):
        raise ProgramError(
            f"zero_point must have {len(symbol.scale)} entries, as scale", got=len(symbol.zero_point), where=where
        )
    if symbol.axis is None:
        if len(symbol.scale) > 1:
            raise ProgramError("scale must have at most one entry without axis", got=len(symbol.scale), where=where)
        return
    if symbol.axis >= len(symbol.shape) or len(symbol.scale) != symbol.shape[symbol.axis]:
        raise ProgramError("axis must be a dimension with one scale per index", got=symbol.axis, where=where)
