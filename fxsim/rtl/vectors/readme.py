"""The ``README.md`` of a folder of golden vectors, for a designer who has nothing but the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fxsim.rtl.vectors.arrays import VectorSet

_COLUMNS = {
    "line": "first line of the tile in `weight_tiles`",
    "channel": "output channel of the first row (`readouts`: of the first code)",
    "rows": "active rows; row n works on output channel `channel + n`",
    "k_start": "first position of the stream in the tile",
    "k_count": "positions of the stream; -1 for a MERGE",
    "w_zero": "weight zero point",
    "cycle": "`issues`: when the last operands of the issue enter the array; `readouts`: when the requantizer starts",
    "commit": "cycle at whose end the result is written",
    "instruction": "number of the MAC, MERGE or REQ in the program",
    "group": "pass of the array within the instruction",
    "position": "output position within the instruction's block",
    "half": "half of the accumulator bank",
    "slot": "accumulator within the half",
    "init": "what the sum starts from: 0 the bias (put through the overflow rule), 1 zero, 2 what the slot holds",
    "inner_init": "what the inner accumulator starts from: 1 zero, 2 what it holds; -1 for a MERGE",
    "spills": "1: the inner accumulator is added to the slot, 0: the slot stays as it is; -1 for a MERGE",
    "tile": "number of the weight tile; -1 for a MERGE, which adds slot `merged_slot` instead of products",
    "k": "first position of the stream that the issue adds; -1 for a MERGE",
    "merged_slot": "slot of the same half that a MERGE adds; -1 for a MAC",
    "pixel": "number of the output pixel: (image * out_h + row) * out_w + column",
    "row": "row of the first code",
    "count": "codes of the beat",
    "address": "byte address of the first code in the activation scratchpad",
}

_SUMS = """\
`ifm` counts images, rows, columns, channels, the last fastest. Output pixel (oy, ox) sees input pixel
(oy * stride_y - pad_y + ky * dil_y, ox * stride_x - pad_x + kx * dil_x) at tap (ky, kx); a tap outside the image is
fed `x_zero`. The stream of a sum counts k = (ky * kw + kx) * in_channels + channel; with `depth_mult` > 0 (depthwise)
k = ky * kw + kx, and output channel n reads input channel n div depth_mult. `order` = reversed: position k of the
stream is K - 1 - k of these. A fully connected layer is a 1 x 1 window over one row of pixels, one per vector.

