"""An accumulator report in sections: what the console prints and the HTML page shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim._core.tables import Table, short_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fxsim.analysis.accumulator_report import AccumulatorReport, LayerAccumulators
    from fxsim.analysis.forensics import Forensics, LayerForensics
    from fxsim.analysis.width_result import CurvePoint, WidthSweep

_BITS = {
    "type": "type", "a2q_type": "A2Q type", "l1": "L1", "a2q_l1": "A2Q L1", "exact_wrap": "exact, final",
    "exact_saturate": "exact, prefixes", "propagated_wrap": "propagated, final", "propagated": "propagated, prefixes",
    "calibrated_wrap": "calibrated, final", "calibrated": "calibrated, prefixes", "observed": "observed",
    "output_equal": "OFM equal", "inner": "inner", "inner_observed": "inner, observed",
}  # fmt: skip
_BITS_TEXT = (
    "Signed bits of the layer's widest channel, the bias as loaded included (A2Q's formulas: without bias). Type, L1, "
    "exact and propagated are theorems: wrap and readout need the final sum in range, saturate and trap every prefix. "
    "Propagated takes the IFM's range from the layers before, which then do not overflow either. Calibrated (the IFM's "
    "range on the samples), observed and OFM equal hold for the samples seen, not beyond. Attained: whether an input "
    "of the layer, or of the network, is known to need the exact width; the last column is what a known input needs."
)
_INNER_TEXT = (
    "Inner: what the inner accumulators of {} bits need to spill exact sums, by propagated ranges. Where they do not "
    "fit, the other widths are those of the exact sums: no outer width makes every output exact, and no witness is "
    "sought."
)
_NO_SWEEPS = "Outer widths are not swept: the accumulators have an inner stage."
_NO_ASSIGNMENTS = "No widths are assigned layer by layer: inner accumulators may overflow."
_FORENSICS_TEXT = (
    "On the hardware as it is. Masked: the OFM code is that of the exact sum all the same, because rounding or the "
    "output clamp hides the overflow."
)


@dataclass(frozen=True, slots=True)
class Part:
    """A heading, what to know, tables, and sentences below them."""

    title: str
    text: str
    tables: tuple[Table, ...]
    sentences: tuple[str, ...] = ()

    def plain(self) -> str:
        """As text for the console: the tables have titles of their own."""
        return "\n\n".join(
            [*(table.text() for table in self.tables), *(["\n".join(self.sentences)] if self.sentences else [])]
        )


def sections(report: AccumulatorReport) -> list[Part]:
    """The parts that `report` has, in reading order."""
    parts = [_bits(report)]
    if report.observation is not None:
        parts.append(Part("Observed", "", (report.observation.table(),)))
    if report.network_sweep is not None:
        parts.append(_curves(report.network_sweep))
    if report.forensics is not None:
        parts.append(_forensics(report.forensics, report.samples))
    if report.orders:
        parts.append(_orders(report))
    if report.assignments is not None:
        parts.append(Part("Widths layer by layer", "", tuple(report.assignments.tables())))
    return [*parts, _costs(report)]


def _bits(report: AccumulatorReport) -> Part:
    names = [n for n in _BITS if all(getattr(layer.bits, n) is not None for layer in report.layers)]
    heads = ["#", "layer", "op", "K", "channels", *(_BITS[name] for name in names), "attained", "an input needs"]
    rows = [_bits_row(layer, names) for layer in report.layers]
    inner = report.hardware.numerics.inner_bits
    if inner:
        heads.append("inner fits")
        rows = [[*row, "yes" if layer.inner_fits else "no"] for row, layer in zip(rows, report.layers, strict=True)]
    table = Table("Accumulator bits needed", heads, rows)
    return Part("Bits needed", _BITS_TEXT, (table,), tuple(_inner_remarks(report)) if inner else ())


def _inner_remarks(report: AccumulatorReport) -> Iterator[str]:
    """What inner accumulators mean for this report, and what it leaves out for them."""
    yield _INNER_TEXT.format(report.hardware.numerics.inner_bits)
    if report.samples:
        yield _NO_SWEEPS
    if report.samples and report.assignments is None:
        yield _NO_ASSIGNMENTS


def _bits_row(layer: LayerAccumulators, names: Sequence[str]) -> list[object]:
    widths = [getattr(layer.bits, name) for name in names]
    attained = "" if layer.witness is None else layer.witness.reach
    reached = "" if layer.reached is None else layer.reached
    return [layer.number, short_name(layer.name), layer.op, layer.depth, layer.channels, *widths, attained, reached]


def _curves(sweep: WidthSweep) -> Part:
    labelled = all(point.accuracy is not None for point in sweep.curve(sweep.modes[0]))
    heads = ["bits"]
    rows: list[list[object]] = [[width] for width in sweep.widths]
    for mode in sweep.modes:
        heads += [f"{mode}: overflow %", "bias %", "OFM changed", *(["accuracy %"] if labelled else []), "SQNR dB"]
        loads = sweep.bias_overflowed[:, sweep.modes.index(mode)].sum(axis=0) / sweep.outputs.sum()
        for row, point, share in zip(rows, sweep.curve(mode), loads, strict=True):
            row += _point(point, 100 * float(share), labelled)
    title = f"One width in every layer, over {sweep.samples:,} samples"
    remark = (
        "Overflow: outputs with an event; bias: outputs whose bias load alone leaves the accumulator, counted apart."
    )
    return Part("Width sweep", "", (Table(title, heads, rows, remark),))


def _point(point: CurvePoint, loads: float, labelled: bool) -> list[object]:
    accuracy = [100 * (point.accuracy or 0.0)] if labelled else []
    return [100 * point.rate, loads, point.changed, *accuracy, point.sqnr_db if math.isfinite(point.sqnr_db) else ""]


def _forensics(found: Forensics, samples: int) -> Part:
    heads = ["#", "layer", "channel", "rate %", "PE row", "rate %"]
    rows = [_worst_places(layer) for layer in found.layers if layer.stats.overflow_count]
    tables = [found.table()] + ([Table("Where it happens most", heads, rows)] if rows else [])
    calm = () if found.first is not None else (f"Nothing overflowed on {samples:,} samples.",)
    return Part("What overflows on this hardware", _FORENSICS_TEXT, tuple(tables), calm)


def _worst_places(layer: LayerForensics) -> list[object]:
    """The channel and the PE row with the highest rate of outputs that overflow."""
    channel, row = int(layer.channel_rates.argmax()), int(layer.row_rates.argmax())
    rates = (100 * float(layer.channel_rates[channel]), 100 * float(layer.row_rates[row]))
    return [layer.layer, short_name(layer.name), channel, rates[0], row, rates[1]]


def _orders(report: AccumulatorReport) -> Part:
    text = (
        f"The same operands in other orders, on the exact IFM of the first {report.order_samples:,} samples. Changed "
        "is against the hardware's own order, wrong against the exact result. Rows of a tile share their operands, so "
        "the per-channel permutations are analysis only. A tree of T needs an array of T columns."
    )
    return Part("Orders of accumulation", text, tuple(layer.table() for layer in report.orders))


def _costs(report: AccumulatorReport) -> Part:
    tables = [report.costs.table()]
    if report.cells:
        rows = [[row.acc_bits, row.cells, row.flip_flops] for row in report.cells]
        remark = "Synthesized by yosys to generic cells: multipliers, reduction, accumulator; no bank, no requantizer."
        tables.append(Table("Cells of one PE row", ["bits", "cells", "flip-flops"], rows, remark))
    return Part("What a bit buys", "", tuple(tables))
