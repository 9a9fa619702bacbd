from __future__ import annotations

import dataclasses
import json
import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import FxsimError, ProgramError
from fxsim.isa import (
    Instruction,
    Program,
    Req,
    encode,
    records,
)
from fxsim.isa.reference import run_plain
from tests.isa.strategies import legal_programs
from tests.isa.tiny import tiny_instructions, tiny_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TINY = tiny_program()
FILE = TINY.to_bytes()


@given(legal_programs())
def test_file_is_a_lossless_round_trip(program: Program) -> None:
    data = program.to_bytes()
    again = Program.from_bytes(data)
    assert again.to_bytes() == data
    assert again.instructions == program.instructions
    assert again.symbols == program.symbols
    assert again.layers == program.layers
    assert again.hardware == program.hardware
    assert again.layer_of.tolist() == program.layer_of.tolist()
    assert again.layer_of.dtype == np.int32


def test_save_and_load(tmp_path: Path) -> None:
    path = tmp_path / "tiny.fxp"
    TINY.save(path)
    assert path.read_bytes() == FILE
    assert Program.load(path).to_bytes() == FILE
    assert Program.load(FILE).to_bytes() == FILE
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.fxp"]


def test_failed_save_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="file must be writable"):
        TINY.save(tmp_path / "missing" / "tiny.fxp")
    (tmp_path / "taken.fxp").mkdir()
    with pytest.raises(ProgramError, match="file must be writable"):
        TINY.save(tmp_path / "taken.fxp")
    assert [p.name for p in tmp_path.iterdir()] == ["taken.fxp"]


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"no\.fxp: program file must be readable"):
        Program.load(tmp_path / "no.fxp")


def test_an_immediate_can_be_edited_in_place() -> None:
    x = bytes([1, 2, 3, 4])
    assert list(run_plain(TINY, {"x": x}).bytes_of(TINY.symbol("y"))) == [40, 128]
    (start, _) = header_of(FILE)["sections"]["code"]
    field = next(f for f in Req.layout if f.name == "clamp_hi")
    data = bytearray(FILE)
    word = int.from_bytes(data[start + 4 * 64 : start + 5 * 64], "little")
    word ^= (127 ^ 33) << field.offset
    data[start + 4 * 64 : start + 5 * 64] = word.to_bytes(64, "little")
    edited = Program.from_bytes(bytes(data))
    assert list(run_plain(edited, {"x": x}).bytes_of(edited.symbol("y"))) == [33, 128]


def header_of(data: bytes) -> dict[str, Any]:
    length = struct.unpack_from("<I", data, 4)[0]
    header: dict[str, Any] = json.loads(data[8 : 8 + length])
    return header


