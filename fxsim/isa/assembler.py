r"""Programs as text (``.fxs``): complete, so that ``assemble(disassemble(p))`` gives the same file byte for byte.

::

    .program schema=3 name="tiny" profile="tflite" batched=true dram_bytes=4096
    .hardware                          # TOML up to .end
    ...
    .end
    .constants                         # hexadecimal bytes up to .end
    00ff8012...
    .end
    .symbol name="x" address=1024 shape=[1,8,8,4] ...
    .layer name="conv" op="CONV_2D" macs=9216 ...
    .layer name="pool" op="MAX_POOL_2D" macs=0 ...
    .in layer="conv"
    LOAD push=DMA_MAC space=WEIGHT row_bytes=1024     # 0
    MAC pop=DMA_MAC first=1 ...

Instructions belong to the layer of the last ``.in`` line, or of the last ``.layer`` line if that came later. Directive
values are JSON without blanks (a blank inside a string is ``\u0020``). Instruction fields are integers (``0x`` allowed)
or enum members; ``pop`` and ``push`` list semaphores joined by ``|``; a field left out has its default. A token that
starts with ``#`` begins a comment.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fxsim._core.errors import AssemblyError, FxsimError, HardwareError
from fxsim.hw import Hardware
from fxsim.isa import records
from fxsim.isa.base import INSTRUCTIONS, Instruction, Semaphore
from fxsim.isa.codec import encode
from fxsim.isa.image import Image, Layer, Symbol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from enum import IntEnum

    from fxsim.isa.fields import Field

_HEX_BYTES = 32
_TOKEN_FIELDS = {"pop": "pops", "push": "pushes"}
_PROGRAM: Mapping[str, records.Parser] = {
    "schema": records.integer,
    "name": records.text,
    "profile": records.text,
    "batched": records.boolean,
    "dram_bytes": records.natural,
}


class _Token(NamedTuple):
    """A word of a line and where it stands, both counted from 1."""

    text: str
    line: int
    column: int

    @property
    def where(self) -> str:
        return f"line {self.line}, column {self.column}"


def disassemble(program: Image) -> str:
    """Write `program` as assembly text; each instruction's index stands behind it as a comment."""
    head = {
        "schema": Image.schema,
        "name": program.name,
        "profile": program.profile,
        "batched": program.batched,
        "dram_bytes": program.dram_bytes,
    }
    lines = [_directive(".program", head), ".hardware", program.hardware.to_toml().rstrip("\n"), ".end"]
    lines += [".constants", *_hex_lines(program.constants), ".end"]
    lines += [_directive(".symbol", _shallow(symbol)) for symbol in program.symbols]
    lines += [_directive(".layer", _shallow(layer)) for layer in program.layers]
    current = len(program.layers) - 1
    for index, (instruction, number) in enumerate(zip(program.instructions, program.layer_of.tolist(), strict=True)):
        if number != current:
            lines.append(_directive(".in", {"layer": program.layers[number].name}))
            current = number
        lines.append(f"{instruction_text(instruction)}  # {index}")
    return "\n".join(lines) + "\n"


def instruction_text(instruction: Instruction) -> str:
    """Write one instruction: mnemonic, then the fields that differ from their defaults."""
    words = [instruction.mnemonic]
    defaults = _defaults(instruction.mnemonic)
    for f in instruction.layout:
        value = getattr(instruction, f.name)
        if value != defaults[f.name]:
            words.append(_field_text(f, value))
    return " ".join(words)


def parse(text: str) -> dict[str, Any]:
    """Return the fields of the `Image` that assembly text describes.

    Raises
    ------
    AssemblyError
        The text does not parse; the message names line and column.
    """
    reader = _Reader(text)
    reader.run()
    return reader.fields()


