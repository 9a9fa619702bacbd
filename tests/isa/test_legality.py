"""What a program may not hold: illegal fields are named by instruction and field."""

from __future__ import annotations

import dataclasses

import pytest

from fxsim._core.errors import ProgramError
from fxsim.isa import (
    Copy,
    Fill,
    Instruction,
    Load,
    Lut,
    Mac,
    Merge,
    Pool,
    Program,
    Reduce,
    Req,
    Softmax,
    Space,
    Store,
    VAdd,
    VMul,
    VReq,
)
from fxsim.numerics import Overflow, SchemeCode
from tests.isa.tiny import tiny_instructions, tiny_program


def bad(index: int, **fields: object) -> Program:
    instructions = tiny_instructions()
    instructions[index] = dataclasses.replace(instructions[index], **fields)  # type: ignore[arg-type]
    return tiny_program(instructions)


@pytest.mark.parametrize(
    ("index", "fields", "complaint"),
    [
        (0, {"rows": 0}, r"instruction 0 \(LOAD\) field rows: must be at least 1, not 0"),
        (0, {"rows": 2, "spad_stride": 7, "dram_stride": 8}, "field spad_stride: must be at least row_bytes"),
        (0, {"spad_addr": 60}, "field spad_addr: must keep the access inside WEIGHT, 64 bytes; its end, not 68"),
        (0, {"dram_addr": 47}, "field dram_addr: must not read across the end of the constants, 48, not 47"),
        (
            0,
            {"dram_addr": 60},
            "field dram_addr: must read weights and parameters from the constants, below 48, not 60",
        ),
        (0, {"dram_addr": 1 << 39}, "field dram_addr: must keep the access inside DRAM, 192 bytes"),
        (
            0,
            {"rows": (1 << 20) - 1, "dram_stride": (1 << 32) - 1},
            "must keep the access inside DRAM|at least row_bytes",
        ),
        (0, {"pushes": 1 << 4}, "field pushes: must name semaphores of its unit, not 16"),
        (0, {"pops": 1}, "field pops: must name semaphores of its engine, not 1"),
        (3, {"rows": 3}, "field rows: must be in 1..2, the PE rows, not 3"),
        (3, {"positions": 0}, "field positions: must be at least 1"),
        (3, {"positions": 2, "slot": 1}, "field slot: must leave the block inside the 2 slots of a half, not 1"),
        (3, {"acc_bits": 1}, r"field acc_bits: must be in 2..64, not 1"),
        (3, {"acc_bits": 65}, r"field acc_bits: must be in 2..64, not 65"),
        (3, {"overflow": Overflow.READOUT, "internal_bits": 31}, "field internal_bits: must be in acc_bits..64"),
        (3, {"overflow": Overflow.READOUT, "internal_bits": 65}, "field internal_bits: must be in acc_bits..64"),
        (4, {"overflow": Overflow.READOUT, "internal_bits": 31}, "field internal_bits: must be in acc_bits..64"),
        (3, {"inner_bits": 1, "inner_groups": 1}, "field inner_bits: must be 0 or in 2..63, not 1"),
        (3, {"inner_bits": 16}, "field inner_groups: must be at least 1 with inner_bits, not 0"),
        (3, {"k_count": 5}, "field k_count: must leave the interval inside the K stream, not 5"),
        (3, {"k_start": 1}, "field k_count: must leave the interval inside the K stream"),
        (3, {"k_count": 0}, "field k_count: must be at least 1"),
        (3, {"out_w": 0}, "field out_w: must be at least 1"),
        (3, {"kw": 0}, "field kw: must be at least 1"),
        (3, {"depth_mult": 0}, "field depth_mult: must be at least 1"),
        (3, {"private_x": 1}, "field channels: must be 1 for private x, not 4"),
        (3, {"x_zero": 128}, "field x_zero: must be a code of its operand, not 128"),
        (3, {"w_zero": -129}, "field w_zero: must be a code of its operand, not -129"),
        (3, {"x_addr": 61}, "field x_addr: must keep the access inside ACT, 64 bytes; its end, not 65"),
        (3, {"w_addr": 60}, "field w_addr: must keep the access inside WEIGHT, 64 bytes; its end, not 68"),
        (3, {"p_addr": 33}, "field p_addr: must keep the access inside PARAM, 64 bytes; its end, not 65"),
        (3, {"channel_base": 1}, "field x_addr: must keep the access inside ACT, from byte 0, not -1"),
        (3, {"row_base": 1}, "field row_base: must, with rows, stay inside the channels of its layer, not 1"),
        (4, {"slot": 2}, "field slot: must leave the block inside the 2 slots"),
        (4, {"clamp_lo": 5, "clamp_hi": 4}, "field clamp_lo: must be at most clamp_hi, not 5"),
        (4, {"clamp_lo": -1, "clamp_hi": 128}, "field clamp_hi: must, with clamp_lo, fit the signed or the unsigned"),
        (4, {"acc_bits": 49}, "field acc_bits: must be a width at which the requantization scheme is exact, not 49"),
        (4, {"out_addr": 63}, "field out_addr: must keep the access inside ACT, 64 bytes; its end, not 65"),
        (5, {"dram_addr": 40}, "field dram_addr: must be above the constants, at least 48, not 40"),
        (5, {"rows": 2, "dram_stride": 1}, "field dram_stride: must be at least row_bytes"),
    ],
)
def test_illegal_field_is_named(index: int, fields: dict[str, object], complaint: str) -> None:
    program = bad(index, **fields)
    with pytest.raises(ProgramError, match=complaint):
        program.check()
    with pytest.raises(ProgramError, match=complaint):
        Program.from_bytes(program.to_bytes())


