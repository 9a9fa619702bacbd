"""`Columns`: the fields of a whole program as NumPy columns, extracted on demand from the instruction words."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import ProgramError
from fxsim.isa.base import INSTRUCTIONS, OPCODE_BITS, Instruction, Semaphore
from fxsim.isa.fields import WORD_BYTES, Field

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS = WORD_BYTES // 8
_LANE = 64

Ints = NDArray[np.int64]


class Table:
    """The instructions of one class as columns: ``table.rows`` or ``table["rows"]`` is field `rows`.

    Columns are int64 [len(index)]; `index` holds their places in the program, ascending.
    """

    def __init__(self, index: Ints, fields: dict[str, Ints]) -> None:
        self.index = index
        self.fields = fields

    def __getitem__(self, name: str) -> Ints:
        return self.fields[name]

    def __getattr__(self, name: str) -> Ints:
        try:
            return self.fields[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A decoded program: one row per instruction, one column per field, extracted at first use.

    Attributes
    ----------
    words : uint64 [n, 8]
        The instruction words, little-endian.
    opcode : int64 [n]
    """

    words: NDArray[np.uint64]
    opcode: Ints
    _fields: dict[str, Ints] = dataclasses.field(default_factory=dict)
    _rows: dict[int, Ints] = dataclasses.field(default_factory=dict)
    _tables: dict[int, Table] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.opcode)

    def classes(self) -> list[type[Instruction]]:
        """Return the classes of the instructions of this program, by opcode."""
        return [cls for cls in INSTRUCTIONS.values() if self.rows_of(cls).size]

    def rows_of(self, cls: type[Instruction]) -> Ints:
        """Return the indices (ascending) of the instructions of class `cls`."""
        if cls.opcode not in self._rows:
            self._rows[cls.opcode] = np.flatnonzero(self.opcode == cls.opcode)
        return self._rows[cls.opcode]

    def field(self, name: str) -> Ints:
        """Values of field `name`, int64 [n]; 0 where the instruction has no such field. Read only."""
        if name not in self._fields:
            self._fields[name] = self._gather(name)
        return self._fields[name]

    def table(self, cls: type[Instruction]) -> Table:
        """All fields of the instructions of class `cls`."""
        if cls.opcode not in self._tables:
            rows = self.rows_of(cls)
            self._tables[cls.opcode] = Table(rows, {f.name: extract(self.words, rows, f) for f in cls.layout})
        return self._tables[cls.opcode]

    def _gather(self, name: str) -> Ints:
        if not any(f.name == name for cls in INSTRUCTIONS.values() for f in cls.layout):
            raise ProgramError("field must belong to an instruction", got=name)
        column = np.zeros(len(self), np.int64)
        owners = [(self.rows_of(cls), f) for cls in self.classes() for f in cls.layout if f.name == name]
        for rows, f in owners:
            column[rows] = extract(self.words, rows, f)
        column.flags.writeable = False
        return column


def decode_columns(code: bytes) -> Columns:
    """Decode and check a program's code.

    Parameters
    ----------
    code
        64 bytes per instruction.

    Returns
    -------
    Columns

    Raises
    ------
    ProgramError
        The length is no multiple of 64, an opcode is unknown, an enumerated field holds no member, or a bit outside
        the instruction's layout is set; the message names instruction index, mnemonic and field.
    """
    if len(code) % WORD_BYTES:
        raise ProgramError(f"code must be a multiple of {WORD_BYTES} bytes", got=len(code))
    words = np.frombuffer(code, np.dtype("<u8")).reshape(-1, WORDS).astype(np.uint64, copy=False)
    opcode = (words[:, 0] & np.uint64((1 << OPCODE_BITS) - 1)).astype(np.int64)
    columns = Columns(words, opcode)
    _check_opcodes(columns)
    for cls in columns.classes():
        _check_words(columns, cls)
    return columns


