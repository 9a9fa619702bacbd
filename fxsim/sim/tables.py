"""A `Result` as plain text: timing and traffic, energy by event, accumulators, totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.tables import format_table, short_name
from fxsim.hw import GROUPS

if TYPE_CHECKING:
    from fxsim.sim.result import LayerResult, Result


def result_text(result: Result) -> str:
    """The tables and the totals; an estimate has no accumulators to show, few results have value-aware energy."""
    tables = [timing_table(result), energy_table(result)]
    if result.value_energy is not None:
        tables.append(value_table(result))
    if result.samples:
        tables.append(accumulator_table(result))
    return "\n\n".join([*tables, totals(result)])


def shape_text(shapes: tuple[tuple[int, ...], ...]) -> str:
    """``1x8x8x1`` for every shape."""
    return " ".join("x".join(map(str, shape)) or "scalar" for shape in shapes)


def timing_table(result: Result) -> str:
    """Cycles, stalls, utilization and bytes per layer and sample."""
    headers = [
        "#",
        "layer",
        "op",
        "ifm",
        "ofm",
        "MACs",
        "cycles",
        "compute",
        "stall",
        "util %",
        "DRAM B",
        "DRAM saved",
        "scratchpad B",
        "main stall",
    ]
    rows = [_timing_row(i, layer) for i, layer in enumerate(result.layers)]
    return format_table(headers, rows, title="Cycles and bytes, per sample")


def _timing_row(number: int, layer: LayerResult) -> list[object]:
    stalls = {cause: n for cause, n in layer.stalls.items() if n}
    worst = max(stalls, key=lambda cause: stalls[cause]) if stalls else "-"
    return [
        number,
        short_name(layer.name),
        layer.op,
        shape_text(layer.in_shapes[:1]),
        shape_text(layer.out_shapes),
        layer.macs,
        layer.cycles,
        layer.compute_cycles,
        layer.stall_cycles,
        100 * layer.utilization,
        layer.dram_bytes,
        layer.dram_bytes_saved,
        layer.scratchpad_bytes,
        worst,
    ]


def energy_table(result: Result) -> str:
    """pJ per layer and event group."""
    rows: list[list[object]] = [
        [i, short_name(layer.name), *(layer.energy_by_event[group] for group in GROUPS), layer.energy_pj]
        for i, layer in enumerate(result.layers)
    ]
    return format_table(["#", "layer", *GROUPS, "total pJ"], rows, title="Energy by event in pJ, per sample")


def value_table(result: Result) -> str:
    """Zero operands, toggles, and value-aware energy beside the data-independent one, of the layers that multiply."""
    headers = [
        "#",
        "layer",
        "zero x %",
        "zero w %",
        "gated %",
        "x toggles/bit",
        "w toggles/bit",
        "multiply",
        "value-aware",
        "gating",
        "toggles",
        "total",
        "value-aware",
    ]
    rows = [_value_row(i, layer) for i, layer in enumerate(result.layers)]
    title = (
        f"Value-aware energy in pJ, per sample, over {result.samples:,} samples; "
        "zero gating and toggles of multipliers and x registers: derived"
    )
    return format_table(headers, [row for row in rows if row], title=title)


def _value_row(number: int, layer: LayerResult) -> list[object]:
    """One row; empty for a layer without products."""
    value = layer.value_energy
    if value is None or not value.products:
        return []
    return [
        number,
        short_name(layer.name),
        *(100 * count / value.products for count in (value.x_zero, value.w_zero, value.gated)),
        value.x_toggles / value.x_bits if value.x_bits else "",
        value.w_toggles / value.w_bits if value.w_bits else "",
        value.multiply_pj,
        value.multiply_value_pj,
        value.gating_pj,
        value.toggle_pj,
        layer.energy_pj,
        value.energy_pj,
    ]


def accumulator_table(result: Result) -> str:
    """Extremes of the exact prefix sums and overflow counters of the layers that accumulate."""
    headers = [
        "#",
        "layer",
        "acc min",
        "acc max",
        "bits needed",
        "overflow outputs",
        "overflow events",
        "bias overflows",
        "inner events",
    ]
    rows: list[list[object]] = [
        [
            i,
            short_name(layer.name),
            layer.acc_min,
            layer.acc_max,
            layer.acc_bits_needed,
            layer.overflow_count,
            layer.overflow_events,
            layer.bias_overflow_count,
            layer.inner_events,
        ]
        for i, layer in enumerate(result.layers)
        if layer.acc_min is not None
    ]
    if not any(layer.inner_events for layer in result.layers):
        headers, rows = headers[:-1], [row[:-1] for row in rows]
    return format_table(headers, rows, title=f"Accumulators, over {result.samples:,} samples")


def totals(result: Result) -> str:
    """Cycles, time, energy, efficiency, and what the energy figure leaves out."""
    energy, hw = result.energy, result.hardware
    lines = [
        f"hardware      {hw.name}: {hw.timing.rows} x {hw.timing.cols} PEs, {hw.numerics.acc_bits}-bit accumulators, "
        f"{hw.numerics.overflow}, {hw.numerics.reduction}",
        f"MACs          {result.macs:,} per sample",
        f"cycles        {result.cycles:,} per sample = {result.seconds * 1e6:,.1f} us at {hw.timing.clock_mhz:,} MHz",
        *([roofline_text(result)] if result.macs else []),
        f"DRAM          {sum(layer.dram_bytes for layer in result.layers):,} bytes per sample; "
        f"{sum(layer.dram_bytes_saved for layer in result.layers):,} saved by tensors that stay in the scratchpad",
        f"energy        {energy.nominal / 1e6:,.3f} uJ per inference "
        f"(low {energy.low / 1e6:,.3f}, high {energy.high / 1e6:,.3f})",
        *_value_totals(result),
        f"efficiency    {result.tops_per_watt:.4f} TOPS/W, {result.tops:.4f} TOPS (1 MAC = 2 operations)",
        f"MAC energy    {result.pj_per_mac:.3f} pJ per MAC (multiply, tree, accumulate); "
        "the literature's int8 MAC: 0.2 + 0.1 = 0.3 pJ",
        f"derived       {100 * energy.derived_share:.1f} % of the energy rests on derived prices",
        f"prices        {energy.source}; excluded: {', '.join(energy.excluded)}",
        "timing        cycle-exact to the fxsim architecture; DMA and vector engine as defined there",
    ]
    if result.float_schemes:
        names = ", ".join(result.float_schemes)
        lines.append(f"schemes       {names}: floating point, not synthesizable as it stands; its totals are nominal")
    return "\n".join(lines)


def _value_totals(result: Result) -> list[str]:
    value = result.value_energy
    if value is None:
        return []
    return [
        f"value-aware   {value.nominal / 1e6:,.3f} uJ per inference "
        f"(low {value.low / 1e6:,.3f}, high {value.high / 1e6:,.3f}); zero gating {value.gating / 1e6:+,.4f}, "
        f"toggles {value.toggle / 1e6:+,.4f} uJ, both derived, as {100 * value.derived_share:.1f} % of it",
        f"values        {value.source}",
    ]


def roofline_text(result: Result) -> str:
    """Intensity, ridge point, attainable and reached MACs per cycle of the whole network."""
    roof = result.roofline
    return (
        f"roofline      {roof.intensity:,.4g} MACs per DRAM byte, ridge point {roof.ridge:,.4g}: bound by "
        f"{roof.bound}; {roof.attainable:,.4g} MACs per cycle attainable, {roof.reached:,.4g} reached"
    )
