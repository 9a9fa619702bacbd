"""Where the fields of a .tflite file lie: a walk over a legal file by the tables of the schema."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from fxsim.formats.tflite.codes import enum_names
from fxsim.formats.tflite.schema import OPTIONS, SCALAR_BYTES, STRUCTURE

_MAX_ELEMENTS = 32
"""Elements of one vector that are listed."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One number of the file.

    Attributes
    ----------
    role
        ``scalar`` or ``element`` (a value), ``length`` (of a vector), ``offset`` (to a table or vector), ``slot`` (of a
        vtable).
    place
        Table and field: ``"Tensor.shape"``.
    position, kind
        First byte, and the schema's name of the scalar type.
    """

    role: str
    place: str
    position: int
    kind: str

    @property
    def size(self) -> int:
        """Bytes of the number."""
        return SCALAR_BYTES[self.kind]

    def read(self, data: bytes) -> float:
        """The number, signed; a real one where the type is."""
        raw = data[self.position : self.position + self.size]
        if self.kind == "float":
            return float(struct.unpack("<f", raw)[0])
        return int.from_bytes(raw, "little", signed=True)

    def write(self, data: bytes, value: float) -> bytes:
        """The file with another number here, wrapped to its width; reals beyond binary32 become infinite."""
        if self.kind == "float":
            try:
                raw = struct.pack("<f", value)
            except OverflowError:
                raw = struct.pack("<f", float("inf"))
        else:
            raw = (int(value) & ((1 << 8 * self.size) - 1)).to_bytes(self.size, "little")
        return data[: self.position] + raw + data[self.position + self.size :]


def spots(data: bytes) -> list[Spot]:
    """List the numbers of a legal file, table by table from the root."""
    walk = _Walk(data)
    walk.found.append(Spot("offset", "root", 0, "uint"))
    walk.table("Model", walk.number(0, "<I"))
    return walk.found


class _Walk:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.found: list[Spot] = []
        self._seen: set[tuple[str, int]] = set()

    def number(self, position: int, form: str) -> int:
        return int(struct.unpack_from(form, self.data, position)[0])

    def table(self, name: str, position: int) -> None:
        if (name, position) in self._seen:
            return
        self._seen.add((name, position))
        vtable = position - self.number(position, "<i")
        self.found += [
            Spot("offset", f"{name} vtable", position, "int"),
            Spot("slot", f"{name} size", vtable, "ushort"),
        ]
        slots = (self.number(vtable, "<H") - 4) // 2
        code = 0
        for slot, field in zip(range(slots), (STRUCTURE | OPTIONS).get(name, "").split(), strict=False):
            self.found.append(Spot("slot", f"{name}.{field}", vtable + 4 + 2 * slot, "ushort"))
            offset = self.number(vtable + 4 + 2 * slot, "<H")
            if offset:
                self._field(f"{name}.{field}", position + offset, code)
                code = self.data[position + offset]

    def _field(self, place: str, position: int, union_code: int) -> None:
        place, _, kind = place.partition(":")
        if kind in SCALAR_BYTES:
            self.found.append(Spot("scalar", place, position, kind))
            return
        if kind == "-":
            return
        self.found.append(Spot("offset", place, position, "uint"))
        target = position + self.number(position, "<I")
        if kind == "string" or kind.startswith("["):
            self._vector(place, "byte" if kind == "string" else kind.strip("[]"), target)
        elif kind != "ref":
            self.table(enum_names("BuiltinOptions")[union_code] if kind == "union" else kind, target)

    def _vector(self, place: str, kind: str, position: int) -> None:
        self.found.append(Spot("length", place, position, "uint"))
        count = self.number(position, "<I")
        size = SCALAR_BYTES.get(kind, 4)
        for i in range(0, count, max(1, count // _MAX_ELEMENTS) if kind in SCALAR_BYTES else 1):
            start = position + 4 + size * i
            if kind in SCALAR_BYTES:
                self.found.append(Spot("element", place, start, kind))
            else:
                self.found.append(Spot("offset", f"{place}[]", start, "uint"))
                self.table(kind, start + self.number(start, "<I"))
