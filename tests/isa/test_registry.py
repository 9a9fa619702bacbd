from __future__ import annotations

import inspect

import pytest

from fxsim.isa import INSTRUCTIONS, Engine, Instruction, Semaphore, Unit, manual, operations
from fxsim.isa.base import OPCODE_BITS
from fxsim.isa.fields import WORD_BITS
from fxsim.isa.manual import instruction_page, member_docs

CLASSES = list(INSTRUCTIONS.values())


def test_opcodes_are_unique() -> None:
    opcodes = [cls.opcode for cls in CLASSES]
    assert len(set(opcodes)) == len(opcodes)
    assert all(0 < opcode < 1 << OPCODE_BITS for opcode in opcodes)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.mnemonic)
class TestInstruction:
    def test_layout_fits_without_overlap(self, cls: type[Instruction]) -> None:
        bits = [bit for f in cls.layout for bit in range(f.offset, f.offset + f.bits)]
        assert len(set(bits)) == len(bits)
        assert min(bits) >= OPCODE_BITS
        assert max(bits) < WORD_BITS

    def test_fields_are_documented(self, cls: type[Instruction]) -> None:
        assert all(f.doc for f in cls.layout)
        for f in cls.layout:
            if f.enum is not None:
                assert set(member_docs(f.enum)) == {m.name for m in f.enum}

    def test_default_is_encodable(self, cls: type[Instruction]) -> None:
        cls().check()

    def test_defines_everything(self, cls: type[Instruction]) -> None:
        assert {"execute", "touches", "rules"} <= set(vars(cls))
        assert cls.__doc__

    def test_manual_names_every_field(self, cls: type[Instruction]) -> None:
        page = instruction_page(cls)
        assert page in manual()
        assert inspect.cleandoc(cls.__doc__ or "") in page
        for f in cls.layout:
            assert f"\n{f.name} " in page
            assert f.doc in page


def test_semaphores_join_different_units() -> None:
    for semaphore in Semaphore:
        assert semaphore.producer.engine is not semaphore.consumer or semaphore is Semaphore.REQ_MAC
    pairs = {(s.producer, s.consumer) for s in Semaphore}
    everything = {(u, e) for u in Unit for e in Engine if u.engine is not e} | {(Unit.REQ, Engine.MAC)}
    assert pairs == everything


def test_operations_lists_every_instruction() -> None:
    assert {row[0] for row in operations()} == set(INSTRUCTIONS)
