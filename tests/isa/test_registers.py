"""An accumulator is continued, merged and read under the rule that made it."""

from __future__ import annotations

from typing import Any

import pytest

from fxsim._core.errors import ProgramError
from fxsim.isa import Init, Instruction, Mac, Merge, Req
from fxsim.numerics import Overflow
from tests.isa.tiny import tiny_instructions, tiny_program

WORDS = "slots must have been made under the instruction's own overflow rule and widths"


def mac(acc_bits: int, slot: int = 0, **fields: Any) -> Instruction:
    instruction = tiny_instructions(acc_bits=acc_bits, slot=slot, **fields)[3]
    assert isinstance(instruction, Mac)
    return instruction


def req(acc_bits: int, positions: int = 1, **fields: Any) -> Req:
    return Req(rows=1, positions=positions, out_w=1, out_row_pitch=1, acc_bits=acc_bits, **fields)


def merge(acc_bits: int) -> Merge:
    return Merge(rows=1, positions=1, parts=2, k_start=1, acc_bits=acc_bits)


READOUT: dict[str, Any] = {"overflow": Overflow.READOUT}


@pytest.mark.parametrize(
    ("instructions", "culprit"),
    [
        ([mac(48), req(32)], r"instruction 1 \(REQ\)"),
        ([mac(20), req(32)], r"instruction 1 \(REQ\)"),
        ([mac(32, overflow=Overflow.WRAP), req(32)], r"instruction 1 \(REQ\)"),
        ([mac(32), mac(40, init=Init.KEEP), req(40)], r"instruction 1 \(MAC\)"),
        ([mac(40), mac(32, slot=1), req(32, positions=2)], r"instruction 2 \(REQ\)"),
        ([mac(32), mac(40, slot=1), merge(32)], r"instruction 2 \(MERGE\)"),
        ([mac(32), mac(32, slot=1), merge(40)], r"instruction 2 \(MERGE\)"),
        ([mac(20, internal_bits=30, **READOUT), mac(20, internal_bits=40, init=Init.KEEP, **READOUT)], r"\(MAC\)"),
        ([mac(20, internal_bits=30, **READOUT), req(20, internal_bits=40, **READOUT)], r"\(REQ\)"),
    ],
)
def test_another_rule_is_refused(instructions: list[Instruction], culprit: str) -> None:
    with pytest.raises(ProgramError, match=f"{culprit}.*{WORDS}"):
        tiny_program(instructions).check()


@pytest.mark.parametrize(
    "instructions",
    [
        [req(20), mac(32), req(32)],
        [mac(40), mac(32, init=Init.BIAS), req(32)],
        [mac(40), mac(32, init=Init.ZERO), mac(32, init=Init.KEEP), req(32)],
        [mac(40, half=1), mac(32), req(40, half=1), req(32)],
        [mac(40), mac(32, slot=1), req(40), req(32, slot=1)],
        [mac(20, internal_bits=30, **READOUT), req(20, internal_bits=30, **READOUT), mac(32), req(32)],
    ],
)
def test_every_sum_may_have_a_rule_of_its_own(instructions: list[Instruction]) -> None:
    tiny_program(instructions).check()
