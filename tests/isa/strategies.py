"""Random instructions and programs: any bits that encode, and small ones that are legal and can run."""

from __future__ import annotations

import dataclasses
import struct
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

from fxsim.hw import Hardware
from fxsim.isa import (
    INSTRUCTIONS,
    Copy,
    Field,
    Fill,
    Init,
    InnerOverflow,
    Instruction,
    Layer,
    Load,
    Lut,
    Mac,
    Merge,
    Order,
    Pool,
    PoolKind,
    Program,
    Reduce,
    Req,
    Softmax,
    Space,
    Store,
    Symbol,
    VAdd,
    VMul,
    VReq,
    ZeroPoint,
    encode,
)
from fxsim.isa.image import MEMORIES
from fxsim.numerics import Overflow, Reduction, SchemeCode

HARDWARE = Hardware(
    name="small", rows=3, cols=4, acc_depth=16, act_spad_bytes=4096, weight_spad_bytes=2048, param_spad_bytes=2048
)
CONSTANTS = bytes(range(256)) * 4
DRAM_BYTES = 3072


@cache
def field_values(field: Field) -> st.SearchStrategy[int]:
    if field.enum is not None:
        return st.sampled_from(list(field.enum))
    edges = st.sampled_from([field.lo, field.lo + 1, 0, 1, field.hi - 1, field.hi])
    return edges.filter(field.holds) | st.integers(field.lo, field.hi)


@st.composite
def any_instructions(draw: st.DrawFn) -> Instruction:
    """An instruction with any encodable fields."""
    cls = draw(st.sampled_from(list(INSTRUCTIONS.values())))
    return cls(**{f.name: draw(field_values(f)) for f in cls.layout})


def numbers(draw: st.DrawFn, **ranges: tuple[int, int]) -> dict[str, Any]:
    return {name: draw(st.integers(lo, hi)) for name, (lo, hi) in ranges.items()}


@st.composite
def legal_loads(draw: st.DrawFn) -> Load:
    space = draw(st.sampled_from(list(Space)))
    n = numbers(draw, rows=(1, 4), row_bytes=(1, 40), gap=(0, 9), dram_stride=(0, 60), spad_addr=(0, 1000))
    start = 0 if space is not Space.ACT or draw(st.booleans()) else len(CONSTANTS)
    return Load(
        space=space,
        dram_addr=start + draw(st.integers(0, 700)),
        rows=n["rows"],
        row_bytes=n["row_bytes"],
        dram_stride=n["dram_stride"],
        spad_addr=n["spad_addr"],
        spad_stride=n["row_bytes"] + n["gap"],
    )


@st.composite
def legal_stores(draw: st.DrawFn) -> Store:
    n = numbers(
        draw,
        rows=(1, 4),
        row_bytes=(1, 40),
        gap=(0, 9),
        spad_stride=(0, 60),
        spad_addr=(0, 1000),
        dram_addr=(len(CONSTANTS), 2048),
    )
    return Store(dram_stride=n["row_bytes"] + n.pop("gap"), **n)


def rule_fields(draw: st.DrawFn) -> dict[str, Any]:
    acc_bits = draw(st.sampled_from([8, 16, 17, 32]))
    return {
        "overflow": draw(st.sampled_from(list(Overflow))),
        "acc_bits": acc_bits,
        "internal_bits": draw(st.integers(acc_bits, 48)),
        "half": draw(st.integers(0, 1)),
        "row_base": draw(st.integers(0, 3)),
    }


