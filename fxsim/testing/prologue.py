"""Data for random programs: images of what MACs read, and the LOADs that bring them there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from fxsim.isa import RECORD_BYTES, Engine, Instruction, Load, Mac, Semaphore, Space, Store
from fxsim.numerics import IntFormat
from fxsim.testing.integers import codes, tensors
from fxsim.testing.requants import requants
from fxsim.testing.shapes import ACT_REGION, MAC_REGION, PARAM_REGION, WEIGHT_REGION, scheme_of_machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.hw import Hardware, Numerics

_BIAS_BITS = 52
"""Exact sums of biases, some merges later too, stay far below 63 bits."""
_KINDS = 4
"""Most different row records of a program."""


@dataclass(frozen=True, slots=True)
class Image:
    """Bytes at a place of a scratchpad."""

    space: Space
    address: int
    data: bytes


@st.composite
def mac_images(draw: st.DrawFn, machine: Hardware, macs: Sequence[Mac]) -> list[Image]:
    """Random bytes for all that `macs` read, but for images of zeros."""
    numerics, rows, cols = machine.numerics, machine.timing.rows, machine.timing.cols
    images = []
    for signed, region in enumerate(MAC_REGION):
        x = [mac for mac in macs if mac.x_signed == signed]
        start, zeros = ACT_REGION[region], {mac.x_zero for mac in x}
        end = max((mac.x_addr + mac.tile_h * mac.tile_w * mac.pixel_pitch for mac in x), default=start)
        data = draw(_code_bytes(IntFormat(numerics.act_bits, bool(signed)), end - start, zeros))
        images.append(Image(Space.ACT, start, data))
        w = [mac for mac in macs if mac.w_signed == signed]
        start, zeros = WEIGHT_REGION[region], {mac.w_zero for mac in w}
        end = max((mac.w_addr + (_tile_codes(mac, rows, cols) << mac.w_wide) for mac in w), default=start)
        data = draw(_code_bytes(IntFormat(numerics.weight_bits, bool(signed)), end - start, zeros))
        images.append(Image(Space.WEIGHT, start, data))
    start = PARAM_REGION["mac"]
    end = max((mac.p_addr + mac.rows * RECORD_BYTES for mac in macs), default=start)
    images.append(Image(Space.PARAM, start, draw(_records(numerics, (end - start) // RECORD_BYTES))))
    return [image for image in images if any(image.data)]


def with_prologue(instructions: Sequence[Instruction], images: Sequence[Image]) -> list[Instruction]:
    """Return the instructions behind LOADs of `images`, which stand one by one at the start of the constants.

    The first instruction of the MAC engine waits for them: by a token of their own, or by that of a DMA instruction
    behind them. All other DMA instructions find their part of DRAM behind the images.
    """
    starts = list(accumulate((len(image.data) for image in images), initial=0))
    loads: list[Instruction] = [
        Load(space=image.space, dram_addr=start, spad_addr=image.address, rows=1, row_bytes=len(image.data))
        for image, start in zip(images, starts, strict=False)
    ]
    body = [_moved(i, starts[-1]) for i in instructions]
    waiting = next((n for n, i in enumerate(body) if i.engine is Engine.MAC), None)
    token = 1 << Semaphore.DMA_MAC
    if loads and waiting is not None and not body[waiting].pops & token:
        loads[-1] = replace(loads[-1], pushes=token)
        body[waiting] = replace(body[waiting], pops=body[waiting].pops | token)
    return loads + body


def _moved(instruction: Instruction, distance: int) -> Instruction:
    if isinstance(instruction, Load | Store):
        return replace(instruction, dram_addr=instruction.dram_addr + distance)
    return instruction


def _tile_codes(mac: Mac, rows: int, cols: int) -> int:
    """Codes of a stored weight tile, padding included."""
    return -(-mac.k_count // cols) * cols * rows


@st.composite
def _code_bytes(draw: st.DrawFn, fmt: IntFormat, size: int, zeros: set[int]) -> bytes:
    """`size` bytes of codes in one or two bytes each, near the zero points."""
    width = 1 + (fmt.bits > 8)
    drawn = draw(tensors((size // width,), fmt, *sorted(zeros)))
    return (drawn & ((1 << 8 * width) - 1)).astype(f"<u{width}").tobytes()


def _biases(numerics: Numerics) -> st.SearchStrategy[int]:
    """Biases of which most lie near an end of the accumulator, where the next product leads out of it."""
    stored = IntFormat(min(numerics.bias_bits, _BIAS_BITS))
    register = numerics.acc_internal_bits if numerics.overflow == "readout" else numerics.acc_bits
    formats = [IntFormat(min(bits, _BIAS_BITS)) for bits in (register, numerics.acc_bits)]
    ends = [end for fmt in formats for end in (fmt.hi, fmt.lo)]
    near = st.builds(lambda end, d: stored.saturate(end + d), st.sampled_from(ends), st.integers(-3, 3))
    return st.one_of(codes(stored), near, near)


@st.composite
def _records(draw: st.DrawFn, numerics: Numerics, count: int) -> bytes:
    """`count` row records, of at most `_KINDS` kinds; all words are equal where the machine has one multiplier."""
    scheme, bits = scheme_of_machine(numerics), numerics.multiplier_bits
    kinds = draw(st.integers(1, _KINDS))
    words = draw(requants(scheme, 1 if numerics.multipliers == "tensor" else kinds, multiplier_bits=bits)).words()
    biases = draw(st.lists(_biases(numerics), min_size=kinds, max_size=kinds))
    records = np.stack([np.resize(biases, count), np.resize(words, count)], axis=1)
    return records.astype("<i8").tobytes()
