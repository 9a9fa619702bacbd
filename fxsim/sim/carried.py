"""The numerics of one layer as a program's instructions carry them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from fxsim._core.errors import ProgramError
from fxsim.isa import InnerOverflow, Mac, Merge, Order, Req, ZeroPoint
from fxsim.numerics import Overflow, scheme_of

if TYPE_CHECKING:
    from fxsim.hw import Numerics
    from fxsim.isa import Instruction, Program


def carried_numerics(program: Program, number: int) -> Numerics:
    """Width, overflow rule, order, split, zero points and requantizer of layer `number`; any bias is applied.

    Raises
    ------
    ProgramError
        The layer has no MAC or no REQ.
    """
    mac, req = (_first(program, number, cls) for cls in (Mac, Req))
    if mac is None or req is None:
        raise ProgramError("layer must have accumulators", where=f"layer {program.layers[number].name!r}")
    merge = _first(program, number, Merge)
    field = program.columns.field
    return dataclasses.replace(
        program.hardware.numerics,
        acc_bits=int(field("acc_bits")[mac]),
        acc_internal_bits=int(field("internal_bits")[mac]),
        overflow=Overflow(field("overflow")[mac]).name.lower(),
        order=Order(field("order")[mac]).name.lower(),
        zero_point=ZeroPoint(field("zero_point")[mac]).name.lower(),
        bias_order="last" if field("add_bias")[req] else "first",
        inner_bits=int(field("inner_bits")[mac]),
        inner_products=_inner_products(program, mac),
        inner_overflow=InnerOverflow(field("inner_overflow")[mac]).name.lower(),
        split_k=1 if merge is None else int(field("parts")[merge]),
        requantizer=scheme_of(int(field("scheme")[req])).name,
        multiplier_bits=32 - int(field("multiplier_cut")[req]),
        multipliers="tensor" if field("one_word")[req] else "channel",
        bias_bits=64,
        bias_policy="apply",
    )


def _inner_products(program: Program, mac: int) -> int:
    """Products between the spills of an inner accumulator; what the hardware says where the layer has none."""
    groups = int(program.columns.field("inner_groups")[mac])
    return groups * program.hardware.timing.cols if groups else program.hardware.numerics.inner_products


def _first(program: Program, number: int, cls: type[Instruction]) -> int | None:
    rows = program.columns.rows_of(cls)
    own = rows[program.layer_of[rows] == number]
    return int(own[0]) if own.size else None
