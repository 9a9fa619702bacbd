"""Random legal programs whose values matter: every memory holds random bytes, every instruction works on them.

Constants hold an image of each scratchpad, which the first instructions load; inputs go on top of the activations, so
samples differ; the last instruction stores the whole activation scratchpad, which is the only output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from fxsim.hw import Hardware
from fxsim.isa import (
    Copy,
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
from fxsim.numerics import SCHEMES, Overflow, Reduction, Scheme, softmax_params

ACT, WEIGHT, PARAM = 4096, 8192, 4096
INPUT = 600
"""Bytes of the input; it covers the low end of the activations."""
RECORDS = 40
"""Row records at the start of the parameter scratchpad; the rest is a table."""
RECORDS_AT = ACT + WEIGHT
"""Where the records stand in the constants."""
CHANNELS = 64


@dataclass(frozen=True)
class Modes:
    """Numerics that all instructions of one program share."""

    overflow: Overflow
    acc_bits: int
    internal_bits: int
    scheme: Scheme

    def rule(self) -> dict[str, Any]:
        return {"overflow": self.overflow, "acc_bits": self.acc_bits, "internal_bits": self.internal_bits}


Maker = Callable[[Random, Hardware, Modes], Instruction]


def _int(random: Random, lo: int, hi: int) -> int:
    return random.randint(lo, hi)


def _mac(random: Random, hw: Hardware, modes: Modes) -> Mac:
    timing = hw.timing
    private, x_wide, w_wide = _int(random, 0, 1), int(random.random() < 0.2), int(random.random() < 0.2)
    x_signed, w_signed = _int(random, 0, 1), _int(random, 0, 1)
    rows, kh, kw = _int(random, 1, timing.rows), _int(random, 1, 3), _int(random, 1, 3)
    channels = 1 if private else _int(random, 1, 14)
    depth_mult, row_base = _int(random, 1, 4), _int(random, 0, 9)
    total = kh * kw * channels
    k_start = _int(random, 0, total - 1)
    positions = _int(random, 1, timing.half_depth)
    base = row_base // depth_mult if private else 0
    held = (row_base + rows - 1) // depth_mult - base + 1 if private else channels
    return Mac(
        load_params=_int(random, 0, 1), private_x=private, init=random.choice(list(Init)), half=_int(random, 0, 1),
        reduction=random.choice(list(Reduction)), zero_point=random.choice(list(ZeroPoint)),
        order=random.choice(list(Order)), rows=rows, positions=positions,
        slot=_int(random, 0, timing.half_depth - positions), x_addr=_int(random, 0, INPUT), w_addr=_int(random, 0, 99),
        p_addr=16 * _int(random, 0, RECORDS - rows), pixel_pitch=(held << x_wide) + _int(random, 0, 2),
        tile_h=_int(random, 1, 4), tile_w=_int(random, 1, 4), iy0=_int(random, -2, 2), ix0=_int(random, -2, 2),
        ox_start=_int(random, 0, 3), out_w=_int(random, 1, 5), stride_y=_int(random, 0, 2),
        stride_x=_int(random, 0, 2), dil_y=_int(random, 0, 2), dil_x=_int(random, 0, 2), kh=kh, kw=kw,
        channels=channels, k_start=k_start, k_count=_int(random, 1, total - k_start), channel_base=base,
        depth_mult=depth_mult, row_base=row_base, x_zero=_code(random, x_wide, x_signed),
        w_zero=_code(random, w_wide, w_signed), x_signed=x_signed, w_signed=w_signed, x_wide=x_wide, w_wide=w_wide,
        **modes.rule(), **_inner(random, hw),
    )  # fmt: skip


def _inner(random: Random, hw: Hardware) -> dict[str, Any]:
    """Any inner accumulator, if the hardware has them."""
    if not hw.numerics.inner_bits:
        return {}
    return {"inner_bits": random.choice((5, 10, 16, 24, 63)), "inner_groups": random.choice((1, 1, 2, 3, 511)),
            "inner_overflow": random.choice(list(InnerOverflow))}  # fmt: skip


def _code(random: Random, wide: int, signed: int) -> int:
    bits = 8 + 8 * wide
    lo = -signed << (bits - 1)
    return random.choice((0, 3, _int(random, lo, lo + (1 << bits) - 1)))


def _merge(random: Random, hw: Hardware, modes: Modes) -> Mac | Merge:
    half = hw.timing.half_depth
    if half < 2:
        return _mac(random, hw, modes)
    parts = _int(random, 2, min(4, half))
    positions = _int(random, 1, half // parts)
    return Merge(half=_int(random, 0, 1), rows=_int(random, 1, hw.timing.rows), positions=positions, parts=parts,
                 slot=_int(random, 0, half - parts * positions), row_base=_int(random, 0, 9),
                 k_start=_int(random, 1, 9), **modes.rule())  # fmt: skip


def _clamp(random: Random, wide: int) -> tuple[int, int]:
    half = 1 << (7 + 8 * wide)
    low, high = sorted((_int(random, -half, half - 1), _int(random, -half, half - 1)))
    return random.choice(((low, high), (-half, half - 1), (0, 2 * half - 1)))


def _req(random: Random, hw: Hardware, modes: Modes) -> Req:
    half, wide = hw.timing.half_depth, _int(random, 0, 1)
    positions, rows = _int(random, 1, half), _int(random, 1, hw.timing.rows)
    lo, hi = _clamp(random, wide)
    return Req(half=_int(random, 0, 1), **modes.rule(), add_bias=_int(random, 0, 1), scheme=modes.scheme.code,
               rows=rows, positions=positions, slot=_int(random, 0, half - positions),
               out_addr=_int(random, 0, 2000), out_pitch=_int(random, 0, 70), out_row_pitch=_int(random, 0, 100),
               ox_start=_int(random, 0, 3), out_w=_int(random, 1, 5), out_zero=_int(random, -200, 200), clamp_lo=lo,
               clamp_hi=hi, out_wide=wide, row_base=_int(random, 0, 9))  # fmt: skip


def _pool(random: Random, _hw: Hardware, _modes: Modes) -> Pool:
    tile_h, tile_w, kh, kw = (_int(random, 1, 4) for _ in range(4))
    channels = _int(random, 1, 12)
    iy0, ix0 = _int(random, 1 - kh, tile_h - 1), _int(random, 1 - kw, tile_w - 1)
    stride_y, stride_x = _int(random, 1, 2), _int(random, 1, 2)
    lo, hi = _clamp(random, 0)
    return Pool(kind=random.choice(list(PoolKind)), x_addr=_int(random, 0, INPUT), pixel_pitch=channels + 1,
                tile_h=tile_h, tile_w=tile_w, channels=channels, iy0=iy0, ix0=ix0, out_addr=2048 + _int(random, 0, 99),
                out_pitch=_int(random, 1, 20), out_row_pitch=_int(random, 1, 99),
                out_h=_int(random, 1, (tile_h - 1 - iy0) // stride_y + 1),
                out_w=_int(random, 1, (tile_w - 1 - ix0) // stride_x + 1), stride_y=stride_y, stride_x=stride_x,
                kh=kh, kw=kw, clamp_lo=lo, clamp_hi=hi, x_signed=_int(random, 0, 1))  # fmt: skip


def _vreq(random: Random, _hw: Hardware, _modes: Modes) -> VReq:
    scheme = random.choice([s for s in SCHEMES.values() if s.synthesizable])
    requant = scheme.derive(random.choice((0.013, 0.5, 0.8, 1.0)))
    start = _int(random, 0, 900)
    lo, hi = _clamp(random, 0)
    return VReq(count=_int(random, 1, 99), x_addr=start, out_addr=random.choice((start, start + 100, 3000)),
                scheme=scheme.code, multiplier=int(requant.multiplier[0]), shift=int(requant.shift[0]),
                in_zero=_int(random, -128, 127), out_zero=_int(random, -128, 127), clamp_lo=lo, clamp_hi=hi,
                x_signed=_int(random, 0, 1))  # fmt: skip


def _lut(random: Random, _hw: Hardware, _modes: Modes) -> Lut:
    size = random.choice((1, 2, 4))
    start = _int(random, 0, 900)
    return Lut(count=_int(random, 1, 99), x_addr=start, out_addr=start if size == 1 else 2000,
               table_addr=16 * RECORDS + _int(random, 0, 9), entry_bytes=size, x_signed=_int(random, 0, 1))  # fmt: skip


def _reduce(random: Random, _hw: Hardware, _modes: Modes) -> Reduce:
    """Sums of overlapping, repeated or spread codes; parts of sums continue whatever words lie there."""
    scheme = random.choice([s for s in SCHEMES.values() if s.synthesizable])
    requant = scheme.derive(random.choice((0.013, 0.25, 0.5, 0.99)))
    outer, inner, sum_outer, sum_inner = (random.choice((1, 1, 2, 3, 5)) for _ in range(4))
    strides = [random.choice((0, 1, 1, 2, inner, 7)) for _ in range(4)]
    lo, hi = _clamp(random, 0)
    return Reduce(first=_int(random, 0, 1), last=_int(random, 0, 1), outer=outer, inner=inner, sum_outer=sum_outer,
                  sum_inner=sum_inner, x_addr=_int(random, 0, INPUT), outer_stride=strides[0], inner_stride=strides[1],
                  sum_outer_stride=strides[2], sum_inner_stride=strides[3],
                  sum_addr=random.choice((1000, 2100)) + _int(random, 0, 9), out_addr=2000 + _int(random, 0, 9),
                  out_pitch=inner + _int(random, 0, 3), scheme=scheme.code, multiplier=int(requant.multiplier[0]),
                  shift=int(requant.shift[0]), in_zero=random.choice((-128, 127, 0, 65535, -65536)),
                  out_zero=_int(random, -128, 127), clamp_lo=lo, clamp_hi=hi, x_signed=_int(random, 0, 1))  # fmt: skip


def _softmax(random: Random, _hw: Hardware, _modes: Modes) -> Softmax:
    start = _int(random, 0, 900)
    multiplier, left_shift, diff_min = softmax_params(1.0, random.choice((0.004, 0.05, 0.7)))
    return Softmax(rows=_int(random, 1, 3), length=_int(random, 1, 20), x_addr=start,
                   out_addr=random.choice((start, start + 100)), multiplier=multiplier, left_shift=left_shift,
                   diff_min=diff_min)  # fmt: skip


def _lines(random: Random) -> dict[str, int]:
    """Rows of two operands and of a result apart from them, or in the place of one."""
    rows, count = _int(random, 1, 4), _int(random, 1, 50)
    out = {"addr": _int(random, 2000, 2500), "stride": count + _int(random, 0, 9)}
    fields = {"rows": rows, "count": count, **{f"out_{name}": value for name, value in out.items()}}
    for part in "xy":
        free = {"addr": _int(random, 0, 1500), "stride": _int(random, 0, 90), "step": _int(random, 0, 1)}
        place = random.choice((free, free, {**out, "step": 1}))
        fields |= {f"{part}_{name}": value for name, value in place.items()}
    return fields


def _vadd(random: Random, _hw: Hardware, _modes: Modes) -> VAdd:
    lo, hi = _clamp(random, 0)
    rescale = {f"{part}_{name}": value for part in ("x", "y", "out") for name, value in (
        ("multiplier", random.choice((0, 1 << 30, (1 << 31) - 1, _int(random, 1 << 30, (1 << 31) - 1)))),
        ("shift", random.choice((0, 1, 17, 19, 20, 31))),
        ("zero", random.choice((0, -128, 127, _int(random, -256, 255)))),
    )}  # fmt: skip
    return VAdd(subtract=_int(random, 0, 1), clamp_lo=lo, clamp_hi=hi, **_lines(random), **rescale)


def _vmul(random: Random, _hw: Hardware, _modes: Modes) -> VMul:
    scheme = random.choice([s for s in SCHEMES.values() if s.synthesizable])
    requant = scheme.derive(random.choice((1e-5, 0.0013, 0.5, 0.8, 1.0)))
    lo, hi = _clamp(random, 0)
    zeros = {f"{part}_zero": random.choice((0, -128, 127, _int(random, -256, 255))) for part in ("x", "y", "out")}
    return VMul(scheme=scheme.code, multiplier=int(requant.multiplier[0]), shift=int(requant.shift[0]), clamp_lo=lo,
                clamp_hi=hi, **_lines(random), **zeros)  # fmt: skip


def _move(random: Random, _hw: Hardware, _modes: Modes) -> Copy | Fill:
    rows, size = _int(random, 1, 4), _int(random, 1, 60)
    lines = {"rows": rows, "row_bytes": size, "out_addr": _int(random, 2000, 3000),
             "out_stride": size + _int(random, 0, 9)}  # fmt: skip
    if random.random() < 0.5:
        return Fill(value=_int(random, 0, 255), **lines)
    return Copy(x_addr=_int(random, 0, 1600), x_stride=_int(random, 0, 90), **lines)


def _copy(random: Random, _hw: Hardware, _modes: Modes) -> Load | Store:
    """A copy between activations and the part of DRAM behind the output, or a reload of constants."""
    lines, size = _int(random, 1, 3), _int(random, 1, 60)
    shape = {"rows": lines, "row_bytes": size, "spad_stride": size + _int(random, 0, 5),
             "dram_stride": size + _int(random, 0, 5)}  # fmt: skip
    if random.random() < 0.4:
        return Load(space=random.choice(list(Space)), dram_addr=_int(random, 0, 3000),
                    spad_addr=16 * RECORDS + _int(random, 0, 900), **shape)  # fmt: skip
    dram = ACT + WEIGHT + PARAM + _int(random, 0, INPUT - 200)
    if random.random() < 0.5:
        return Load(space=Space.ACT, dram_addr=dram, spad_addr=_int(random, 0, 3000), **shape)
    return Store(dram_addr=dram, spad_addr=_int(random, 0, 3000), **shape)


MAC_ENGINE: tuple[Maker, ...] = (_mac, _mac, _mac, _mac, _merge, _req, _req)
MAKERS = (*MAC_ENGINE, _pool, _vreq, _lut, _reduce, _softmax, _vadd, _vmul, _move, _copy)


def _constants(random: Random, scheme: Scheme) -> bytes:
    noise = np.random.default_rng(random.getrandbits(32))
    image = noise.integers(0, 256, ACT + WEIGHT + PARAM, dtype=np.uint8)
    words = scheme.derive(noise.choice([1e-6, 0.0009, 0.25, 0.5, 0.77, 0.9, 1.0], RECORDS)).words()
    sizes = noise.integers(0, 44, RECORDS)
    biases = np.array([noise.integers(-(1 << int(s)), 1 << int(s)) for s in sizes], np.int64)
    records = np.stack([biases, words], axis=1)
    image[RECORDS_AT : RECORDS_AT + 16 * RECORDS] = records.reshape(-1).astype("<i8").view(np.uint8)
    return image.tobytes()


def _loads() -> list[Instruction]:
    places = ((Space.ACT, 0, ACT), (Space.WEIGHT, ACT, WEIGHT), (Space.PARAM, ACT + WEIGHT, PARAM),
              (Space.ACT, ACT + WEIGHT + PARAM, INPUT))  # fmt: skip
    return [Load(space=space, dram_addr=start, rows=1, row_bytes=size) for space, start, size in places]


def _row_files(random: Random, hw: Hardware, modes: Modes) -> list[Instruction]:
    """Fill both row files, so that every REQ reads legal words."""
    return [Mac(load_params=1, half=half, rows=hw.timing.rows, positions=1, tile_h=1, tile_w=1, out_w=1, kh=1, kw=1,
                channels=1, k_count=1, depth_mult=1, **modes.rule(), **_inner(random, hw))
            for half in (0, 1)]  # fmt: skip


@st.composite
def value_programs(draw: st.DrawFn, overflow: Overflow | None = None, longest: int = 12) -> Program:
    """A random program; `overflow` fixes the accumulators' rule."""
    random = draw(st.randoms(use_true_random=False))
    makers = draw(st.lists(st.sampled_from(MAKERS), min_size=1, max_size=longest))
    return random_program(random, makers, overflow)


