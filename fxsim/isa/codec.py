"""Instructions ↔ 64-byte words. Whole programs at once: fields become columns, columns become words."""

from __future__ import annotations

from array import array
from collections import defaultdict
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import ProgramError
from fxsim.isa.columns import WORDS, Columns, Ints, check_column, decode_columns, insert, place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fxsim.isa.base import Instruction
    from fxsim.isa.fields import Field


def encode(instructions: Sequence[Instruction]) -> bytes:
    """Encode instructions, 64 bytes each.

    Raises
    ------
    ProgramError
        A field value is not encodable; the message names instruction index, mnemonic and field.
    """
    groups: dict[type[Instruction], list[int]] = defaultdict(list)
    for index, instruction in enumerate(instructions):
        groups[type(instruction)].append(index)
    words = np.zeros((len(instructions), WORDS), np.uint64)
    for cls, indices in groups.items():
        rows = np.array(indices, np.int64)
        words[rows, 0] = cls.opcode
        for f, values in zip(cls.layout, _values(cls, instructions, indices).T, strict=True):
            check_column(values, rows, cls, f)
            insert(words, rows, f, values)
    return words.astype(np.dtype("<u8"), copy=False).tobytes()


def decode(code: bytes) -> list[Instruction]:
    """Return the inverse of `encode`; errors as in `decode_columns`."""
    return instructions_of(decode_columns(code))


def instructions_of(columns: Columns) -> list[Instruction]:
    """Return the instructions of decoded columns, in order."""
    found: dict[int, Instruction] = {}
    for cls in columns.classes():
        table = columns.table(cls)
        values = [_members(f, table[f.name]) for f in cls.layout]
        names = tuple(table.fields)
        for index, row in zip(table.index.tolist(), zip(*values, strict=True), strict=True):
            found[index] = cls(**dict(zip(names, row, strict=True)))
    return [found[index] for index in range(len(columns))]


def _members(field: Field, values: Ints) -> list[int]:
    numbers: list[int] = values.tolist()
    if field.enum is None:
        return numbers
    members = {int(m): m for m in field.enum}
    return [members[v] for v in numbers]


def _values(cls: type[Instruction], instructions: Sequence[Instruction], indices: list[int]) -> NDArray[np.int64]:
    """Field values of the instructions at `indices`, int64 [len(indices), fields]; `array` refuses non-integers."""
    getter = attrgetter(*(f.name for f in cls.layout))
    try:
        flat = array("q", chain.from_iterable(getter(instructions[i]) for i in indices))
    except (TypeError, OverflowError):
        _refuse(cls, instructions, indices)
        raise
    return np.frombuffer(flat, np.int64).reshape(len(indices), len(cls.layout))


def _refuse(cls: type[Instruction], instructions: Sequence[Instruction], indices: list[int]) -> None:
    for index in indices:
        for f in cls.layout:
            value = getattr(instructions[index], f.name)
            if not f.holds(value):
                raise ProgramError(f"value must be {f.domain}", got=value, where=place(index, cls, f.name)) from None
