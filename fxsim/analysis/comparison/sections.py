"""A comparison in sections: what the console prints and the HTML page shows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fxsim._core.tables import Table, short_name
from fxsim.analysis.comparison.mechanisms import MEANINGS, UNEXPLAINED, Mechanism
from fxsim.analysis.comparison.paired import METHOD
from fxsim.analysis.sections import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fxsim.analysis.comparison.record import Comparison, Differences, EndToEnd, LayerComparison

_LAYERS_TEXT = (
    "Exact against fake-quantized codes; differences are exact less fake-quantized, in LSB of the layer's own scale. "
    "SQNR: fake quantization over the difference, then fake quantization and the exact run against the float run."
)
_CAUSES_TEXT = (
    "Every differing element has one cause: the last switch at which it goes from equal to different as the mechanisms "
    "are switched on one after the other, in this order. Alone counts the differing elements for which a mechanism "
    "makes a difference when it is the only one on; one element may count several times."
)
_NO_ANSWERS = Part("Answers", "", (), ("No top-1 answers: the first output has a single element per sample.",))
_NAMES = {"float": "float", "fake_quant": "fake-quantized", "exact": "exact"}


def comparison_sections(found: Comparison) -> list[Part]:
    """The parts that a comparison has, in reading order."""
    parts = [_layers(found)]
    parts.append(_NO_ANSWERS if found.end is None else _end(found.end))
    parts.append(_causes(found))
    if found.worst is not None:
        parts.append(_worst(found.worst))
    if found.requantizers is not None:
        parts.append(found.requantizers.part())
    return parts


def _layers(found: Comparison) -> Part:
    heads = ["#", "layer", "op", "elements", "differ", "%", "max LSB", "mean LSB", "mean |LSB|", "SQNR dB", "cosine",
             "fake to float dB", "exact to float dB", *(f"{name}: differ" for name in found.runtimes)]  # fmt: skip
    rows = [_layer_row(layer, found.runtimes) for layer in found.layers]
    title = f"Exact against fake-quantized, {found.samples:,} samples"
    tables = [Table(title, heads, rows), *([_firsts(found)] if found.mismatches else [])]
    return Part("Layers", _LAYERS_TEXT, tuple(tables), _equal(found))


def _layer_row(layer: LayerComparison, runtimes: Sequence[str]) -> list[object]:
    free = layer.free
    share = 100 * free.mismatches / free.elements
    to_float = [_number(layer.to_float[name].sqnr_db) for name in ("fake_quant", "exact")]
    named = [layer.number, short_name(layer.name), layer.op, free.elements, free.mismatches, share]
    sizes = [free.max_abs_lsb, free.mean_lsb, free.mean_abs_lsb, _number(free.fidelity.sqnr_db)]
    cosine = _number(free.fidelity.cosine, "{:.6f}".format)
    return [*named, *sizes, cosine, *to_float, *(layer.runtimes.get(name, "") for name in runtimes)]


def _number(value: float, text: Callable[[float], object] = float) -> object:
    """Nothing where there is no finite number."""
    return text(value) if math.isfinite(value) else ""


def _equal(found: Comparison) -> tuple[str, ...]:
    """Said where nothing differs."""
    if found.mismatches:
        return ()
    return ("Fake-quantized and exact run are equal in every element of every layer.",)


def _firsts(found: Comparison) -> Table:
    """Where every layer differs for the first time, and why."""
    heads = ["#", "layer", "sample", "element", "fake-quantized", "exact", "cause", "enough alone"]
    rows = [_first_row(layer) for layer in found.layers if layer.free.first is not None]
    return Table("First differing elements", heads, rows)


def _first_row(layer: LayerComparison) -> list[object]:
    where = layer.free.first
    assert where is not None  # asked for where there is one
    sample, *place = where.index
    codes = (where.fake, where.exact)
    element = ", ".join(map(str, place))
    return [layer.number, short_name(layer.name), sample, element, *codes, where.cause, ", ".join(where.also)]


def _end(end: EndToEnd) -> Part:
    heads, rows = ["runs", "same answer", "%"], []
    for pair, count in end.agreements.items():
        named = " = ".join(_NAMES[run] for run in pair.split(" = "))
        rows.append([named, count, 100 * count / end.samples])
    tables = [Table(f"Top-1 of '{short_name(end.output)}', {end.samples:,} samples", heads, rows)]
    if end.correct is None or end.difference is None:
        return Part("Answers", "", tuple(tables))
    scores: list[list[object]] = [[_NAMES[name], n, 100 * n / end.samples] for name, n in end.correct.items()]
    tables.append(Table("Accuracy", ["run", "right", "%"], scores))
    return Part("Answers", f"95 % interval: {METHOD}.", tuple(tables), (_difference(end),))


def _difference(end: EndToEnd) -> str:
    paired = end.difference
    assert paired is not None  # asked for with labels only
    low, high = (100 * end for end in paired.interval)
    return (
        f"Exact less fake-quantized accuracy: {100 * paired.difference:+.2f} points, 95 % interval {low:+.2f} to "
        f"{high:+.2f}; {paired.second_only:,} samples only the exact run gets right, {paired.first_only:,} only the "
        "fake-quantized one."
    )


def _causes(found: Comparison) -> Part:
    free = _cause_table("Causes, the whole network", found, lambda layer: layer.free)
    title = "Causes, every layer alone on fake quantization's operands"
    isolated = _cause_table(title, found, lambda layer: layer.isolated)
    seen = {cause for layer in found.layers for cause in (*layer.free.causes, *layer.isolated.causes)}
    meanings: list[list[object]] = [[mechanism, text] for mechanism, text in MEANINGS.items() if mechanism in seen]
    key = Table("What they are", ["cause", "switched on"], meanings)
    return Part("Causes", _CAUSES_TEXT, (free, isolated, key) if meanings else (free, isolated))


def _cause_table(title: str, found: Comparison, side: Callable[[LayerComparison], Differences]) -> Table:
    """One line per layer: differing elements by cause, and those for which the mechanism is enough alone."""
    sides = [side(layer) for layer in found.layers]
    columns = [m for m in Mechanism if any(m in here.causes or m in here.also for here in sides)]
    heads = ["#", "layer", "differ", *(head for m in columns for head in (m, "alone")), UNEXPLAINED]
    rows = []
    for layer, here in zip(found.layers, sides, strict=True):
        counts = [n for m in columns for n in (here.causes.get(m, 0), here.also.get(m, 0))]
        row = [layer.number, short_name(layer.name), here.mismatches, *counts, here.unexplained]
        rows.append(row)
    return Table(title, heads, rows)


def _worst(layer: LayerComparison) -> Part:
    free = layer.free
    rows: list[list[object]] = [[d, n, 100 * n / free.elements] for d, n in free.histogram.items()]
    title = f"Differences of layer {layer.number} '{short_name(layer.name)}', 1 LSB = {layer.scale:.6g}"
    return Part("The layer that differs most", "", (Table(title, ["LSB", "elements", "%"], rows),))
