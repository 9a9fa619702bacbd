"""Mutations of .fxp files: instruction fields, opcodes, tokens, order, header values, symbols, sections, raw bytes."""

from __future__ import annotations

import dataclasses
import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim.isa import INSTRUCTIONS, WORD_BYTES, Field, Instruction, Program, Semaphore
from tests.fuzz.bases import programs
from tests.fuzz.model_kinds import mutate_bytes
from tests.fuzz.numbers import nasty_int, nasty_json
from tests.fuzz.pipeline import run_program
from tests.fuzz.registry import Trial, kind

if TYPE_CHECKING:
    from random import Random

_BY_OPCODE = {cls.opcode: cls for cls in INSTRUCTIONS.values()}
_OPCODE_MASK = (1 << 6) - 1


def _pick(rng: Random) -> Program:
    """A program with instructions."""
    return rng.choice([program for program in programs() if len(program)])


def _trial(program: Program, note: str, data: bytes) -> Trial:
    note = f"{program.name} on {program.hardware.name}: {note}"
    return Trial(note, lambda: run_program(lambda: Program.from_bytes(data)))


def _words(program: Program) -> list[int]:
    code = program.code
    return [int.from_bytes(code[i : i + WORD_BYTES], "little") for i in range(0, len(code), WORD_BYTES)]


def _with_words(program: Program, words: list[int], layer_of: list[int] | None = None) -> bytes:
    """The file of a program with other words, unchecked."""
    code = b"".join(word.to_bytes(WORD_BYTES, "little") for word in words)
    indices = program.layer_of if layer_of is None else np.array(layer_of, np.int32)
    return dataclasses.replace(program, code=code, layer_of=indices).to_bytes()


def _set(word: int, field: Field, value: int) -> int:
    mask = (1 << field.bits) - 1
    return word & ~(mask << field.offset) | (value & mask) << field.offset


def _get(word: int, field: Field) -> int:
    return word >> field.offset & ((1 << field.bits) - 1)


@kind("program field", 24)
def instruction_field(rng: Random) -> Trial:
    """One to three fields of instructions: 0, the greatest, a neighbour, any."""
    program = _pick(rng)
    words, notes = _words(program), []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        cls = rng.choice(sorted({_BY_OPCODE[word & _OPCODE_MASK] for word in words}, key=lambda c: c.opcode))
        index = rng.choice([i for i, word in enumerate(words) if word & _OPCODE_MASK == cls.opcode])
        field = rng.choice(cls.layout)
        old = _get(words[index], field)
        new = _new_value(rng, field, old)
        words[index] = _set(words[index], field, new)
        notes.append(f"{index} ({cls.mnemonic}) {field.name}: {old} -> {new}")
    return _trial(program, "; ".join(notes), _with_words(program, words))


def _new_value(rng: Random, field: Field, old: int) -> int:
    if field.bits <= 2:
        return rng.randrange(1 << field.bits)
    greatest = (1 << field.bits) - 1
    return rng.choice((0, greatest, old + 1, old - 1, rng.getrandbits(field.bits), nasty_int(rng, old, field.bits)))


@kind("program opcode", 4)
def opcode(rng: Random) -> Trial:
    """An opcode becomes another, known or not; or bits outside the layout are set."""
    program = _pick(rng)
    words = _words(program)
    index = rng.randrange(len(words))
    flipped = rng.randrange(512)
    if rng.random() < 0.6:
        words[index] = words[index] & ~_OPCODE_MASK | rng.choice((*_BY_OPCODE, rng.randrange(64)))
        return _trial(program, f"opcode of {index}: {words[index] & _OPCODE_MASK}", _with_words(program, words))
    words[index] ^= 1 << flipped
    return _trial(program, f"bit {flipped} of {index}", _with_words(program, words))


@kind("program tokens", 10)
def tokens(rng: Random) -> Trial:
    """Tokens removed, added, or a pair of them of one semaphore."""
    program = _pick(rng)
    words, notes = _words(program), []
    for _ in range(rng.choice((1, 1, 2))):
        name, semaphore = rng.choice(("pops", "pushes")), rng.choice(list(Semaphore))
        held = [i for i, word in enumerate(words) if _get(word, _field(word, name))]
        index = rng.choice(held) if held and rng.random() < 0.8 else rng.randrange(len(words))
        field = _field(words[index], name)
        mask = _get(words[index], field)
        new = mask & (mask - 1) if mask and rng.random() < 0.7 else mask ^ 1 << semaphore
        words[index] = _set(words[index], field, new)
        notes.append(f"{name} of {index}: {mask:#x} -> {new:#x}")
    return _trial(program, "; ".join(notes), _with_words(program, words))


def _field(word: int, name: str) -> Field:
    cls: type[Instruction] = _BY_OPCODE[word & _OPCODE_MASK]
    return next(field for field in cls.layout if field.name == name)


@kind("program order", 6)
def order(rng: Random) -> Trial:
    """Instructions swapped, removed, doubled, or of other layers."""
    program = _pick(rng)
    words, layers = _words(program), program.layer_of.tolist()
    a, b = rng.randrange(len(words)), rng.randrange(len(words))
    way = rng.choice(("swap", "remove", "double", "layer"))
    if way == "swap":
        words[a], words[b] = words[b], words[a]
    elif way == "remove":
        del words[a], layers[a]
    elif way == "double":
        words.insert(a, words[a])
        layers.insert(a, layers[a])
    else:
        layers[a] = rng.choice((-1, 0, layers[a] + 1, len(program.layers), 1 << 30))
    return _trial(program, f"{way} {a}, {b}", _with_words(program, words, layers))