class _Reader:
    """Reads lines one by one; directives in any order, each singular one exactly once."""

    def __init__(self, text: str) -> None:
        self._lines = iter(enumerate(text.split("\n"), start=1))
        self._head: dict[str, Any] | None = None
        self._hardware: Hardware | None = None
        self._constants: bytes | None = None
        self._symbols: list[Symbol] = []
        self._layers: list[Layer] = []
        self._layer_of: list[int] = []
        self._numbers: dict[str, int] = {}
        self._current = -1
        self._instructions: list[Instruction] = []

    def run(self) -> None:
        """Read every line."""
        for number, line in self._lines:
            tokens = _tokens(line, number)
            if not tokens:
                continue
            if tokens[0].text.startswith("."):
                self._directive(tokens)
            else:
                self._instruction(tokens)

    def fields(self) -> dict[str, Any]:
        """Return what was read."""
        if self._head is None or self._hardware is None or self._constants is None:
            raise AssemblyError("text must have .program, .hardware and .constants")
        if self._head.pop("schema") != Image.schema:
            raise AssemblyError(f"schema must be {Image.schema}", where=".program")
        return {
            "hardware": self._hardware,
            "code": encode(self._instructions),
            "constants": self._constants,
            "symbols": tuple(self._symbols),
            "layers": tuple(self._layers),
            "layer_of": np.array(self._layer_of, np.int32),
            **self._head,
        }

    def _directive(self, tokens: list[_Token]) -> None:
        name = tokens[0]
        if name.text == ".program":
            self._once(self._head, name)
            self._head = _record(tokens, _PROGRAM)
        elif name.text == ".hardware":
            self._once(self._hardware, name)
            self._hardware = self._read_hardware(name)
        elif name.text == ".constants":
            self._once(self._constants, name)
            self._constants = b"".join(_hex_bytes(line, number) for number, line in self._block(name))
        elif name.text == ".symbol":
            self._symbols.append(Symbol(**_record(tokens, records.SYMBOL)))
        elif name.text == ".layer":
            self._layers.append(Layer(**_record(tokens, records.LAYER)))
            self._current = self._numbers[self._layers[-1].name] = len(self._layers) - 1
        elif name.text == ".in":
            self._current = self._declared(_record(tokens, {"layer": records.text})["layer"], name)
        else:
            raise AssemblyError(
                "directive must be .program, .hardware, .constants, .symbol, .layer, .in or .end",
                got=name.text,
                where=name.where,
            )

    def _declared(self, wanted: str, name: _Token) -> int:
        if wanted not in self._numbers:
            raise AssemblyError("layer must be declared by a .layer line before", got=wanted, where=name.where)
        return self._numbers[wanted]

    def _once(self, present: object, name: _Token) -> None:
        if present is not None:
            raise AssemblyError(f"{name.text} must appear once", where=name.where)

    def _block(self, start: _Token) -> Iterator[tuple[int, str]]:
        """Lines up to ``.end``."""
        for number, line in self._lines:
            if line.strip() == ".end":
                return
            yield number, line
        raise AssemblyError(f"{start.text} must be closed by .end", where=start.where)

    def _read_hardware(self, start: _Token) -> Hardware:
        text = "\n".join(line for _, line in self._block(start))
        try:
            return Hardware.from_toml(text, where=".hardware")
        except HardwareError as error:
            raise AssemblyError(str(error), where=start.where) from None

    def _instruction(self, tokens: list[_Token]) -> None:
        if not self._layers:
            raise AssemblyError("instructions must follow a .layer line", where=tokens[0].where)
        self._instructions.append(_parse_instruction(tokens))
        self._layer_of.append(self._current)


def _parse_instruction(tokens: list[_Token]) -> Instruction:
    mnemonic = tokens[0]
    if mnemonic.text not in INSTRUCTIONS:
        raise AssemblyError(
            f"mnemonic must be one of: {', '.join(INSTRUCTIONS)}", got=mnemonic.text, where=mnemonic.where
        )
    cls = INSTRUCTIONS[mnemonic.text]
    fields = {f.name: f for f in cls.layout}
    values: dict[str, int] = {}
    for name, value, token in _pairs(tokens[1:]):
        field = fields.get(_TOKEN_FIELDS.get(name, name))
        if field is None or name in _TOKEN_FIELDS.values():
            known = [*_TOKEN_FIELDS, *(n for n in fields if n not in _TOKEN_FIELDS.values())]
            raise AssemblyError(
                f"field of {cls.mnemonic} must be one of: {', '.join(known)}", got=name, where=token.where
            )
        values[field.name] = _field_value(field, value, token)
    return cls(**values)


