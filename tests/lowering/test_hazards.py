"""The hazard proof against brute force: lowered programs, random programs, tokens taken away, hazards planted."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import HazardError, LoweringError
from fxsim.hw import Hardware
from fxsim.isa import (
    Columns,
    Instruction,
    Load,
    Mac,
    Merge,
    Req,
    Semaphore,
    Space,
    Store,
    Unit,
    VReq,
    decode_columns,
    encode,
)
from fxsim.lowering import check_program, find_hazards, hazards, lower
from fxsim.lowering.accesses import accesses
from fxsim.lowering.tokens import place_tokens
from fxsim.testing import Chain
from tests.lowering.brute import Deadlock, holders, unordered_pairs, with_instructions, without_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.isa import Program

HW = Hardware(rows=2, cols=2, acc_depth=4, act_spad_bytes=64, weight_spad_bytes=64, param_spad_bytes=64)
SMALL: dict[str, Any] = {"rows": 4, "cols": 4, "acc_depth": 8, "act_spad_bytes": 64, "param_spad_bytes": 64}


def columns_of(instructions: Sequence[Instruction]) -> Columns:
    return decode_columns(encode(instructions))


def with_tokens(instructions: Sequence[Instruction]) -> list[Instruction]:
    tokens = place_tokens(columns_of(instructions), accesses(columns_of(instructions), HW))
    masks = zip(instructions, tokens.pops, tokens.pushes, strict=True)
    return [dataclasses.replace(i, pops=pops, pushes=pushes) for i, pops, pushes in masks]


def programs() -> list[Program]:
    mixed = Chain((1, 4, 6, 4)).conv(6, (2, 2)).pool("MAX").depthwise(1, (2, 2)).reshape(1, 144).dense(4).softmax()
    split = Chain((1, 3, 3, 4)).conv(5, (2, 2))
    return [
        lower(mixed.build(), Hardware(**SMALL, weight_spad_bytes=32)),
        lower(mixed.build(), Hardware(**SMALL, weight_spad_bytes=4096)),
        lower(split.build(), Hardware(**SMALL, weight_spad_bytes=32, split_k=2)),
    ]


PROGRAMS = programs()


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_lowered_programs_are_proved(program: Program) -> None:
    check_program(program)
    assert unordered_pairs(program.instructions, program.hardware) == []


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_every_token_is_needed(program: Program) -> None:
    """Each token is taken away in turn: the checker reports it, and brute force finds the hazard too."""
    for bit in Semaphore:
        for number in range(len(holders(program.instructions, bit)[0])):
            changed = without_token(program.instructions, bit, number)
            found = find_hazards(columns_of(changed), program.hardware)
            assert found, f"token {number} of {bit.name} was not missed"
            if number < 3:
                assert unordered_pairs(changed, program.hardware)


# Random programs: dense one-dimensional accesses, so hulls are exact and both proofs must agree.

ADDRESS = st.integers(0, 20)
SIZE = st.integers(1, 8)


def load(space: Space, at: int, size: int) -> Load:
    return Load(space=space, spad_addr=at, rows=1, row_bytes=size)


def mac(half: int, x: int, size: int, weights: int, **fields: Any) -> Mac:
    shape: dict[str, Any] = {
        "rows": 1,
        "positions": 1,
        "kh": 1,
        "kw": 1,
        "tile_h": 1,
        "tile_w": 1,
        "out_w": 1,
        "depth_mult": 1,
    }
    return Mac(
        **{
            **shape,
            "half": half,
            "x_addr": x,
            "channels": size,
            "k_count": size,
            "pixel_pitch": size,
            "w_addr": weights,
            "first": 1,
            "last": 1,
            "load_params": 1,
            **fields,
        }
    )


def req(half: int, at: int) -> Req:
    return Req(half=half, rows=1, positions=1, out_w=1, out_addr=at)


def pair(half: int, x: int, size: int, weights: int, out: int, p_addr: int) -> list[Instruction]:
    return [mac(half, x, size, weights, p_addr=p_addr), req(half, out)]


def overlapped(x: int, out: int, size: int) -> list[Instruction]:
    """Both halves filled before either is read out."""
    return [mac(0, x, size, 0), mac(1, out, size, 0), req(0, out + 30), req(1, x + 30)]


PIECES = st.one_of(
    st.builds(lambda *a: [load(*a)], st.sampled_from(Space), ADDRESS, SIZE),
    st.builds(lambda at, size: [Store(spad_addr=at, rows=1, row_bytes=size)], ADDRESS, SIZE),
    st.builds(pair, st.integers(0, 1), ADDRESS, SIZE, ADDRESS, ADDRESS, st.integers(0, 16)),
    st.builds(lambda x, out, n: [VReq(count=n, x_addr=x, out_addr=out)], ADDRESS, ADDRESS, SIZE),
    st.builds(overlapped, ADDRESS, ADDRESS, SIZE),
)
RANDOM = st.lists(PIECES, min_size=1, max_size=14).map(lambda pieces: [i for piece in pieces for i in piece])


@given(RANDOM, st.data())
def test_tokens_suffice_and_none_is_idle(instructions: list[Instruction], data: st.DataObject) -> None:
    complete = with_tokens(instructions)
    assert find_hazards(columns_of(complete), HW) == []
    assert unordered_pairs(complete, HW) == []
    held = [(bit, n) for bit in Semaphore for n in range(len(holders(complete, bit)[0]))]
    if held:
        changed = without_token(complete, *data.draw(st.sampled_from(held)))
        assert find_hazards(columns_of(changed), HW)
        assert unordered_pairs(changed, HW)


FLIP = st.tuples(st.integers(0, 40), st.sampled_from(["pops", "pushes"]), st.sampled_from(Semaphore))
MASKS = st.lists(FLIP, max_size=4)


@given(RANDOM, MASKS)
def test_the_checker_never_accepts_what_brute_force_refuses(instructions: list[Instruction], flips: list[Any]) -> None:
    """Tokens are added and removed at random ends; both proofs must give one verdict."""
    changed = with_tokens(instructions)
    for at, mask, bit in flips:
        index = at % len(changed)
        changed[index] = dataclasses.replace(changed[index], **{mask: getattr(changed[index], mask) ^ 1 << bit})
    accepted = find_hazards(columns_of(changed), HW) == []
    assert accepted == legal(changed)


def legal(instructions: list[Instruction]) -> bool:
    try:
        ordered = unordered_pairs(instructions, HW) == []
    except Deadlock:
        return False
    balanced = all(len(pushes) == len(pops) for pushes, pops in (holders(instructions, bit) for bit in Semaphore))
    strays = [
        i
        for i in instructions
        for bit in Semaphore
        if (i.pushes >> bit & 1 and i.unit is not bit.producer) or (i.pops >> bit & 1 and i.engine is not bit.consumer)
    ]
    return ordered and balanced and not strays


def test_bytes_of_a_later_half_are_beyond_tokens() -> None:
    """A REQ overwrites what the MAC issued after its own reads: the pass refuses, the checker reports."""
    instructions = [mac(0, 0, 4, 0), mac(1, 8, 4, 0), req(0, 9), req(1, 30)]
    with pytest.raises(LoweringError, match="REQ must not overwrite"):
        with_tokens(instructions)
    assert "must wait for MAC at 1" in find_hazards(columns_of(instructions), HW)[0].claim
    assert unordered_pairs(instructions, HW) == [(1, 2)]


# Planted faults, each with the words that must appear.


def replace(
    instructions: Sequence[Instruction], kind: type[Instruction], number: int, **fields: int
) -> list[Instruction]:
    index = [n for n, i in enumerate(instructions) if isinstance(i, kind)][number]
    changed = list(instructions)
    changed[index] = dataclasses.replace(changed[index], **fields)
    return changed


FAULTS: list[tuple[type[Instruction], int, dict[str, int], str]] = [
    (Mac, 1, {"half": 0}, "bank half must be FULL, not FREE"),
    (Mac, 0, {"first": 0}, "bank half must be FILLING, not FREE"),
    (Mac, 0, {"last": 0}, "bank half must be FULL, not FILLING"),
    (Mac, 0, {"load_params": 0}, "row file must hold 1 records, not 0"),
    (Mac, 0, {"half": 1}, "bank half must be FREE, not FULL"),
    (Req, 1, {"rows": 2}, "row file must hold 2 records, not 1"),
    (Req, 0, {"pushes": 1 << Semaphore.DMA_MAC}, "DMA_MAC must be pushed by DMA"),
    (Load, 0, {"pops": 1 << Semaphore.MAC_VEC}, "MAC_VEC must be taken by VEC"),
    (Load, 2, {"pushes": 0}, "must be pushed"),
    (Store, 0, {"pops": 0}, "must be taken"),
    (Load, 3, {"spad_addr": 20}, "must wait for REQ"),
    (Load, 3, {"spad_addr": 0}, "must wait for MAC"),
]
CLEAN = [
    load(Space.PARAM, 0, 16),
    load(Space.WEIGHT, 0, 8),
    load(Space.ACT, 0, 4),
    mac(0, 0, 4, 0),
    req(0, 20),
    load(Space.ACT, 8, 4),
    mac(1, 8, 4, 0),
    req(1, 24),
    Store(spad_addr=20, rows=1, row_bytes=5),
]


@pytest.mark.parametrize(("kind", "number", "fields", "words"), FAULTS, ids=range(len(FAULTS)))
def test_planted_faults_are_named(kind: type[Instruction], number: int, fields: dict[str, int], words: str) -> None:
    claims = [h.claim for h in find_hazards(columns_of(replace(with_tokens(CLEAN), kind, number, **fields)), HW)]
    assert any(words in claim for claim in claims), claims


def test_an_open_half_is_reported() -> None:
    claims = [h.claim for h in find_hazards(columns_of(with_tokens(CLEAN[:4])), HW)]
    assert claims == ["bank half 0 must be left FREE, not FULL"]


def test_merge_needs_a_filling_half() -> None:
    claims = [h.claim for h in find_hazards(columns_of([Merge(last=1, rows=1, positions=1, parts=2), req(0, 0)]), HW)]
    assert claims[0] == "its bank half must be FILLING, not FREE"


def test_the_error_lists_the_first_claims() -> None:
    program = PROGRAMS[1]
    bare = [dataclasses.replace(i, pops=0, pushes=0) for i in program.instructions]
    words = r"net: tokens must rule out hazards(.|\n)*instruction \d+: (.|\n)*and \d+ more"
    with pytest.raises(HazardError, match=words):
        check_program(with_instructions(program, bare))


@pytest.mark.parametrize(("held_back", "clean"), [(True, True), (False, False)])
def test_semaphores_must_not_overflow(held_back: bool, clean: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five loads run ahead of five vector instructions, or are held back so that three tokens are in flight."""
    monkeypatch.setattr(hazards, "TOKEN_LIMIT", 3)
    loads = [load(Space.ACT, 4 * n, 4) for n in range(5)]
    vector = [VReq(count=4, x_addr=4 * n, out_addr=4 * n) for n in range(5)]
    ahead: list[Instruction] = [dataclasses.replace(i, pushes=1 << Semaphore.DMA_VEC) for i in loads]
    behind: list[Instruction] = [dataclasses.replace(i, pops=1 << Semaphore.DMA_VEC) for i in vector]
    order = [*ahead, *behind]
    if held_back:
        for n in range(2):
            behind[n] = dataclasses.replace(behind[n], pushes=1 << Semaphore.VEC_DMA)
            ahead[n + 3] = dataclasses.replace(ahead[n + 3], pops=1 << Semaphore.VEC_DMA)
        order = [*ahead[:3], behind[0], ahead[3], behind[1], ahead[4], *behind[2:]]
    claims = [h.claim for h in find_hazards(columns_of(order), HW)]
    assert claims == ([] if clean else ["DMA_VEC must never hold more than 3 tokens"])


def test_units_cover_the_instruction_set() -> None:
    assert {i.unit for p in PROGRAMS for i in p.instructions} == set(Unit)
