"""Cases as Python source: arrays, hardware, programs, short enough to be read."""

from __future__ import annotations

import dataclasses
import re
from enum import IntEnum
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fxsim.hw import Hardware

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from fxsim.isa import Instruction, Program

_FACES = ("fxsim", "fxsim.graph", "fxsim.hw", "fxsim.isa", "fxsim.numerics", "fxsim.ops")
_WIDTH = 104
_NEXT = "\n        "
_UNIFORM = 8
"""Arrays of equal elements are written as such from this size on."""


def with_imports(body: str) -> str:
    """Return statements behind the imports of the names that they use."""
    used = set(re.findall(r"(?<![\w.'\"])([A-Za-z_]\w*)(?=[.(\[])", body))
    lines = ["import numpy as np", ""] if "np" in used else []
    for face in _FACES:
        names = sorted(used & set(import_module(face).__all__))
        used -= set(names)
        if names:
            lines.append(f"from {face} import {', '.join(names)}")
    return "\n".join(lines).rstrip("\n") + "\n\n" + body


def array_source(array: NDArray[Any]) -> str:
    """Return an expression for an integer or float array, its type included."""
    kind, values = f"np.{array.dtype.name}", array.tolist()
    if array.size >= _UNIFORM and (array == array.flat[0]).all():
        return f"np.full({array.shape}, {array.flat[0].item()!r}, {kind})"
    return f"np.array({_folded(repr(values).split(', '))}, {kind})"


def equal_integers(name: str, expected: NDArray[Any]) -> str:
    """Return the statements that call ``answer`` by `name`, and assert that it has these integers."""
    return (
        f"{name} = np.asarray(answer)\n"
        f"assert {name}.dtype.kind in 'iu', {name}\n"
        f"assert {name}.tolist() == {expected.tolist()}, {name}\n"
    )


def bytes_source(data: bytes) -> str:
    """Return an expression for bytes; zeros at the end are counted."""
    head = data.rstrip(b"\0")
    tail = f"bytes({len(data) - len(head)})"
    if not head:
        return tail
    lines = [f'"{head[i : i + 48].hex()}"' for i in range(0, len(head), 48)]
    return f"bytes.fromhex({_NEXT.join(lines)})" + (f" + {tail}" if len(head) < len(data) else "")


def hardware_source(hw: Hardware) -> str:
    """Return an expression for hardware: the fields that differ from the default's."""
    plain = Hardware()
    fields = {
        f.name: getattr(part, f.name)
        for part, default in ((hw.numerics, plain.numerics), (hw.timing, plain.timing))
        for f in dataclasses.fields(part)
        if getattr(part, f.name) != getattr(default, f.name)
    }
    return f"Hardware({_folded([f'name={hw.name!r}', *(f'{name}={value!r}' for name, value in fields.items())])})"


def program_source(program: Program) -> str:
    """Return the statement that makes `program`, called ``program``."""
    code = "".join(f"        {instruction_source(i)},\n" for i in program.instructions)
    layers = ", ".join(map(repr, program.layers))
    symbols = ", ".join(map(repr, program.symbols))
    return (
        "program = Program(\n"
        f"    name={program.name!r},\n"
        f"    profile={program.profile!r},\n"
        f"    hardware={hardware_source(program.hardware)},\n"
        f"    code=encode([\n{code}    ]),\n"
        f"    constants={bytes_source(program.constants)},\n"
        f"    dram_bytes={program.dram_bytes},\n"
        f"    symbols=({symbols}{',' if symbols else ''}),\n"
        f"    layers=({layers}{',' if layers else ''}),\n"
        f"    layer_of={array_source(program.layer_of)},\n"
        f"    batched={program.batched},\n"
        ")\n"
    )


def instruction_source(instruction: Instruction) -> str:
    """Return an expression for an instruction: the fields that differ from their defaults."""
    default = type(instruction)()
    words = [
        f"{f.name}={_field(getattr(instruction, f.name))}"
        for f in instruction.layout
        if getattr(instruction, f.name) != getattr(default, f.name)
    ]
    return f"{type(instruction).__name__}({_folded(words)})"


def _field(value: int) -> str:
    return f"{type(value).__name__}.{value.name}" if isinstance(value, IntEnum) else str(int(value))


def _folded(words: Iterable[str]) -> str:
    """Join by commas, with line breaks; Python joins lines inside brackets."""
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) > _WIDTH:
            lines.append("")
        lines[-1] += f"{word}, "
    return _NEXT.join(line.rstrip() for line in lines).rstrip(",")