def _field_value(field: Field, text: str, token: _Token) -> int:
    if field.name in _TOKEN_FIELDS.values():
        return sum(1 << _member(Semaphore, word, token) for word in set(text.split("|")))
    if field.enum is not None:
        return _member(field.enum, text, token)
    try:
        value = int(text, 0)
    except ValueError:
        raise AssemblyError(f"{field.name} must be an integer", got=text, where=token.where) from None
    if not field.holds(value):
        raise AssemblyError(f"{field.name} must be {field.domain}", got=value, where=token.where)
    return value


def _member(enum: type[IntEnum], word: str, token: _Token) -> IntEnum:
    try:
        return enum[word]
    except KeyError:
        names = ", ".join(member.name for member in enum)
        raise AssemblyError(f"value must be one of: {names}", got=word, where=token.where) from None


def _field_text(field: Field, value: int) -> str:
    for short, name in _TOKEN_FIELDS.items():
        if field.name == name:
            return f"{short}=" + "|".join(s.name for s in Semaphore if value >> s & 1)
    return f"{field.name}={value if field.enum is None else field.enum(value).name}"


@functools.cache
def _defaults(mnemonic: str) -> dict[str, int]:
    return dataclasses.asdict(INSTRUCTIONS[mnemonic]())


def _tokens(line: str, number: int) -> list[_Token]:
    tokens = []
    for match in re.finditer(r"\S+", line):
        if match.group().startswith("#"):
            break
        tokens.append(_Token(match.group(), number, match.start() + 1))
    return tokens


def _pairs(tokens: list[_Token]) -> Iterator[tuple[str, str, _Token]]:
    """(key, value, token) of ``key=value`` words, no key twice."""
    seen = set()
    for token in tokens:
        key, equals, value = token.text.partition("=")
        if not equals:
            raise AssemblyError("word must be key=value", got=token.text, where=token.where)
        if key in seen:
            raise AssemblyError("key must appear once", got=key, where=token.where)
        seen.add(key)
        yield key, value, token


def _record(tokens: list[_Token], parsers: Mapping[str, records.Parser]) -> dict[str, Any]:
    """Return the checked values of a directive line."""
    values: dict[str, Any] = {}
    for key, text, token in _pairs(tokens[1:]):
        if key not in parsers:
            raise AssemblyError(f"key must be one of: {', '.join(parsers)}", got=key, where=token.where)
        try:
            values[key] = parsers[key](json.loads(text), key)
        except (ValueError, RecursionError, FxsimError) as error:
            raise AssemblyError(f"{error}", got=text, where=token.where) from None
    missing = [key for key in parsers if key not in values]
    if missing:
        raise AssemblyError(f"{tokens[0].text} must have {', '.join(missing)}", where=tokens[0].where)
    return values


def _directive(name: str, values: Mapping[str, Any]) -> str:
    return " ".join([name, *(f"{key}={_json(value)}" for key, value in values.items())])


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return re.sub(r"\s", lambda match: f"\\u{ord(match.group()):04x}", text)


def _shallow(record: Symbol | Layer) -> dict[str, Any]:
    return {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}


def _hex_lines(data: bytes) -> list[str]:
    return [data[i : i + _HEX_BYTES].hex() for i in range(0, len(data), _HEX_BYTES)]


def _hex_bytes(line: str, number: int) -> bytes:
    try:
        return bytes.fromhex(line)
    except ValueError:
        raise AssemblyError("constants must be hexadecimal bytes", got=line, where=f"line {number}, column 1") from None
