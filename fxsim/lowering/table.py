"""Lowering of operators that map every code by itself: the operator's own results for the 256 codes are a table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import HardwareError
from fxsim.isa import Lut, Space
from fxsim.lowering.flat import prepare_flat
from fxsim.lowering.tiling import load
from fxsim.ops import OPERATORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.isa import Instruction
    from fxsim.lowering.base import Emit, Site


def prepare_table(site: Site) -> Emit:
    """Load the table once, then look codes up chunk by chunk.

    Raises
    ------
    HardwareError
        A scratchpad cannot hold the table, or one code and its entry.
    """
    dtype, room = site.source.dtype, site.hardware.timing.param_spad_bytes
    codes = np.arange(dtype.lo, dtype.hi + 1).astype(dtype.numpy)
    entries = OPERATORS[site.node.op].run(site.net, site.node, [codes[None]], None).outputs[0]
    table = entries.astype(entries.dtype.newbyteorder("<")).tobytes()
    if len(table) > room:
        raise HardwareError(
            f"parameter scratchpad must hold the {len(table)} bytes of a table", got=room, where=site.where
        )
    table_addr = site.constants.add(table)

    def compute(count: int, x_addr: int, out_addr: int) -> Lut:
        return Lut(
            count=count,
            x_addr=x_addr,
            out_addr=out_addr,
            entry_bytes=entries.dtype.itemsize,
            x_signed=int(dtype.lo < 0),
        )

    emit_chunks = prepare_flat(site, (1, entries.dtype.itemsize), compute)

    def emit(operands: tuple[int, ...], target: int) -> Iterator[Instruction]:
        at = site.buffers.take(Space.PARAM, len(table))
        yield from load(Space.PARAM, table_addr, at, len(table))
        for instruction in emit_chunks(operands, target):
            yield replace(instruction, table_addr=at) if isinstance(instruction, Lut) else instruction

    return emit
