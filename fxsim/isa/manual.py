"""The manual of the instruction set as text, derived from the instruction classes alone."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING

from fxsim._core.tables import format_table
from fxsim.isa.base import INSTRUCTIONS, OPCODE_BITS, Engine, Instruction, Semaphore, Space
from fxsim.isa.fields import WORD_BITS, WORD_BYTES, Field

if TYPE_CHECKING:
    from enum import IntEnum


def manual() -> str:
    """Write the manual: word, engines, semaphores, memories, operations, then one page per instruction."""
    chapters = [
        _introduction(),
        _semaphores(),
        _spaces(),
        format_table(["mnemonic", "opcode", "engine", "unit", "meaning"], operations(), title="Instructions"),
        *(instruction_page(cls) for cls in _by_opcode()),
    ]
    return "\n\n".join(chapters) + "\n"


def operations() -> list[list[object]]:
    """List every instruction: mnemonic, opcode, engine, unit, first sentence of its page; by opcode."""
    return [[cls.mnemonic, cls.opcode, cls.unit.engine.name, cls.unit.name, _summary(cls)] for cls in _by_opcode()]


def instruction_page(cls: type[Instruction]) -> str:
    """Write the page of one instruction: text, then fields with offset, width, sign, meaning and members."""
    used = cls.layout[-1].offset + cls.layout[-1].bits
    title = f"{cls.mnemonic}: opcode {cls.opcode}, engine {cls.unit.engine.name}, unit {cls.unit.name}, {used} bits"
    rows = [[f.name, f.offset, f.bits, "signed" if f.signed else "", f.doc] for f in cls.layout]
    table = format_table(["field", "bit", "bits", "", "meaning"], rows)
    members = [_members(f) for f in cls.layout if f.enum is not None]
    return "\n\n".join([f"{title}\n{'=' * len(title)}", _page(cls), table, *members])


def _introduction() -> str:
    return (
        f"An instruction is one word of {WORD_BITS} bits ({WORD_BYTES} bytes, little-endian). "
        f"Bits 0..{OPCODE_BITS - 1} are the opcode;\n"
        "the fields follow in the order of their tables, without gaps, and all other bits are 0.\n"
        "Signed fields are two's complement. "
        f"The engines ({', '.join(e.name for e in Engine)}) run in order, each its own instructions."
    )


def _semaphores() -> str:
    rows = [[int(s), s.name, s.producer.name, s.consumer.name] for s in Semaphore]
    return format_table(["bit", "semaphore", "pushed by unit", "popped by engine"], rows, title="Semaphores")


def _spaces() -> str:
    dram = "  - DRAM           Constants, then the tensors of one sample: read by LOAD, written by STORE."
    return f"Memory spaces\n{_enum_lines(Space)}\n{dram}"


def _members(field: Field) -> str:
    assert field.enum is not None
    return f"{field.name}: {field.enum.__name__}\n{_enum_lines(field.enum)}"


def _enum_lines(enum: type[IntEnum]) -> str:
    docs = member_docs(enum)
    return "\n".join(f"  {m.value} {m.name:<14} {docs.get(m.name, '')}".rstrip() for m in enum)


def member_docs(enum: type[IntEnum]) -> dict[str, str]:
    """Collect the strings below the members of an enum class from its source, by member name."""
    body = ast.parse(inspect.getsource(enum)).body[0]
    assert isinstance(body, ast.ClassDef)
    docs = {}
    for member, text in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(member, ast.Assign)
            and isinstance(member.targets[0], ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            docs[member.targets[0].id] = inspect.cleandoc(str(text.value.value)).replace("\n", " ")
    return docs


def _by_opcode() -> list[type[Instruction]]:
    return sorted(INSTRUCTIONS.values(), key=lambda cls: cls.opcode)


def _summary(cls: type[Instruction]) -> str:
    return _page(cls).split("\n\n")[0].replace("\n", " ")


def _page(cls: type[Instruction]) -> str:
    return inspect.cleandoc(cls.__doc__ or "")