def extract(words: NDArray[np.uint64], rows: Ints, field: Field) -> Ints:
    """Field `field` of the given `rows` of `words`, sign extended; at most 63 bits wide."""
    lane, shift = divmod(field.offset, _LANE)
    raw = words[rows, lane] >> np.uint64(shift)
    if shift + field.bits > _LANE:
        raw |= words[rows, lane + 1] << np.uint64(_LANE - shift)
    value: Ints = (raw & np.uint64((1 << field.bits) - 1)).astype(np.int64)
    if field.signed:
        sign = np.int64(1 << (field.bits - 1))
        value = (value ^ sign) - sign
    return value


def insert(words: NDArray[np.uint64], rows: Ints, field: Field, values: Ints) -> None:
    """Or `values` (in the field's range) into the zero bits of field `field` of the given `rows`."""
    lane, shift = divmod(field.offset, _LANE)
    raw = values.astype(np.uint64) & np.uint64((1 << field.bits) - 1)
    words[rows, lane] |= raw << np.uint64(shift)
    if shift + field.bits > _LANE:
        words[rows, lane + 1] |= raw >> np.uint64(_LANE - shift)


def with_tokens(code: bytes, pops: Sequence[int], pushes: Sequence[int]) -> bytes:
    """Return `code`, whose instructions carry no tokens, with these masks of semaphores, one per instruction."""
    words = np.frombuffer(code, np.dtype("<u8")).reshape(-1, WORDS).astype(np.uint64)
    offset = OPCODE_BITS
    for masks in (pops, pushes):
        words[:, 0] |= np.array(masks, np.uint64) << np.uint64(offset)
        offset += len(Semaphore)
    return words.astype(np.dtype("<u8"), copy=False).tobytes()


def place(index: int, cls: type[Instruction], field: str = "") -> str:
    """Where a complaint about one instruction points to: ``instruction 12 (MAC) field rows``."""
    return f"instruction {index} ({cls.mnemonic})" + (f" field {field}" if field else "")


def check_column(values: Ints, rows: Ints, cls: type[Instruction], field: Field) -> None:
    """Raise `ProgramError` for the first of `values` that `field` cannot hold; `rows` are the instruction indices."""
    if field.enum is not None:
        good = np.isin(values, [int(member) for member in field.enum])
    else:
        good = (values >= field.lo) & (values <= field.hi)
    if not good.all():
        bad = int(np.argmin(good))
        raise ProgramError(
            f"value must be {field.domain}", got=int(values[bad]), where=place(int(rows[bad]), cls, field.name)
        )


def layout_mask(cls: type[Instruction]) -> NDArray[np.uint64]:
    """Return the bits an instruction of class `cls` may set, uint64 [8]."""
    mask = (1 << OPCODE_BITS) - 1
    for f in cls.layout:
        mask |= ((1 << f.bits) - 1) << f.offset
    return np.frombuffer(mask.to_bytes(WORD_BYTES, "little"), np.dtype("<u8")).astype(np.uint64, copy=False)


def _check_opcodes(columns: Columns) -> None:
    known = [cls.opcode for cls in INSTRUCTIONS.values()]
    bad = np.flatnonzero(~np.isin(columns.opcode, known))
    if bad.size:
        raise ProgramError(
            f"opcode must be one of {', '.join(map(str, sorted(known)))}",
            got=int(columns.opcode[bad[0]]),
            where=f"instruction {bad[0]}",
        )


def _check_words(columns: Columns, cls: type[Instruction]) -> None:
    rows = columns.rows_of(cls)
    stray = np.flatnonzero((columns.words[rows] & ~layout_mask(cls)).any(axis=1))
    if stray.size:
        raise ProgramError("bits outside the layout must be 0", where=place(int(rows[stray[0]]), cls))
    for f in cls.layout:
        if f.enum is not None:
            check_column(extract(columns.words, rows, f), rows, cls, f)