@st.composite
def legal_macs(draw: st.DrawFn) -> Mac:
    private = draw(st.integers(0, 1))
    n = numbers(
        draw,
        rows=(1, 3),
        positions=(1, 5),
        slot=(0, 3),
        kh=(1, 3),
        kw=(1, 3),
        depth_mult=(1, 2),
        tile_h=(1, 5),
        tile_w=(1, 5),
        iy0=(-4, 4),
        ix0=(-4, 4),
        ox_start=(0, 4),
        out_w=(1, 5),
        stride_y=(0, 2),
        stride_x=(0, 2),
        dil_y=(0, 2),
        dil_x=(0, 2),
        x_addr=(64, 600),
        w_addr=(0, 200),
        p_addr=(0, 200),
        x_signed=(0, 1),
        w_signed=(0, 1),
        x_wide=(0, 1),
        w_wide=(0, 1),
        load_params=(0, 1),
        channel_base=(0, 2),
        pixel_pitch=(0, 30),
    )
    channels = 1 if private else draw(st.integers(1, 5))
    total = n["kh"] * n["kw"] * channels
    k_start = draw(st.integers(0, total - 1))
    zero: dict[str, Any] = {}
    for name, bits, is_signed in (
        ("x_zero", 8 + 8 * n["x_wide"], n["x_signed"]),
        ("w_zero", 8 + 8 * n["w_wide"], n["w_signed"]),
    ):
        lo = -is_signed << (bits - 1)
        zero[name] = draw(st.integers(lo, lo + (1 << bits) - 1))
    return Mac(
        private_x=private,
        channels=channels,
        k_start=k_start,
        k_count=draw(st.integers(1, total - k_start)),
        init=draw(st.sampled_from(list(Init))),
        order=draw(st.sampled_from(list(Order))),
        inner_bits=draw(st.sampled_from([0, 2, 16, 63])),
        inner_groups=draw(st.integers(1, 5)),
        inner_overflow=draw(st.sampled_from(list(InnerOverflow))),
        reduction=draw(st.sampled_from(list(Reduction))),
        zero_point=draw(st.sampled_from(list(ZeroPoint))),
        **n,
        **zero,
        **rule_fields(draw),
    )


@st.composite
def legal_merges(draw: st.DrawFn) -> Merge:
    n = numbers(draw, rows=(1, 3), positions=(1, 2), slot=(0, 2), parts=(2, 3), k_start=(0, 40))
    return Merge(**n, **rule_fields(draw))


@st.composite
def legal_reqs(draw: st.DrawFn) -> Req:
    n = numbers(
        draw,
        rows=(1, 3),
        positions=(1, 5),
        slot=(0, 3),
        out_addr=(0, 900),
        out_pitch=(0, 30),
        out_row_pitch=(0, 90),
        ox_start=(0, 7),
        out_w=(1, 5),
        out_zero=(-128, 127),
        out_wide=(0, 1),
        add_bias=(0, 1),
    )
    clamp = sorted(draw(st.tuples(st.integers(-128, 127), st.integers(-128, 127))))
    rule = rule_fields(draw)
    return Req(
        scheme=draw(st.sampled_from([SchemeCode.TFL_DOUBLE, SchemeCode.REVEN_SHIFT])),
        clamp_lo=clamp[0],
        clamp_hi=clamp[1],
        **n,
        **rule,
    )


@st.composite
def legal_pools(draw: st.DrawFn) -> Pool:
    n = numbers(
        draw,
        tile_h=(1, 5),
        tile_w=(1, 5),
        channels=(1, 3),
        out_h=(1, 3),
        out_w=(1, 3),
        stride_y=(0, 2),
        stride_x=(0, 2),
        kh=(1, 3),
        kw=(1, 3),
        x_addr=(0, 500),
        x_signed=(0, 1),
        out_addr=(2000, 2500),
        out_pitch=(0, 9),
        out_row_pitch=(0, 40),
        pixel_pitch=(0, 9),
    )
    first = {}
    for name, out, stride, kernel, extent in (
        ("iy0", "out_h", "stride_y", "kh", "tile_h"),
        ("ix0", "out_w", "stride_x", "kw", "tile_w"),
    ):
        hi = n[extent] - 1 - (n[out] - 1) * n[stride]
        if 1 - n[kernel] > hi:
            n[stride], hi = 0, n[extent] - 1
        first[name] = draw(st.integers(1 - n[kernel], hi))
    clamp = sorted(draw(st.tuples(st.integers(0, 127), st.integers(0, 127))))
    return Pool(kind=draw(st.sampled_from(list(PoolKind))), clamp_lo=clamp[0], clamp_hi=clamp[1], **n, **first)


