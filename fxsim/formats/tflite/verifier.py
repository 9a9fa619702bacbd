"""Structural check of a .tflite file: every offset and length is held against the file before anything follows it.

The generated accessors trust the file. They are used only on bytes that passed here, and only on the fields that
`fxsim.formats.tflite.schema` lists. The walk is bounded: the read part of the schema is free of recursion, and a file
may refer to tables `MAX_TABLES` times and to `MAX_ELEMENTS` vector elements, repetitions counted.
"""

from __future__ import annotations

from struct import Struct

from fxsim._core.errors import ModelFormatError
from fxsim.formats.tflite.codes import enum_names
from fxsim.formats.tflite.schema import TABLES, FieldSpec

IDENTIFIER = b"TFL3"
MAX_TABLES = 1 << 15
"""References to tables in one file."""
MAX_ELEMENTS = 1 << 22
"""Elements of all vectors but bytes in one file."""

_U8, _U16, _U32, _I32 = Struct("<B"), Struct("<H"), Struct("<I"), Struct("<i")


def verify(data: bytes) -> tuple[str, ...]:
    """Check the structure of a whole file.

    Returns
    -------
    tuple of str
        Fields that are present but unknown to this schema, each with its place; what they mean for the model is
        not known, so a reader must refuse them.

    Raises
    ------
    ModelFormatError
        Something does not lie inside the file, or the file is absurdly intricate.
    """
    if data[4:8] != IDENTIFIER:
        raise ModelFormatError("a TFLite file must carry the identifier b'TFL3' at byte 4", got=data[4:8])
    walk = _Walk(data)
    walk.table("Model", walk.reference(0, "root"), "model")
    return tuple(walk.unknown)


class _Walk:
    """One pass over the tables of a file."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.unknown: list[str] = []
        self._seen: set[tuple[str, int]] = set()
        self._tables = 0
        self._elements = 0

    def table(self, name: str, position: int, where: str) -> None:
        """Check the table `name` at `position` and all that it refers to."""
        self._tables += 1
        if self._tables > MAX_TABLES:
            raise ModelFormatError(f"a model must refer to at most {MAX_TABLES} tables", where=where)
        if (name, position) in self._seen:
            return
        self._seen.add((name, position))
        slots = self._slots(position, where)
        spec = TABLES.get(name, ())
        self.unknown += [f"{where}: {name} slot {i}" for i in range(len(spec), len(slots)) if slots[i]]
        for index, (field, offset) in enumerate(zip(spec, slots, strict=False)):
            if offset and field.size:
                target = self._union(position, slots[index - 1]) if field.table == "*" else field.table
                self._field(field, target, position + offset, f"{where}.{field.name}")

    def reference(self, position: int, where: str) -> int:
        """Follow the unsigned offset stored at `position`."""
        return self.inside(position + self._read(_U32, position, where), 4, where)

    def inside(self, position: int, size: int, where: str) -> int:
        """Return `position` if `size` bytes from there lie inside the file."""
        if not 0 <= position <= len(self.data) - size:
            raise ModelFormatError(
                f"must lie inside the file of {len(self.data)} bytes", got=(position, position + size), where=where
            )
        return position

    def _slots(self, position: int, where: str) -> list[int]:
        """Field offsets of the table at `position`, each held against the table's own size."""
        vtable = position - self._read(_I32, position, where)
        length = self._read(_U16, vtable, f"{where} (vtable)")
        size = self._read(_U16, vtable + 2, f"{where} (vtable)")
        if length < 4 or length % 2 or size < 4:
            raise ModelFormatError("vtable and table must have legal lengths", got=(length, size), where=where)
        self.inside(vtable, length, f"{where} (vtable)")
        self.inside(position, size, where)
        slots = list(Struct(f"<{length // 2 - 2}H").unpack_from(self.data, vtable + 4))
        if any(0 < slot < 4 or slot >= size for slot in slots):
            raise ModelFormatError(f"fields must lie inside the table of {size} bytes", got=slots, where=where)
        return slots

    def _field(self, field: FieldSpec, table: str, position: int, where: str) -> None:
        self.inside(position, field.size, where)
        if field.element:
            self._vector(field, table, self.reference(position, where), where)
        elif table:
            self.table(table, self.reference(position, where), where)

    def _vector(self, field: FieldSpec, table: str, position: int, where: str) -> None:
        count = self._read(_U32, position, where)
        self.inside(position + 4, count * field.element + field.is_string, where)
        if field.is_string and self.data[position + 4 + count]:
            raise ModelFormatError("string must end in a zero byte", where=where)
        if field.element > 1:
            self._elements += count
        if self._elements > MAX_ELEMENTS:
            raise ModelFormatError(f"all vectors together must have at most {MAX_ELEMENTS} elements", where=where)
        for i in range(count if table else 0):
            self.table(table, self.reference(position + 4 + 4 * i, where), f"{where}[{i}]")

    def _union(self, position: int, type_slot: int) -> str:
        """Name of a union's table; empty, so that it is not followed, where its type is unknown."""
        code = _U8.unpack_from(self.data, position + type_slot)[0] if type_slot else 0
        return "" if code == 0 else enum_names("BuiltinOptions").get(code, "")

    def _read(self, kind: Struct, position: int, where: str) -> int:
        return int(kind.unpack_from(self.data, self.inside(position, kind.size, where))[0])
