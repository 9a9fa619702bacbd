from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import ProgramError
from fxsim.isa import INSTRUCTIONS, WORD_BYTES, Init, Instruction, Load, Mac, Req, Space, decode, decode_columns, encode
from tests.isa.strategies import any_instructions


@given(st.lists(any_instructions(), max_size=20))
def test_decode_inverts_encode(instructions: list[Instruction]) -> None:
    code = encode(instructions)
    assert len(code) == WORD_BYTES * len(instructions)
    assert decode(code) == instructions
    assert encode(decode(code)) == code


@given(st.lists(any_instructions(), min_size=1, max_size=20))
def test_every_field_has_its_documented_bits(instructions: list[Instruction]) -> None:
    code = encode(instructions)
    for i, instruction in enumerate(instructions):
        word = int.from_bytes(code[WORD_BYTES * i : WORD_BYTES * (i + 1)], "little")
        assert word & 0x3F == instruction.opcode
        for f in instruction.layout:
            assert word >> f.offset & (1 << f.bits) - 1 == getattr(instruction, f.name) % (1 << f.bits)


@given(st.lists(any_instructions(), max_size=20))
def test_columns_hold_every_field(instructions: list[Instruction]) -> None:
    columns = decode_columns(encode(instructions))
    assert len(columns) == len(instructions)
    for name in {f.name for cls in INSTRUCTIONS.values() for f in cls.layout}:
        column = columns.field(name)
        assert column.dtype == np.int64
        assert column.tolist() == [getattr(i, name, 0) for i in instructions]


def test_decoded_enums_are_members() -> None:
    (mac,) = decode(encode([Mac(init=Init.KEEP)]))
    assert isinstance(mac, Mac)
    assert mac.init is Init.KEEP


@pytest.mark.parametrize("value", [1024, -1, 1.5, "3", None, 1 << 70])
def test_unencodable_field_is_named(value: object) -> None:
    bad = Mac(rows=value)  # type: ignore[arg-type]
    with pytest.raises(ProgramError, match=r"instruction 1 \(MAC\) field rows"):
        encode([Load(), bad])
    with pytest.raises(ProgramError, match="MAC field rows"):
        bad.check()


def test_value_outside_enum_is_named() -> None:
    with pytest.raises(ProgramError, match=r"instruction 0 \(MAC\) field init.*BIAS = 0"):
        encode([Mac(init=3)])  # type: ignore[arg-type]


def flip(code: bytes, bit: int) -> bytes:
    word = bytearray(code)
    word[bit // 8] ^= 1 << bit % 8
    return bytes(word)


def test_bad_code_is_an_error_with_place() -> None:
    code = encode([Req(), Load(space=Space.PARAM), Mac()])
    with pytest.raises(ProgramError, match="multiple of 64"):
        decode(code[:-1])
    with pytest.raises(ProgramError, match=r"instruction 2: opcode must be one of 1, 2, 8.*, not 63"):
        decode(code[:128] + bytes([63]) + code[129:])
    with pytest.raises(ProgramError, match=r"instruction 1 \(LOAD\): bits outside the layout"):
        decode(flip(code, 64 * 8 + 511))
    with pytest.raises(ProgramError, match=r"instruction 1 \(LOAD\) field space: .* not 3"):
        decode(flip(code, 64 * 8 + Load.layout[2].offset))


def test_unknown_field_is_an_error() -> None:
    with pytest.raises(ProgramError, match="field must belong to an instruction"):
        decode_columns(b"").field("colour")


def test_columns_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        decode_columns(encode([Load()])).field("rows")[0] = 1
