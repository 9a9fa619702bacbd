from __future__ import annotations

import dataclasses

import numpy as np
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


def interleaved(layer_of: list[int]) -> Program:
    """The tiny program with two layers more, and each instruction in one of the three."""
    tiny = tiny_program()
    more = [dataclasses.replace(tiny.layers[0], name=name) for name in ("next", "a b")]
    return dataclasses.replace(tiny, layers=(*tiny.layers, *more), layer_of=np.array(layer_of, np.int32))


@pytest.mark.parametrize(
    ("layer_of", "changes"),
    [
        ([2, 2, 2, 2, 2, 2], []),
        ([0, 0, 1, 1, 2, 2], ["fc", "next", "a\\u0020b"]),
        ([2, 1, 2, 0, 0, 1], ["next", "a\\u0020b", "fc", "next"]),
    ],
)
def test_layers_may_interleave(layer_of: list[int], changes: list[str]) -> None:
    """A line where the layer changes; the last one declared needs none at the start."""
    program = interleaved(layer_of)
    text = program.disassemble()
    assert [line for line in text.split("\n") if line.startswith(".in")] == [f'.in layer="{c}"' for c in changes]
    assert assemble(text).layer_of.tolist() == layer_of
    assert assemble(text).to_bytes() == program.to_bytes()


def test_a_layer_line_between_instructions_begins_that_layer() -> None:
    line = next(line for line in TINY.split("\n") if line.startswith(".layer"))
    last = line.replace('"fc"', '"last"')
    text = TINY.replace("\nREQ", f"\n{last}\nREQ").replace("\nSTORE", '\n.in layer="fc"\nSTORE')
    assert assemble(text).layer_of.tolist() == [0, 0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('.in layer="gone"', r"line \d+, column 1: layer must be declared by a .layer line before, not 'gone'"),
        (".in", r"line \d+, column 1: .in must have layer"),
        (".in layer=3", r"line \d+, column 5: layer: value must be a string"),
        ('.in name="fc"', r"line \d+, column 5: key must be one of: layer, not 'name'"),
        ('.in layer="fc" layer="fc"', "key must appear once, not 'layer'"),
    ],
)
def test_bad_in_lines_are_errors_with_place(line: str, complaint: str) -> None:
    with pytest.raises(AssemblyError, match=complaint):
        assemble(TINY.replace("\nREQ", f"\n{line}\nREQ"))
    with pytest.raises(AssemblyError, match="layer must be declared by a .layer line before, not 'fc'"):
        assemble('.in layer="fc"\n' + TINY)


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
        ("schema=3", "schema=2", "schema must be 3"),
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