@st.composite
def legal_element_wise(draw: st.DrawFn) -> Instruction:
    n = numbers(draw, count=(1, 40), x_addr=(0, 500), x_signed=(0, 1), out_addr=(600, 900))
    kind = draw(st.sampled_from(("VREQ", "LUT", "SOFTMAX")))
    if kind == "LUT":
        return Lut(table_addr=draw(st.integers(0, 500)), entry_bytes=draw(st.sampled_from((1, 2, 4))), **n)
    if draw(st.booleans()):
        n["out_addr"] = n["x_addr"]
    if kind == "SOFTMAX":
        return Softmax(
            rows=draw(st.integers(1, 3)),
            length=n["count"],
            x_addr=n["x_addr"],
            out_addr=n["out_addr"],
            multiplier=1717986944,
            left_shift=22,
            diff_min=-496,
        )
    return VReq(
        scheme=SchemeCode.TFL_DOUBLE,
        multiplier=draw(st.integers(1 << 30, (1 << 31) - 1)),
        shift=draw(st.integers(-8, 3)),
        in_zero=draw(st.integers(-128, 127)),
        out_zero=draw(st.integers(-128, 127)),
        clamp_lo=-128,
        clamp_hi=127,
        **n,
    )


@st.composite
def legal_reduces(draw: st.DrawFn) -> Reduce:
    counts = numbers(draw, outer=(1, 3), inner=(1, 3), sum_outer=(1, 3), sum_inner=(1, 3))
    strides = numbers(draw, outer_stride=(0, 20), inner_stride=(0, 9), sum_outer_stride=(0, 9), sum_inner_stride=(0, 9))
    places = numbers(draw, x_addr=(0, 500), sum_addr=(700, 900), out_addr=(1000, 1100))
    n = numbers(draw, first=(0, 1), last=(0, 1), x_signed=(0, 1), in_zero=(-128, 255), out_zero=(-128, 127))
    return Reduce(
        out_pitch=counts["inner"] + draw(st.integers(0, 5)),
        scheme=SchemeCode.TFL_DOUBLE,
        multiplier=draw(st.integers(0, (1 << 31) - 1)),
        shift=draw(st.integers(-31, 3)),
        clamp_lo=-128,
        clamp_hi=127,
        **counts,
        **strides,
        **places,
        **n,
    )


def line_fields(draw: st.DrawFn) -> dict[str, int]:
    """Operands and output of a two-operand instruction: each operand apart from the output, or the same lines."""
    rows, count = draw(st.integers(1, 4)), draw(st.integers(1, 20))
    fields = {"rows": rows, "count": count, "out_addr": draw(st.integers(1000, 1500))}
    fields["out_stride"] = count + draw(st.integers(0, 3))
    for name in ("x", "y"):
        step, stride = draw(st.integers(0, 1)), draw(st.integers(0, 60))
        fields |= {f"{name}_addr": draw(st.integers(0, 700)), f"{name}_stride": stride, f"{name}_step": step}
        if draw(st.integers(0, 3)) == 0:
            fields |= {f"{name}_addr": fields["out_addr"], f"{name}_stride": fields["out_stride"], f"{name}_step": 1}
    return fields