def random_program(random: Random, makers: Sequence[Maker], overflow: Overflow | None) -> Program:
    """A program with one instruction of each of `makers`, between the loads and the store."""
    cols = _int(random, 1, 9)
    hw = Hardware(rows=random.choice((1, 2, 3, 5, 8, 9, 17)), cols=cols, acc_depth=2 * _int(random, 1, 6),
                  act_spad_bytes=ACT, weight_spad_bytes=WEIGHT, param_spad_bytes=PARAM,
                  inner_bits=random.choice((0, 16)), inner_products=cols)  # fmt: skip
    bits = _int(random, 4, 48)
    mode = random.choice(list(Overflow)) if overflow is None else overflow
    modes = Modes(mode, bits, _int(random, bits, 52), random.choice(list(SCHEMES.values())))
    image = _constants(random, modes.scheme)
    body = [make(random, hw, modes) for make in makers]
    last = Store(dram_addr=len(image) + INPUT, rows=1, row_bytes=ACT)
    instructions = [*_loads(), *_row_files(random, hw, modes), *body, last]
    count = len(instructions)
    symbols = (
        Symbol("x", len(image), (1, INPUT), "uint8", (), (), None, "input", 0, 0),
        Symbol("y", len(image) + INPUT, (1, ACT), "uint8", (), (), None, "output", count, count),
    )
    layers = tuple(Layer(name, "ANY", 0, (), (), (), CHANNELS) for name in ("first", "second"))
    layer_of = (np.arange(count) >= 6 + len(body) // 2).astype(np.int32)
    return Program("random", "tflite", hw, encode(instructions), image, len(image) + INPUT + ACT, symbols, layers,
                   layer_of, True)  # fmt: skip