A product is x * (w - w_zero); `zero_point` = subtract: (x - x_zero) * (w - w_zero). An issue adds its `k_count`
products to one accumulator of every active row: `reduction` = tree adds their exact sum in one application of the
overflow rule, chain adds product after product, each by the rule. The rule takes the exact result: saturate and trap
clamp it to `acc_bits`, wrap keeps its low `acc_bits`, readout keeps its low `internal_bits` and is clamped to
`acc_bits` when it is read out. Position k of a tile stands in line `line + k - k_start` of `weight_tiles`, row n in
lane n.
"""
_INNER = """\
Every slot has an inner accumulator of `inner_bits` in front. A MAC adds its products to that one, by the rule
`inner_overflow`; where it `spills`, behind every `inner_groups` issues of a position and behind the last one, one
application of the rule above adds it to the slot. A MERGE adds to the slot itself.
"""
_DOUBLE = (
    "v = acc * 2^max(shift, 0), wrapped to W = max(32, acc_bits) bits; v = v * multiplier / 2^31, ties up, saturated to"
    " W bits; v = v / 2^max(-shift, 0), ties"
)
_SCHEMES = {
    "TFL_DOUBLE": f"{_DOUBLE} away from zero",
    "TFL_DOUBLE_UP": f"{_DOUBLE} up",
    "TFL_SINGLE": "v = acc * multiplier / 2^(31 - shift), ties up",
    "TFL_DOUBLE_FP": "v = acc * factor in binary64, rounded to a whole number, ties away from zero",
    "FP32_RNE": "v = acc * factor, each and the product in binary32, clamped to `clamp_lo` - `out_zero` .. `clamp_hi` -"
    " `out_zero`, then rounded to a whole number, ties to even",
    "RNDNU": "v = acc * multiplier / 2^shift, ties up",
    "MBQM64": "m = min(floor((multiplier + 2^15) / 2^16), 2^15 - 1); v = acc * m / 2^(15 - shift), ties up, wrapped to"
    " max(32, acc_bits) bits",
    "RHAWAY_SHIFT": "v = acc * multiplier / 2^shift, ties away from zero",
    "REVEN_SHIFT": "v = acc / 2^shift, ties to even",
    "FLOOR": "v = acc * multiplier / 2^(31 - shift), rounded down",
}


def readme_text(vectors: VectorSet, places: Mapping[str, str], use: str) -> str:
    """Markdown text; `places` says in which file each array stands, `use` how the format is read."""
    return "\n".join(_lines(vectors, places, use)) + "\n"


def _lines(vectors: VectorSet, places: Mapping[str, str], use: str) -> Iterator[str]:
    program, layer = vectors.program, vectors.program.layers[vectors.layer]
    yield f"# Golden vectors of layer {vectors.layer}, {_code(layer.name)} ({layer.op})"
    yield ""
    yield f"Network {_code(program.name)}, arithmetic of profile `{program.profile}`, one sample,"
    yield f"hardware {_code(program.hardware.name)}. Every number is exact. `vectors.json` says the same for"
    yield "programs: shapes, widths, sha256 of every file, the whole hardware description, and the program's hash."
    yield from ("", "## Files", "")
    yield from _table(("array", "file", "shape", "bits", "codes per word", "content"), _arrays(vectors, places))
    yield from ("", use)
    yield from ("## Tensors", "", "A code stands for scale * (code - zero point).", "")
    yield from _table(("array", "tensor", "scale", "zero point"), _tensors(vectors))
    if vectors.rule:
        yield from _arithmetic(vectors)


def _arithmetic(vectors: VectorSet) -> Iterator[str]:
    cycles = vectors.cycles
    yield from ("", "## Columns of the tables", "")
    used = dict.fromkeys(name for array in vectors.arrays for name in array.columns)
    yield from _table(("column", "meaning"), ((f"`{name}`", _COLUMNS[name]) for name in used))
    yield ""
    yield "Word i of accumulators and of overflow events belongs to word i of `issues`; word i of `codes` to word i"
    yield f"of `readouts`. Cycles count from the program's first; the program takes {cycles['program']:,}, the layer's"
    yield f"window begins at {cycles['layer_begin']:,} and takes {cycles['layer_cycles']:,}."
    yield from ("", "## What the layer computes", "", _SUMS)
    if "inner_bits" in vectors.rule:
        yield _INNER
    yield from _requantizer(vectors)
    yield ""
    constants = {**vectors.rule, **vectors.geometry}
    yield from _table(("name", "value"), ((f"`{name}`", str(value)) for name, value in constants.items()))


def _requantizer(vectors: VectorSet) -> Iterator[str]:
    if vectors.rule["add_bias"]:
        yield "The bias comes last: it is added, by the rule, to the register on its way to the requantizer."
        yield ""
    scheme = str(vectors.rule["scheme"])
    yield f"Requantizer {scheme}: {_SCHEMES[scheme]}."
    yield "The code is v + `out_zero`, clamped to `clamp_lo` .. `clamp_hi`; it is element"
    yield "pixel * out_channels + channel of `ofm`."


def _arrays(vectors: VectorSet, places: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    for array in vectors.arrays:
        shape = " x ".join(map(str, array.codes.shape)) or "1"
        sign = "" if array.signed else ", unsigned"
        axes = f" ({', '.join(array.axes)})" if array.axes else ""
        meaning = f"{array.meaning}{axes}"
        yield f"`{array.name}`", f"`{places[array.name]}`", shape, f"{array.bits}{sign}", str(array.lanes), meaning


def _tensors(vectors: VectorSet) -> Iterator[tuple[str, ...]]:
    for name, tensor in vectors.tensors.items():
        scale, zero = (", ".join(map(repr, tensor[key])) or "-" for key in ("scale", "zero_point"))
        yield f"`{name}`", _code(str(tensor["name"])), scale, zero


def _table(headers: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for cells in (headers, ("---",) * len(headers), *rows):
        yield f"| {' | '.join(cells)} |"


def _code(name: str) -> str:
    """A name from a model as inline code that no character of it can leave."""
    return "`" + "".join(c if c.isprintable() and c not in "`|" else "?" for c in name) + "`"
