from __future__ import annotations

import pytest
from hypothesis import given

from fxsim._core.errors import AssemblyError, ProgramError
from fxsim.isa import Instruction, Program, assemble, decode, encode
from fxsim.isa.assembler import instruction_text
from tests.isa.strategies import any_instructions, legal_programs
from tests.isa.tiny import tiny_program

TINY = tiny_program().disassemble()


@given(legal_programs())
def test_assemble_inverts_disassemble(program: Program) -> None:
    text = program.disassemble()
    again = assemble(text)
    assert again.to_bytes() == program.to_bytes()
    assert again.disassemble() == text


@given(any_instructions())
def test_instruction_text_is_complete(instruction: Instruction) -> None:
    lines = TINY.split("\n")
    row = next(i for i, line in enumerate(lines) if line.startswith("LOAD"))
    lines[row] = instruction_text(instruction)
    text = "\n".join(lines)
    try:
        code = assemble(text).code
    except ProgramError:
        return
    assert code[: len(encode([instruction]))] == encode([instruction])


def test_text_shows_what_differs_from_the_defaults() -> None:
    line = next(line for line in TINY.split("\n") if line.startswith("MAC"))
    assert "pop=DMA_MAC" in line
    assert "init=" not in line
    assert line.endswith("# 3")


def test_fields_may_be_hexadecimal_and_commented() -> None:
    program = assemble(TINY.replace("rows=2", "rows=0x2").replace("# 3", "   # accumulate"))
    assert decode(program.code) == list(tiny_program().instructions)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("MAC pop", "MACK pop", r"line \d+, column 1: mnemonic must be one of: .*not 'MACK'"),
        ("pop=DMA_MAC", "pop=DMA_MAK", r"line \d+, column 5: value must be one of: DMA_MAC"),
        ("pop=DMA_MAC", "pops=1", "field of MAC must be one of: pop, push"),
        ("first=1", "first=2", r"line \d+, column \d+: first must be an integer in 0..1, not 2"),
        ("first=1", "first=one", "first must be an integer, not 'one'"),
        ("first=1", "first", "word must be key=value, not 'first'"),
        ("first=1", "first=1 first=1", "key must appear once, not 'first'"),
        ("first=1", "colour=1", "field of MAC must be one of"),
        (".constants", ".constant", "directive must be .program"),
        ('.layer name="fc"', "#", r"line \d+, column 1: instructions must follow a .layer line"),
        ("schema=1", "schema=2", "schema must be 1"),
        ("batched=true", "batched=1", "must be true or false"),
        ("batched=true", "", ".program must have batched"),
        ("dram_bytes=", "dram_bytes=1 dram_byte=", "key must be one of: schema"),
        ("shape=[1,4]", "shape=[1,4", r"line \d+, column \d+: "),
        ("shape=[1,4]", "shape=[1,-4]", "at least 0"),
        ("rows = 2", "rows = 0", "rows must be an integer in 1..1023"),
        ("rows = 2", "rows = = 2", "hardware file must be TOML"),
    ],
)
def test_bad_text_is_an_error_with_place(old: str, new: str, complaint: str) -> None:
    assert old in TINY
    with pytest.raises(AssemblyError, match=complaint):
        assemble(TINY.replace(old, new, 1))


def test_bad_constants_are_an_error_with_place() -> None:
    with pytest.raises(AssemblyError, match=r"line \d+, column 1: constants must be hexadecimal"):
        assemble(TINY.replace(".constants\n", ".constants\nxyz\n"))
    with pytest.raises(AssemblyError, match=r"\.constants must be closed"):
        assemble(".constants\n00\n")
    with pytest.raises(AssemblyError, match=r"\.constants must appear once"):
        assemble(TINY + ".constants\n.end\n")
    with pytest.raises(AssemblyError, match="text must have"):
        assemble("")


def test_illegal_program_is_a_program_error() -> None:
    with pytest.raises(ProgramError, match="dram_bytes must be in"):
        assemble(TINY.replace("dram_bytes=192", "dram_bytes=10"))
