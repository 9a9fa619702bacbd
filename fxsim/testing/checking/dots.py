"""Kernels as programs for the machine: dot products, and their requantization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim.isa import (
    Init,
    Instruction,
    Layer,
    Load,
    Mac,
    Order,
    Program,
    Req,
    Semaphore,
    Space,
    encode,
    inner_fields,
)
from fxsim.numerics import Overflow, Reduction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.hw import Hardware

    Ints = NDArray[np.int64]

_LEAST = 16
"""Bytes of the smallest scratchpad."""


@dataclass(frozen=True, slots=True, eq=False)
class Dots:
    """Operands of rows that share their activations.

    Attributes
    ----------
    x : int64 [k]
        Activation codes.
    w : int64 [n, k]
        Weight codes.
    bias : int64 [n]
        Where the sums start; exact.
    word : int or int64 [n]
        Requantization word of all rows, or of each.
    """

    x: Ints
    w: Ints
    bias: Ints
    word: int | Ints = 0


def dot_program(hw: Hardware, dots: Dots, req: dict[str, Any] | None = None) -> Program:
    """Return the program of one MAC over `dots` and, given fields of it, one REQ, in scratchpads of the size needed."""
    images = _images(hw, dots)
    act, weight, param = map(len, images)
    machine = hw.replace(
        act_spad_bytes=max(_LEAST, act + 2 * len(dots.bias)),
        weight_spad_bytes=max(_LEAST, weight),
        param_spad_bytes=max(_LEAST, param),
    )
    code: list[Instruction] = []
    for space, start, data in zip(Space, _starts(images), images, strict=True):
        last = space is Space.PARAM
        code.append(Load(space=space, dram_addr=start, rows=1, row_bytes=len(data), pushes=last << Semaphore.DMA_MAC))
    code.append(_mac(machine, dots))
    if req is not None:
        code.append(_req(machine, len(dots.bias), {"out_addr": act, **req}))
    constants = b"".join(images)
    return Program(
        name="kernel",
        profile="tflite",
        hardware=machine,
        code=encode(code),
        constants=constants,
        dram_bytes=len(constants),
        symbols=(),
        layers=(Layer("kernel", "FULLY_CONNECTED", dots.w.size, (), (), (), channels=len(dots.bias)),),
        layer_of=np.zeros(len(code), np.int32),
        batched=True,
    )


def _images(hw: Hardware, dots: Dots) -> tuple[bytes, bytes, bytes]:
    """Activations, the padded weight tile, row records."""
    n, k = dots.w.shape
    tile = np.zeros((-(-k // hw.timing.cols) * hw.timing.cols, hw.timing.rows), np.int64)
    tile[:k, :n] = (dots.w[:, ::-1] if hw.numerics.order == "reversed" else dots.w).T  # in the order of the stream
    records = np.stack([dots.bias, np.full(n, dots.word)], axis=1).astype("<i8").tobytes()
    act, weight = (2 if bits > 8 else 1 for bits in (hw.numerics.act_bits, hw.numerics.weight_bits))
    return dots.x.astype(f"<i{act}").tobytes(), tile.astype(f"<i{weight}").tobytes(), records


def _starts(images: tuple[bytes, ...]) -> list[int]:
    return [sum(map(len, images[:i])) for i in range(len(images))]


def _modes(hw: Hardware) -> dict[str, Any]:
    n = hw.numerics
    return {"overflow": Overflow[n.overflow.upper()], "acc_bits": n.acc_bits, "internal_bits": n.acc_internal_bits}


def _mac(hw: Hardware, dots: Dots) -> Mac:
    numerics, (n, k) = hw.numerics, dots.w.shape
    return Mac(
        pops=1 << Semaphore.DMA_MAC,
        first=1,
        last=1,
        load_params=1,
        init=Init.ZERO if numerics.bias_order == "last" else Init.BIAS,
        reduction=Reduction[numerics.reduction.upper()],
        order=Order[numerics.order.upper()],
        rows=n,
        positions=1,
        pixel_pitch=k * (1 + (numerics.act_bits > 8)),
        tile_h=1,
        tile_w=1,
        out_w=1,
        kh=1,
        kw=1,
        channels=k,
        k_count=k,
        depth_mult=1,
        x_signed=1,
        w_signed=1,
        x_wide=int(numerics.act_bits > 8),
        w_wide=int(numerics.weight_bits > 8),
        **_modes(hw),
        **inner_fields(numerics, hw.timing.cols),
    )


def _req(hw: Hardware, rows: int, fields: dict[str, Any]) -> Req:
    lo, hi = fields["clamp_lo"], fields["clamp_hi"]
    wide = int(lo < -128 or hi > (127 if lo < 0 else 255))
    return Req(
        rows=rows,
        positions=1,
        out_w=1,
        out_pitch=rows << wide,
        out_row_pitch=rows << wide,
        out_wide=wide,
        **_modes(hw),
        **fields,
    )
