"""What all MAC and REQ instructions of a layer have in common: the arithmetic's rule, and the window's geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import ProgramError
from fxsim.isa import InnerOverflow, Mac, Order, Req, ZeroPoint
from fxsim.numerics import Overflow, Reduction, scheme_of

if TYPE_CHECKING:
    from fxsim.isa import Instruction, Program

_MODES = {"overflow": Overflow, "reduction": Reduction, "order": Order, "zero_point": ZeroPoint}
_WINDOW = ("kh", "kw", "stride_y", "stride_x", "dil_y", "dil_x", "depth_mult")


def layer_rule(program: Program, number: int) -> dict[str, int | str]:
    """Modes by name, widths, zero points and clamps of layer `number`.

    Raises
    ------
    ProgramError
        The layer has no REQ, or its instructions differ in one of these.
    """
    sums = {name: _common(program, number, Mac, name) for name in (*_MODES, "acc_bits", "internal_bits", "x_zero")}
    reads = {name: _common(program, number, Req, name) for name in ("out_zero", "clamp_lo", "clamp_hi", "add_bias")}
    scheme = scheme_of(_common(program, number, Req, "scheme"))
    named = {name: kind(sums[name]).name.lower() for name, kind in _MODES.items()}
    return {**sums, **named, **_inner_rule(program, number), "scheme": scheme.name, **reads}


def _inner_rule(program: Program, number: int) -> dict[str, int | str]:
    """Width, groups and mode of the inner accumulators, if the layer has them."""
    found = {name: _common(program, number, Mac, name) for name in ("inner_bits", "inner_groups", "inner_overflow")}
    if not found["inner_bits"]:
        return {}
    return {**found, "inner_overflow": InnerOverflow(found["inner_overflow"]).name.lower()}


def layer_geometry(program: Program, number: int) -> dict[str, int]:
    """Shape of the input as images of pixels, the window over it, and the padding before the first pixel.

    A FULLY_CONNECTED layer is a 1 x 1 window over one row, a pixel per vector.

    Raises
    ------
    ProgramError
        The layer's instructions differ in their window, or its shapes are no images.
    """
    layer = program.layers[number]
    window = {name: _common(program, number, Mac, name) for name in _WINDOW}
    window["depth_mult"] *= _common(program, number, Mac, "private_x")
    (images, in_h, in_w, channels), (_, out_h, out_w, _) = _images(program, number)
    extents = (("y", in_h, out_h, "kh"), ("x", in_w, out_w, "kw"))
    pads = {f"pad_{a}": _before(size, out, window[k], window[f"stride_{a}"], window[f"dil_{a}"])
            for a, size, out, k in extents}  # fmt: skip
    places = {"images": images, "in_h": in_h, "in_w": in_w, "in_channels": channels, "out_h": out_h, "out_w": out_w}
    return {**places, "out_channels": layer.channels, **window, **pads}


def _common(program: Program, number: int, cls: type[Instruction], name: str) -> int:
    table = program.columns.table(cls)
    values = np.unique(table[name][program.layer_of[table.index] == number])
    if len(values) != 1:
        where = f"layer {program.layers[number].name!r}"
        raise ProgramError(f"field {name} of its {cls.mnemonic}s must have one value", got=values.tolist(), where=where)
    return int(values[0])


def _images(program: Program, number: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    layer = program.layers[number]
    if layer.op == "FULLY_CONNECTED":
        vectors = int(np.prod(layer.out_shapes[0][:-1]))
        return (1, 1, vectors, layer.in_shapes[1][-1]), (1, 1, vectors, layer.channels)
    shapes = layer.in_shapes[0], layer.out_shapes[0]
    if {len(shape) for shape in shapes} != {4}:
        raise ProgramError("input and output must be images [N, H, W, C]", got=shapes, where=f"layer {layer.name!r}")
    return shapes


def _before(size: int, outputs: int, kernel: int, stride: int, dilation: int) -> int:
    """Padding before the first element: TFLite puts the lesser half of what the windows need there."""
    reach = (outputs - 1) * stride + (kernel - 1) * dilation + 1
    return max(reach - size, 0) // 2