@kind("program constants", 3)
def constants(rng: Random) -> Trial:
    """Weights, records and tables full of other bytes: any multiplier, shift, scale and bias."""
    program = _pick(rng)
    size = len(program.constants)
    fill = rng.choice((b"\xff", b"\x7f", b"\x80", b"\0", rng.randbytes(max(1, size))))
    changed = bytearray((fill * size)[:size])
    keep = rng.randrange(size + 1) if rng.random() < 0.6 else 0
    changed[:keep] = program.constants[:keep]
    data = dataclasses.replace(program, constants=bytes(changed)).to_bytes()
    return _trial(program, f"constants {fill[:4]!r} from byte {keep} on", data)


@kind("program header", 16)
def header(rng: Random) -> Trial:
    """Values, types and keys anywhere in the header."""
    return _header_trial(rng, ())


@kind("program symbols", 8)
def symbols(rng: Random) -> Trial:
    """Fields of symbols and layers."""
    return _header_trial(rng, (rng.choice(("symbols", "symbols", "layers")),))


@kind("program hardware", 8)
def pinned_hardware(rng: Random) -> Trial:
    """Numbers of the hardware that a program pins."""
    return _header_trial(rng, ("hardware", rng.choice(("numerics", "timing"))))


def _header_trial(rng: Random, path: tuple[str, ...]) -> Trial:
    program = _pick(rng)
    data = program.to_bytes()
    content, rest = _split(data)
    part: Any = content
    for key in path:
        part = part[key]
    note = change_json(rng, part) if part else "nothing to change"
    return _trial(program, note, _joined(content, rest))


def _split(data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The header, and the sections' bytes."""
    size = struct.unpack_from("<I", data, 4)[0]
    content: dict[str, Any] = json.loads(data[8 : 8 + size])
    return content, [data[start : start + length] for start, length in content["sections"].values()]


def _joined(content: dict[str, Any], parts: list[bytes]) -> bytes:
    """A file whose sections follow the header as they should, though the header may say otherwise.

    The header is padded to a fixed size, so the offsets in it can be right.
    """
    size = 64 * -(-(len(json.dumps(content)) + 400) // 64)
    sections, start, body = content.get("sections"), size, b""
    for name, part in zip(("code", "constants", "layer_of"), parts, strict=True):
        if isinstance(sections, dict) and isinstance(sections.get(name), list) and sections[name][1:] == [len(part)]:
            sections[name] = [start + len(body), len(part)]
        body += part + bytes(-len(part) % 64)
    text = json.dumps(content).encode()
    return b"FXP1" + struct.pack("<I", size - 8) + text.ljust(size - 8) + body[: len(body) - (-len(parts[-1]) % 64)]


def change_json(rng: Random, part: Any) -> str:
    """Change one place in nested lists and dicts, in place: another value, a missing key, a new one."""
    place = ""
    while True:
        key = rng.choice(list(part) if isinstance(part, dict) else range(len(part)))
        place += f".{key}"
        child = part[key]
        if not (isinstance(child, dict | list) and child and rng.random() < 0.85):
            break
        part = child
    way = rng.choice(("value",) * 6 + ("delete", "add"))
    if way == "delete":
        del part[key]
    elif way == "add" and isinstance(part, dict):
        part["extra"] = nasty_json(rng, 1)
    else:
        part[key] = nasty_json(rng, child)
        return f"header{place}: {child!r} -> {part[key]!r}"[:300]
    return f"{way} header{place}"


@kind("program memory", 2)
def memory(rng: Random) -> Trial:
    """A tensor far away, or layers with many channels: legal, but of absurd size."""
    program = _pick(rng)
    if rng.random() < 0.5:
        size = 1 << rng.randint(20, 37)
        far = dataclasses.replace(program.symbols[-1], name="far", kind="tensor", address=size - 4096)
        changed = dataclasses.replace(program, dram_bytes=size, symbols=(*program.symbols, far))
        return _trial(program, f"dram_bytes = {size}", changed.to_bytes())
    count = rng.choice((1, 30, 200))
    more = [dataclasses.replace(program.layers[0], name=str(i), channels=1 << 21) for i in range(count)]
    changed = dataclasses.replace(program, layers=(*program.layers, *more))
    return _trial(program, f"{count} more layers with 2^21 channels", changed.to_bytes())


@kind("program sections", 6)
def sections(rng: Random) -> Trial:
    """Offsets and sizes of sections and of the header."""
    program = _pick(rng)
    data = program.to_bytes()
    if rng.random() < 0.3:
        size = struct.unpack_from("<I", data, 4)[0]
        new = nasty_int(rng, size, 32) & 0xFFFFFFFF
        return _trial(program, f"header length {new}", data[:4] + struct.pack("<I", new) + data[8:])
    content, rest = _split(data)
    name, which = rng.choice(list(content["sections"])), rng.randrange(2)
    joined = _joined(content, rest)
    content, _ = _split(joined)
    content["sections"][name][which] = nasty_int(rng, content["sections"][name][which], 40)
    start = 8 + struct.unpack_from("<I", joined, 4)[0]
    text = json.dumps(content).encode().ljust(start - 8)[: start - 8]
    return _trial(program, f"section {name}: {content['sections'][name]}", joined[:8] + text + joined[start:])


@kind("program bytes", 6)
def raw(rng: Random) -> Trial:
    """Bytes without regard to structure."""
    program = _pick(rng)
    note, data = mutate_bytes(rng, program.to_bytes())
    return _trial(program, note, data)
