"""Names and numbers that the source formats (SystemVerilog, VHDL, C) declare beside the arrays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fxsim.rtl.vectors.arrays import VectorArray, VectorSet


def numbers(vectors: VectorSet) -> dict[str, int]:
    """Integer constants by upper-case name: of the arithmetic, the window, every array's size and tables' columns."""
    shared = {**vectors.geometry, **{name: n for name, n in vectors.rule.items() if isinstance(n, int)}}
    found = {name.upper(): number for name, number in shared.items()}
    for array in vectors.arrays:
        found.update(_of_array(array))
    return found


def prefix(vectors: VectorSet) -> str:
    """What tells the names of one layer from those of another: ``layer3``."""
    return f"layer{vectors.layer}"


def title(vectors: VectorSet) -> str:
    """One line of ASCII that says which layer of what; it ends with a quotation mark, so it may be a comment."""
    layer, program = vectors.program.layers[vectors.layer], vectors.program
    where = " on ".join(json.dumps(name) for name in (program.name, program.hardware.name))
    return f"fxsim golden vectors: layer {vectors.layer} {json.dumps(layer.name)} ({layer.op}) of {where}"


def about(array: VectorArray) -> list[str]:
    """Lines that explain an array."""
    shape = " x ".join(f"{size} ({axis})" for size, axis in zip(array.codes.shape, array.axes, strict=True))
    lines = [f"{array.name}: {array.meaning}", f"{shape}, {'signed' if array.signed else 'unsigned'} {array.bits} bits"]
    if array.columns:
        lines.append("columns: " + ", ".join(array.columns))
    return lines


def _of_array(array: VectorArray) -> dict[str, int]:
    stem = array.name.upper()
    sizes = {f"{stem}_WORDS": len(array.words), f"{stem}_BITS": array.bits}
    if array.packed:
        sizes[f"{stem}_LANES"] = array.lanes
    return {**sizes, **{f"{stem}_{column.upper()}": i for i, column in enumerate(array.columns)}}
