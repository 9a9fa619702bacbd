"""Random instructions without tokens, bank halves and flags: what a random program is composed of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from fxsim.isa import RECORD_BYTES, Engine, Instruction, Load, Mac, Order, Req, Space, Store, ZeroPoint, inner_fields
from fxsim.numerics import PROFILES, SCHEMES, IntFormat, Overflow, Reduction, Scheme
from fxsim.testing.integers import codes
from fxsim.testing.machines import SCRATCHPADS
from fxsim.testing.vectors import VECTORS

if TYPE_CHECKING:
    from fxsim.hw import Hardware, Numerics

CONSTANT_BYTES = VARIABLE_BYTES = 2304
"""DRAM: a read-only part, and a part for activations behind it; each holds the longest copy."""
MAX_ROW_BASE = 5
PROFILE = "tflite"
_TILE_WIDTHS = st.one_of(st.integers(1, 5), st.integers(4, 16))
_CHANNELS = st.one_of(st.integers(1, 3), st.integers(1, 12))
_DILATIONS = st.sampled_from((1, 2, 0))


def _regions(scratchpad: str, *users: str) -> dict[str, int]:
    """Give every kind of access a region of its own, so that no choice of tokens makes a data hazard."""
    return {user: i * (SCRATCHPADS[scratchpad] // len(users)) for i, user in enumerate(users)}


MAC_REGION = ("mac_unsigned", "mac")
"""Regions of codes by their sign, so that both may be read in one program."""
ACT_REGION = _regions("act_spad_bytes", "dma", *MAC_REGION, "req", "vec_in", "vec_out")
WEIGHT_REGION = _regions("weight_spad_bytes", "dma", *MAC_REGION)
PARAM_REGION = _regions("param_spad_bytes", "dma", "mac", "vec")


def scheme_of_machine(numerics: Numerics) -> Scheme:
    """Requantization scheme of the MAC unit in random programs, whose profile is tflite."""
    if numerics.requantizer == "profile":
        return PROFILES[PROFILE].scheme("CONV_2D")
    return SCHEMES[numerics.requantizer]


@st.composite
def _blocks(draw: st.DrawFn, machine: Hardware) -> tuple[Mac, Req]:
    """Draw a MAC and the read-out of its block, but for their place in a program: half, slots, flags and tokens."""
    return draw(_macs(machine)), draw(_reqs(machine))


@st.composite
def _macs(draw: st.DrawFn, machine: Hardware) -> Mac:
    def number(lo: int, hi: int) -> int:
        return draw(st.integers(lo, hi))

    timing, modes = machine.timing, _modes(machine.numerics, machine.timing.cols)
    operands, x_wide, w_wide = draw(_operands(machine.numerics)), modes["x_wide"], modes["w_wide"]
    private = number(0, 1)
    rows, kh, kw, channels = number(1, timing.rows), number(1, 3), number(1, 3), 1 if private else draw(_CHANNELS)
    depth_mult, row_base = number(1, 3), number(0, MAX_ROW_BASE)
    reuses = private and draw(st.booleans())
    k_start, k_count = (0, kh * kw) if reuses else draw(_intervals(kh * kw * channels, timing.cols))
    held = (row_base + rows - 1) // depth_mult + 1 if private else channels
    positions, channel_base = number(1, timing.half_depth), number(0, 3)
    return Mac(
        rows=rows,
        positions=positions,
        slot=number(0, timing.half_depth - positions),
        private_x=private,
        x_addr=ACT_REGION[MAC_REGION[operands["x_signed"]]] + (channel_base + number(0, 9) << x_wide),
        w_addr=WEIGHT_REGION[MAC_REGION[operands["w_signed"]]] + (number(0, 3) << w_wide),
        p_addr=PARAM_REGION["mac"] + number(0, 3) * RECORD_BYTES,
        pixel_pitch=(held + draw(st.sampled_from((0, 0, 1, 3)))) << x_wide,
        tile_h=number(1, 5),
        tile_w=draw(_TILE_WIDTHS),
        iy0=number(-2, 2),
        ix0=number(-2, 2),
        ox_start=number(0, 3),
        out_w=number(1, 20),
        stride_y=number(1, 3),
        stride_x=number(1, 3),
        dil_y=draw(_DILATIONS),
        dil_x=1 if reuses else draw(_DILATIONS),
        kh=kh,
        kw=kw,
        channels=channels,
        k_start=k_start,
        k_count=k_count,
        channel_base=channel_base,
        depth_mult=depth_mult,
        row_base=row_base,
        **operands,
        **modes,
    )


@st.composite
def _intervals(draw: st.DrawFn, total: int, cols: int) -> tuple[int, int]:
    """Start, which is one of a group, and length of an interval of a stream of `total` positions."""
    start = draw(st.sampled_from((0, draw(st.integers(0, (total - 1) // cols)) * cols)))
    return start, draw(st.sampled_from((total - start, draw(st.integers(1, total - start)))))


@st.composite
def _operands(draw: st.DrawFn, numerics: Numerics) -> dict[str, Any]:
    """Signs and zero points of both operands."""
    fields: dict[str, Any] = {}
    for name, bits in (("x", numerics.act_bits), ("w", numerics.weight_bits)):
        signed = draw(st.sampled_from((1, 0)))
        fields |= {f"{name}_signed": signed, f"{name}_zero": draw(codes(IntFormat(bits, bool(signed))))}
    return fields


@st.composite
def _reqs(draw: st.DrawFn, machine: Hardware) -> Req:
    numerics, timing = machine.numerics, machine.timing
    wide = int(numerics.act_bits > 8 and 2 * timing.requant_lanes <= timing.x_port_bytes)
    fmt = IntFormat(min(numerics.act_bits, 8 << wide), draw(st.sampled_from((True, False))))
    lo, hi = sorted(draw(st.sampled_from(((fmt.lo, fmt.hi),)) | st.tuples(codes(fmt), codes(fmt))))
    return Req(
        scheme=scheme_of_machine(numerics).code,
        multiplier_cut=32 - numerics.multiplier_bits,
        one_word=int(numerics.multipliers == "tensor"),
        add_bias=int(numerics.bias_order == "last"),
        out_zero=draw(codes(fmt)),
        clamp_lo=lo,
        clamp_hi=hi,
        out_wide=wide,
        out_addr=ACT_REGION["req"] + draw(st.integers(0, 9)),
        **_register(numerics),
    )


def _register(numerics: Numerics) -> dict[str, Any]:
    return {
        "overflow": Overflow[numerics.overflow.upper()],
        "acc_bits": numerics.acc_bits,
        "internal_bits": numerics.acc_internal_bits,
    }


def _modes(numerics: Numerics, cols: int) -> dict[str, Any]:
    """Fields of a MAC that the hardware decides."""
    return {
        "x_wide": int(numerics.act_bits > 8),
        "w_wide": int(numerics.weight_bits > 8),
        "order": Order[numerics.order.upper()],
        "zero_point": ZeroPoint[numerics.zero_point.upper()],
        "reduction": Reduction[numerics.reduction.upper()],
        **_register(numerics),
        **inner_fields(numerics, cols),
    }


@st.composite
def _copies(draw: st.DrawFn, _machine: Hardware) -> Load | Store:
    def number(lo: int, hi: int) -> int:
        return draw(st.integers(lo, hi))

    row_bytes = number(1, 200)
    place: dict[str, Any] = {"rows": number(1, 4), "row_bytes": row_bytes}
    near, far, offset = row_bytes + number(0, 3), number(0, 150), number(0, 9)
    regions = {Space.ACT: ACT_REGION, Space.WEIGHT: WEIGHT_REGION, Space.PARAM: PARAM_REGION}
    space = draw(st.sampled_from((*Space, None)))
    dram_addr = number(0, 999) + CONSTANT_BYTES * (space in (Space.ACT, None))
    if space is None:
        return Store(
            spad_addr=ACT_REGION["dma"] + offset,
            spad_stride=near,
            dram_addr=dram_addr,
            dram_stride=row_bytes + far,
            **place,
        )
    return Load(
        space=space,
        spad_addr=regions[space]["dma"] + offset,
        spad_stride=near,
        dram_addr=dram_addr,
        dram_stride=2 * far,
        **place,
    )


@st.composite
def _vectors(draw: st.DrawFn, _machine: Hardware) -> Instruction:
    place = {
        "x_addr": ACT_REGION["vec_in"] + draw(st.integers(0, 9)),
        "out_addr": ACT_REGION["vec_out"] + draw(st.integers(0, 9)),
    }
    return draw(st.sampled_from(VECTORS))(draw, place, PARAM_REGION["vec"])


SHAPES: dict[Engine, Any] = {Engine.DMA: _copies, Engine.MAC: _blocks, Engine.VEC: _vectors}
"""Strategies of an engine's instructions, given the hardware; of the MAC engine's, a MAC and a REQ."""