def with_header(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The tiny file with an altered header; sections stand 64 bytes later, so that there is room for it."""
    header = header_of(FILE)
    start = header["sections"]["code"][0]
    for section in header["sections"].values():
        section[0] += 64
    change(header)
    text = json.dumps(header, separators=(",", ":")).encode().ljust(start + 1 - 8)
    assert len(text) <= start + 64 - 8, "the change must not lengthen the header beyond its padding"
    return FILE[:4] + struct.pack("<I", len(text)) + text + bytes(start + 64 - 8 - len(text)) + FILE[start:]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda h: h.update(schema=2), "schema must be 3"),
        (lambda h: h.pop("name"), "header: keys must be schema, name"),
        (lambda h: h.update(name=5), "name: value must be a string of Unicode characters, not 5"),
        (lambda h: h.update(batched=0), "must be true or false"),
        (lambda h: h.update(profile="none"), "profile must be one of: tflite"),
        (lambda h: h.update(dram_bytes=0.5), "dram_bytes: value must be a 64-bit integer"),
        (lambda h: h.update(dram_bytes=47), "dram_bytes must be in 48..4294967296, not 47"),
        (lambda h: h.update(dram_bytes=8000), "dram_bytes must be close to what the program uses, 130"),
        (lambda h: h["sections"].update(code=[0, 384]), r"section code must be \[\d+, size\]"),
        (lambda h: h["sections"]["code"].__setitem__(1, 320), r"section constants must be \[\d+, size\]"),
        (lambda h: h["sections"]["layer_of"].__setitem__(1, 20), "file must end with its last section"),
        (lambda h: h["sections"]["layer_of"].__setitem__(1, 28), "section layer_of must end inside the file"),
        (lambda h: h["symbols"][0].update(address=-1), "value must be at least 0, not -1"),
        (lambda h: h["symbols"][0].update(address=4), "symbol x: symbol must be above the constants"),
        (lambda h: h["symbols"][0].update(address=190), "symbol x: symbol must end inside DRAM, 192 bytes, not 194"),
        (lambda h: h["symbols"][0].update(shape=[2, 4]), "first dimension of an input must be 1"),
        (lambda h: h["symbols"][0].update(shape=4), "value must be a list, not 4"),
        (lambda h: h["symbols"][0].update(shape=[1, 1 << 31]), "dimension must be below"),
        (lambda h: h["symbols"][0].update(shape=[1] * 9), "shape must have at most 8 dimensions, not 9"),
        (lambda h: h.update(name="\ud800"), "value must be a string of Unicode characters"),
        (lambda h: h["symbols"][0].update(dtype="int4"), "dtype must be one of"),
        (lambda h: h["symbols"][0].update(kind="in"), "value must be one of: input, output, tensor"),
        (lambda h: h["symbols"][0].update(scale=[0]), "scale must be finite and positive in binary32"),
        (lambda h: h["symbols"][0].update(scale=[]), "zero_point must have 0 entries"),
        (lambda h: h["symbols"][0].update(axis=1), "axis must be a dimension with one scale per index"),
        (lambda h: h["symbols"][0].update(until=9), "ready and until must ascend within 0..6"),
        (lambda h: h["symbols"][1].update(name="x"), "symbol names must be unique"),
        (lambda h: h["symbols"][0].update(colour=1), "keys must be name, address"),
        (lambda h: h["symbols"][0].update(memory="ACT"), "symbol x: inputs and outputs must be in DRAM, not 'ACT'"),
        (lambda h: h["symbols"][1].update(memory="ACT"), "symbol y: inputs and outputs must be in DRAM, not 'ACT'"),
        (
            lambda h: h["symbols"][1].update(memory="ACT", kind="tensor", address=63),
            "symbol y: symbol must end inside the activation scratchpad, 64 bytes, not 65",
        ),
        (lambda h: h["symbols"][1].update(memory="PARAM"), "value must be one of: DRAM, ACT, not 'PARAM'"),
        (lambda h: h["layers"][0].update(macs=True), "value must be a 64-bit integer, not True"),
        (
            lambda h: h["layers"][0].update(channels=1),
            r"\(MAC\) field row_base: must, with rows, stay inside the channels",
        ),
        (lambda h: h.update(layers=[]), "layer_of must be at least 0 and below 0, the number of layers"),
        (lambda h: h["layers"][0].update(channels=1 << 22), "channels of all layers together must be at most 2097152"),
        (lambda h: h["symbols"][0].update(scale=[1, 2], zero_point=[0, 0]), "scale must have at most one entry"),
        (lambda h: h.update(symbols=[1]), "symbols: value must be an object, not 1"),
        (lambda h: h.update(hardware="edge"), "hardware: value must be an object, not 'edge'"),
        (lambda h: h.update(layers=7), "layers: value must be a list"),
        (lambda h: h["hardware"].update(schema=3), "schema must be 1, not 3"),
        (lambda h: h["hardware"]["timing"].update(rows=0), "rows must be an integer in 1..1023"),
        (lambda h: h["hardware"]["timing"].update(rows=1), r"\(MAC\) field rows: must be in 1..1, the PE rows, not 2"),
        (lambda h: h["hardware"].update(numerics=1), "numerics must be a table"),
    ],
)
def test_bad_header_is_an_error(change: Callable[[dict[str, Any]], object], complaint: str) -> None:
    with pytest.raises(ProgramError, match=complaint):
        Program.from_bytes(with_header(change), where="tiny.fxp")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "must start with FXP1"),
        (b"FXP2" + FILE[4:], "must start with FXP1"),
        (FILE[:4] + b"\xff\xff\xff\xff" + FILE[8:], "header must fit the file"),
        (FILE[:8] + b"\xff" + FILE[9:], "header must be UTF-8 JSON"),
        (FILE[:8] + b"[" * 200 + FILE[208:], "header must be UTF-8 JSON"),
        (FILE[:-1], "section layer_of must end inside the file"),
        (FILE + b"\0", "file must end with its last section"),
        (FILE[:-4] + b"\1\0\0\0", "layer_of must be at least 0 and below 1"),
        (FILE[:-4] + b"\xff\xff\xff\xff", "instruction 5: layer_of must be at least 0 and below 1"),
        (FILE.replace(b"0.25", b"1e99", 1).replace(b"1e99", b" NaN", 1), "header must be UTF-8 JSON: NaN"),
    ],
)
def test_bad_file_is_an_error(data: bytes, complaint: str) -> None:
    with pytest.raises(ProgramError, match=complaint):
        Program.from_bytes(data)


def test_a_tensor_may_fill_the_scratchpad_to_its_last_byte() -> None:
    data = with_header(lambda h: h["symbols"][1].update(memory="ACT", kind="tensor", address=62))
    assert Program.from_bytes(data).symbol("y").memory == "ACT"


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_any_changed_byte_is_a_program_or_an_error(place: int, change: int) -> None:
    data = bytearray(FILE)
    data[place] ^= change
    try:
        assert Program.from_bytes(bytes(data)).to_bytes()
    except FxsimError as error:
        assert isinstance(error, ProgramError)  # noqa: PT017 - both outcomes are right


@given(st.integers(0, len(FILE)))
def test_truncated_file_is_an_error(length: int) -> None:
    if length < len(FILE):
        with pytest.raises(ProgramError):
            Program.from_bytes(FILE[:length])


def work(instruction: Instruction) -> int:
    """Roughly how many steps the plain machine takes."""
    fields = {"count": 1, "rows": 1, "positions": 1, "k_count": 1, "length": 1, "out_h": 1, "out_w": 1, "channels": 1}
    taps = min(getattr(instruction, "kh", 1), getattr(instruction, "tile_h", 1) + 1)
    taps *= min(getattr(instruction, "kw", 1), getattr(instruction, "tile_w", 1) + 1)
    return math.prod(getattr(instruction, name, default) for name, default in fields.items()) * taps


@given(legal_programs(max_size=4), st.lists(st.integers(0, 4 * 512 - 1), max_size=3))
def test_checked_programs_stay_inside_their_memories(program: Program, bits: list[int]) -> None:
    """Whatever `check` lets pass runs: the only error left is a row record that its scheme does not take."""
    code = bytearray(program.code)
    for bit in bits:
        if bit < 8 * len(code):
            code[bit // 8] ^= 1 << bit % 8
    program = dataclasses.replace(program, code=bytes(code), batched=False)
    try:
        program.check()
    except ProgramError:
        return
    if sum(map(work, program.instructions)) > 100_000:
        return
    try:
        run_plain(program, {program.of_kind("input")[0].name: bytes(20)})
    except ProgramError as error:
        assert "record must be" in str(error)  # noqa: PT017 - both outcomes are right


def test_check_covers_what_runs() -> None:
    """The tiny program breaks as soon as its code or its layer table does not fit."""
    wrong = dataclasses.replace(TINY, layer_of=np.zeros(5, np.int32))
    with pytest.raises(ProgramError, match=r"layer_of must be int32 \[6\]"):
        wrong.check()
    wrong = dataclasses.replace(TINY, layers=TINY.layers * 2)
    with pytest.raises(ProgramError, match="layer names must be unique"):
        wrong.check()
    wrong = dataclasses.replace(TINY, code=encode(tiny_instructions()) + b"\0" * 64)
    with pytest.raises(ProgramError, match="instruction 6: opcode must be one of"):
        wrong.check()


@pytest.mark.parametrize("value", [10**400, -1, 0, float("nan"), float("inf"), True, "1", None])
def test_scale_is_a_finite_positive_number(value: object) -> None:
    with pytest.raises(ProgramError, match="x: scale must be finite and positive"):
        records.scale(value, "x")


def test_lookups() -> None:
    assert [s.name for s in TINY.of_kind("input")] == ["x"]
    assert len(TINY) == 6
    with pytest.raises(ProgramError, match="symbol must be one of: x, y, not 'z'"):
        TINY.symbol("z")
