"""Bit fields of a 512-bit instruction word, declared in the annotations of an instruction class."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from enum import IntEnum

WORD_BITS = 512
WORD_BYTES = WORD_BITS // 8


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `bits` wide at bit `offset` (bit 0 is the lowest bit of byte 0), two's complement if `signed`."""

    name: str
    bits: int
    signed: bool
    doc: str
    enum: type[IntEnum] | None
    offset: int

    @property
    def lo(self) -> int:
        """Smallest encodable value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def hi(self) -> int:
        """Largest encodable value (an enum field: its largest member)."""
        if self.enum is not None:
            return max(self.enum)
        return (1 << (self.bits - int(self.signed))) - 1

    @property
    def domain(self) -> str:
        """The legal values in words, for messages and the manual."""
        if self.enum is not None:
            return "one of " + ", ".join(f"{m.name} = {m.value}" for m in self.enum)
        return f"an integer in {self.lo}..{self.hi}"

    def holds(self, value: object) -> bool:
        """Whether `value` can be encoded."""
        if not isinstance(value, int):
            return False
        return value in list(self.enum) if self.enum is not None else self.lo <= value <= self.hi


def unsigned(bits: int, doc: str) -> Any:
    """Declare an unsigned field."""
    return dataclasses.field(default=0, metadata={"bits": bits, "signed": False, "doc": doc})


def signed(bits: int, doc: str) -> Any:
    """Declare a two's-complement field."""
    return dataclasses.field(default=0, metadata={"bits": bits, "signed": True, "doc": doc})


def choice(enum: type[IntEnum], doc: str) -> Any:
    """Declare a field whose values are the members of `enum`; its default is the smallest."""
    bits = max(1, int(max(enum)).bit_length())
    return dataclasses.field(default=min(enum), metadata={"bits": bits, "signed": False, "doc": doc, "enum": enum})


def layout(cls: type[Any], first_bit: int) -> tuple[Field, ...]:
    """Return the fields of dataclass `cls` in order, packed from `first_bit` without gaps; must fit the word."""
    fields = []
    offset = first_bit
    for f in dataclasses.fields(cls):
        meta = f.metadata
        fields.append(Field(f.name, meta["bits"], meta["signed"], meta["doc"], meta.get("enum"), offset))
        offset += meta["bits"]
    assert offset <= WORD_BITS, f"{cls.__name__} needs {offset} bits, the word has {WORD_BITS}"
    return tuple(fields)
