"""The ``.fxp`` file: magic, JSON header, then code, constants and layer indices as raw bytes.

======== =========================================================================================================
bytes    content
======== =========================================================================================================
0..3     ``FXP1``
4..7     header length H, little-endian
8..8+H   header, UTF-8 JSON: schema, name, profile, batched, hardware, dram_bytes, symbols, layers, and `sections`:
         name → [offset, size]
...      the sections ``code``, ``constants`` and ``layer_of`` (int32, little-endian) in this order, each at the next
         multiple of 64 bytes, zeros between
======== =========================================================================================================

Nothing is compressed and nothing is summed up: bytes may be edited in place, and loading checks everything.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim._core.errors import ProgramError
from fxsim._core.files import write_atomically
from fxsim.isa import records
from fxsim.isa.fields import WORD_BYTES
from fxsim.isa.image import Image

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"FXP1"
_ALIGN = WORD_BYTES
_PREFIX = struct.Struct("<4sI")
_MAX_FILE = 1 << 31
_MAX_HEADER = 1 << 26

_SECTIONS = ("code", "constants", "layer_of")
_HEADER: dict[str, records.Parser] = {
    "schema": records.integer,
    "name": records.text,
    "profile": records.text,
    "batched": records.boolean,
    "hardware": records.hardware,
    "dram_bytes": records.natural,
    "symbols": records.each(records.symbol),
    "layers": records.each(records.layer),
    "sections": lambda value, where: records.mapping(
        value, dict.fromkeys(_SECTIONS, records.each(records.natural)), where
    ),
}


def pack(program: Image) -> bytes:
    """Return the file of a program; equal programs give equal bytes."""
    parts = (program.code, program.constants, program.layer_of.astype("<i4").tobytes())
    header = _header(program, [len(part) for part in parts], 0)
    while True:  # the offsets inside the header move with its length
        start = _aligned(_PREFIX.size + len(header))
        longer = _header(program, [len(part) for part in parts], start)
        if len(longer) == len(header):
            break
        header = longer
    data = bytearray(_PREFIX.pack(MAGIC, len(longer)) + longer)
    for part in parts:
        data += bytes(_aligned(len(data)) - len(data)) + part
    return bytes(data)


def unpack(data: bytes) -> dict[str, Any]:
    """Return the fields of the `Image` in a file's bytes; a malformed file is a `ProgramError`."""
    header: dict[str, Any] = records.mapping(_parse_header(data), _HEADER, "header")
    code, constants, layer_of = _cut(data, header.pop("sections"))
    if header.pop("schema") != Image.schema:
        raise ProgramError(f"schema must be {Image.schema}")
    if len(layer_of) % 4:
        raise ProgramError("section layer_of must be a multiple of 4 bytes", got=len(layer_of))
    places = np.frombuffer(layer_of, "<i4").astype(np.int32)
    return {"code": code, "constants": constants, "layer_of": places, **header}


def write_file(path: Path, data: bytes) -> None:
    """Write `data` whole or not at all."""
    try:
        write_atomically(path, data)
    except OSError as error:
        raise ProgramError(f"file must be writable: {error}", where=str(path)) from None


def read_file(path: Path) -> bytes:
    """Return the bytes of a file of at most 2 GiB."""
    try:
        if path.stat().st_size > _MAX_FILE:
            raise ProgramError(f"program file must have at most {_MAX_FILE} bytes", where=str(path))
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise ProgramError(f"program file must be readable: {error}", where=str(path)) from None


def _header(program: Image, sizes: list[int], start: int) -> bytes:
    sections: dict[str, list[int]] = {}
    for name, size in zip(_SECTIONS, sizes, strict=True):
        sections[name] = [start, size]
        start = _aligned(start + size)
    content = {
        "schema": Image.schema,
        "name": program.name,
        "profile": program.profile,
        "batched": program.batched,
        "hardware": program.hardware.to_dict(),
        "dram_bytes": program.dram_bytes,
        "symbols": [dataclasses.asdict(s) for s in program.symbols],
        "layers": [dataclasses.asdict(layer) for layer in program.layers],
        "sections": sections,
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def _parse_header(data: bytes) -> Any:
    if len(data) < _PREFIX.size or data[:4] != MAGIC:
        raise ProgramError("program file must start with FXP1", got=data[:4])
    _, length = _PREFIX.unpack_from(data)
    if length > min(_MAX_HEADER, len(data) - _PREFIX.size):
        raise ProgramError(f"header must fit the file of {len(data)} bytes", got=length)
    try:
        return json.loads(data[_PREFIX.size : _PREFIX.size + length].decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProgramError(f"header must be UTF-8 JSON: {error}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _cut(data: bytes, sections: dict[str, tuple[int, ...]]) -> list[bytes]:
    """Return the sections' bytes; they must follow one another as `pack` lays them out and end with the file."""
    end = _PREFIX.size + _PREFIX.unpack_from(data)[1]
    parts = []
    for name in _SECTIONS:
        start = _aligned(end)
        if len(sections[name]) != 2 or sections[name][0] != start:
            raise ProgramError(f"section {name} must be [{start}, size]", got=sections[name])
        size = sections[name][1]
        if start + size > len(data):
            raise ProgramError(f"section {name} must end inside the file of {len(data)} bytes", got=start + size)
        if any(data[end:start]):
            raise ProgramError(f"bytes before section {name} must be 0", got=data[end:start])
        parts.append(data[start : start + size])
        end = start + size
    if end != len(data):
        raise ProgramError(f"file must end with its last section at byte {end}", got=len(data))
    return parts


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGN) * _ALIGN