POOL = Pool(tile_h=2, tile_w=2, channels=1, out_h=1, out_w=1, kh=2, kw=2, pixel_pitch=1, out_addr=8, clamp_hi=9)
VREQ = VReq(count=4, out_addr=4, shift=1, clamp_hi=9)
REDUCE = Reduce(
    last=1, outer=2, inner=3, sum_outer=2, sum_inner=1, outer_stride=6, inner_stride=1, sum_outer_stride=3,
    sum_addr=20, out_addr=12, out_pitch=3, clamp_hi=9,
)  # fmt: skip
VADD = VAdd(rows=2, count=4, y_addr=8, out_addr=16, x_stride=4, out_stride=4, x_step=1, y_step=1, clamp_hi=9)
VMUL = VMul(rows=2, count=4, y_addr=8, out_addr=16, x_stride=4, out_stride=4, x_step=1, y_step=1, clamp_hi=9)
COPY = Copy(rows=2, row_bytes=4, out_addr=16, x_stride=4, out_stride=4)
FILL = Fill(rows=2, row_bytes=4, out_addr=16, out_stride=4)
SOFTMAX = Softmax(rows=1, length=4, out_addr=4, multiplier=1 << 30, left_shift=22, diff_min=-496)


@pytest.mark.parametrize(
    ("instruction", "complaint"),
    [
        (POOL, ""),
        (VREQ, ""),
        (SOFTMAX, ""),
        (Lut(count=4, out_addr=4, entry_bytes=1), "PARAM, 64 bytes; its end, not 256"),
        (Merge(rows=1, positions=1, parts=2, acc_bits=9), ""),
        (Merge(rows=1, positions=1, parts=1, acc_bits=9), "field parts: must be at least 2"),
        (Merge(rows=1, positions=1, parts=3, acc_bits=9), "field slot: must leave the block inside"),
        (dataclasses.replace(POOL, iy0=2), "field iy0: must give every window a pixel inside the tile"),
        (dataclasses.replace(POOL, ix0=-2), "field ix0: must give every window a pixel inside the tile"),
        (dataclasses.replace(POOL, out_w=3, stride_x=1), "field ix0: must give every window a pixel inside the tile"),
        (dataclasses.replace(POOL, out_addr=3), "field out_addr: must give an output region that is disjoint"),
        (dataclasses.replace(POOL, channels=0), "field channels: must be at least 1"),
        (dataclasses.replace(VREQ, out_addr=3), "field out_addr: must give an output region that equals"),
        (dataclasses.replace(VREQ, out_addr=0), ""),
        (dataclasses.replace(VREQ, scheme=SchemeCode.FP32_RNE), "field scheme: must be an integer scheme"),
        (dataclasses.replace(VREQ, shift=31), "field shift: must be a shift that the scheme takes, not 31"),
        (VMUL, ""),
        (dataclasses.replace(VMUL, out_addr=0), ""),
        (dataclasses.replace(VMUL, out_addr=9), "field out_addr: must give output lines that equal those of operand y"),
        (dataclasses.replace(VMUL, out_stride=3), "field out_stride: must be at least count: written rows do not"),
        (dataclasses.replace(VMUL, scheme=SchemeCode.FP32_RNE), "field scheme: must be an integer scheme"),
        (dataclasses.replace(VMUL, shift=31), "field shift: must be a shift that the scheme takes, not 31"),
        (COPY, ""),
        (dataclasses.replace(COPY, x_stride=0, out_addr=4), ""),
        (dataclasses.replace(COPY, x_addr=24), ""),
        (dataclasses.replace(COPY, out_addr=7), "field out_addr: must give an output region that is disjoint"),
        (dataclasses.replace(COPY, x_addr=23), "field out_addr: must give an output region that is disjoint"),
        (dataclasses.replace(COPY, out_stride=3), "field out_stride: must be at least row_bytes: written rows"),
        (dataclasses.replace(COPY, rows=0), "field rows: must be at least 1"),
        (FILL, ""),
        (dataclasses.replace(FILL, row_bytes=0), "field row_bytes: must be at least 1"),
        (dataclasses.replace(FILL, out_stride=3), "field out_stride: must be at least row_bytes: written rows"),
        (VADD, ""),
        (dataclasses.replace(VADD, out_addr=0), ""),
        (dataclasses.replace(VADD, out_addr=8, y_stride=4), ""),
        (dataclasses.replace(VADD, rows=0), "field rows: must be at least 1"),
        (dataclasses.replace(VADD, out_stride=3), "field out_stride: must be at least count: written rows do not"),
        (dataclasses.replace(VADD, out_addr=4), "field out_addr: must give output lines that equal those of operand x"),
        (dataclasses.replace(VADD, out_addr=8), "field out_addr: must give output lines that equal those of operand y"),
        (dataclasses.replace(VADD, out_addr=0, x_step=0), "lines that equal those of operand x"),
        (dataclasses.replace(VADD, clamp_lo=10), "field clamp_lo: must be at most clamp_hi"),
        (Lut(count=4, entry_bytes=3), "field entry_bytes: must be 1, 2 or 4"),
        (Lut(count=4, entry_bytes=4), "field out_addr: must give an output region that equals"),
        (REDUCE, ""),
        (dataclasses.replace(REDUCE, sum_inner=0), "field sum_inner: must be at least 1"),
        (dataclasses.replace(REDUCE, outer=1 << 27), "field outer: must, times inner, be a number of elements"),
        (dataclasses.replace(REDUCE, sum_outer=11), "field sum_outer: must, times sum_inner, outer and inner, be a"),
        (dataclasses.replace(REDUCE, scheme=SchemeCode.FP32_RNE), "field scheme: must be an integer scheme"),
        (dataclasses.replace(REDUCE, shift=-32), "field shift: must be a shift that the scheme takes, not -32"),
        (dataclasses.replace(REDUCE, clamp_lo=10), "field clamp_lo: must be at most clamp_hi"),
        (dataclasses.replace(REDUCE, out_pitch=2), "field out_pitch: must be at least inner"),
        (dataclasses.replace(REDUCE, out_addr=11), "field out_addr: must give an output region that is disjoint"),
        (dataclasses.replace(REDUCE, sum_addr=11), "field sum_addr: must give stored sums that are disjoint"),
        (dataclasses.replace(REDUCE, sum_addr=17), "field sum_addr: must give stored sums that are disjoint"),
        (dataclasses.replace(REDUCE, sum_addr=11, first=1), ""),
        (dataclasses.replace(REDUCE, sum_addr=11, first=1, last=0), "field sum_addr: must give stored sums"),
        (dataclasses.replace(REDUCE, x_addr=60), "field x_addr: must keep the access inside ACT"),
        (dataclasses.replace(SOFTMAX, length=4096), "field length: must be at most 4095"),
        (dataclasses.replace(SOFTMAX, left_shift=32), "field left_shift: must be at most 31"),
        (dataclasses.replace(SOFTMAX, diff_min=-513), "field diff_min: must be at most 0, and fit 32 bits"),
        (dataclasses.replace(SOFTMAX, diff_min=1), "field diff_min: must be at most 0, and fit 32 bits"),
        (dataclasses.replace(SOFTMAX, multiplier=0), "field multiplier: must be at least 1"),
        (Load(space=Space.ACT, dram_addr=64, rows=2, row_bytes=1, spad_stride=1, dram_stride=0), ""),
        (Store(dram_addr=64, rows=1, row_bytes=128), "field spad_addr: must keep the access inside ACT"),
        (Mac(), r"instruction 0 \(MAC\) field rows: must be in 1..2, the PE rows, not 0"),
        (
            Req(rows=1, positions=1, out_w=1, acc_bits=32, multiplier_cut=31),
            r"\(REQ\) field multiplier_cut: must be in 0..30, not 31",
        ),
        (
            Req(rows=1, positions=1, out_w=1, acc_bits=32, multiplier_cut=1, scheme=SchemeCode.FP32_RNE),
            r"\(REQ\) field multiplier_cut: must be 0 where the scheme has no integer multiplier, not 1",
        ),
        (
            Req(rows=1, positions=1, out_w=1, acc_bits=32, multiplier_cut=1, scheme=SchemeCode.REVEN_SHIFT),
            r"\(REQ\) field multiplier_cut: must be 0 where the scheme has no integer multiplier, not 1",
        ),
        (Req(), r"instruction 0 \(REQ\) field rows: must be in 1..2, the PE rows, not 0"),
    ],
)
def test_legality_of_one_instruction(instruction: Instruction, complaint: str) -> None:
    program = tiny_program([instruction])
    if not complaint:
        program.check()
        return
    with pytest.raises(ProgramError, match=complaint):
        program.check()