@st.composite
def legal_two_operands(draw: st.DrawFn) -> Instruction:
    zero = st.integers(-128, 127)
    lo, hi = sorted(draw(st.tuples(zero, zero)))
    zeros = {f"{part}_zero": draw(zero) for part in ("x", "y", "out")}
    fields = {**line_fields(draw), **zeros, "clamp_lo": lo, "clamp_hi": hi}
    multiplier = st.sampled_from([0, 1 << 30, (1 << 31) - 1]) | st.integers(1 << 30, (1 << 31) - 1)
    if draw(st.booleans()):
        return VMul(
            scheme=SchemeCode.TFL_DOUBLE, multiplier=draw(multiplier), shift=draw(st.integers(-31, 30)), **fields
        )
    rescale = {f"{part}_multiplier": draw(multiplier) for part in ("x", "y", "out")}
    shifts = {f"{part}_shift": draw(st.integers(0, 31)) for part in ("x", "y", "out")}
    return VAdd(subtract=draw(st.integers(0, 1)), **rescale, **shifts, **fields)


@st.composite
def legal_moves(draw: st.DrawFn) -> Instruction:
    n = numbers(draw, rows=(1, 4), row_bytes=(1, 40), out_addr=(1000, 1500), gap=(0, 9))
    lines = {**n, "out_stride": n["row_bytes"] + n.pop("gap")}
    del lines["gap"]
    if draw(st.booleans()):
        return Fill(value=draw(st.integers(0, 255)), **lines)
    return Copy(x_addr=draw(st.integers(0, 700)), x_stride=draw(st.integers(0, 80)), **lines)


def legal_instructions() -> st.SearchStrategy[Instruction]:
    """An instruction that `PROGRAM`'s memories can execute."""
    return st.one_of(
        legal_loads(),
        legal_stores(),
        legal_macs(),
        legal_merges(),
        legal_reqs(),
        legal_pools(),
        legal_element_wise(),
        legal_reduces(),
        legal_two_operands(),
        legal_moves(),
    )


def under_rule(instruction: Instruction, rule: dict[str, Any]) -> Instruction:
    """The instruction with the overflow rule and widths of `rule`, if it has any: sums share their registers."""
    names = {f.name for f in instruction.layout} & {"overflow", "acc_bits", "internal_bits"}
    return dataclasses.replace(instruction, **{name: rule[name] for name in names})


@st.composite
def legal_programs(draw: st.DrawFn, max_size: int = 12) -> Program:
    """A legal program of unrelated instructions in up to three layers, which may interleave."""
    rule = rule_fields(draw)
    instructions = [under_rule(i, rule) for i in draw(st.lists(legal_instructions(), max_size=max_size))]
    name = st.text(
        st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.sampled_from(' #="\\;|'), max_size=8
    )
    names = draw(st.lists(name, min_size=3, max_size=3, unique=True))
    layer_of = draw(st.lists(st.integers(0, 2), min_size=len(instructions), max_size=len(instructions)))
    scale = draw(st.floats(2.0**-40, 1e6))
    symbols = (
        Symbol(names[0], len(CONSTANTS), (1, 4, 5), "int8", (scale,), (-3,), None, "input", 0, len(instructions)),
        Symbol(names[1], 2048, (3, 2), "int16", (scale, 1.5), (0, 7), 1, "output", 0, 0),
        Symbol(names[2], 2500, (), "int32", (), (), None, "tensor", 0, 0, draw(st.sampled_from(MEMORIES))),
    )
    layers = tuple(Layer(n, "CONV_2D", i, ((1, 2), ()), ((3,),), (names[i],), 16) for i, n in enumerate(names))
    return Program(
        name=names[0],
        profile="tflite",
        hardware=HARDWARE,
        code=encode(instructions),
        constants=CONSTANTS,
        dram_bytes=DRAM_BYTES,
        symbols=symbols,
        layers=layers,
        layer_of=np.array(layer_of, np.int32),
        batched=draw(st.booleans()),
    )


def record(bias: int, multiplier: int, shift: int) -> bytes:
    """A row record of an integer scheme."""
    return struct.pack("<qibxxx", bias, multiplier, shift)
