"""The table of networks and presets says what `fxsim.estimate` says, and its sentences add up."""

from __future__ import annotations

import re

import pytest

import fxsim
from fxsim.graph import Network
from fxsim.hw import DEFAULT_PRESET, Hardware, presets
from tests.bench.mobilenet import dataflows, stages
from tests.bench.networks import OWN, models
from tests.bench.presets import BEATS, explanation, make_row, report

DENSE = OWN / "digits_fc.tflite"


def dense_issues(net: Network, hardware: Hardware) -> int:
    """Tiles of all weight matrices [outputs, inputs]."""
    rows, cols = hardware.timing.rows, hardware.timing.cols
    shapes = [value.type.shape for value in net.values if value.data is not None and len(value.type.shape) == 2]
    return sum(-(-outputs // rows) * -(-inputs // cols) for outputs, inputs in shapes)


def test_all_our_networks_are_measured() -> None:
    assert {path.stem for path in models()} >= {"digits_fc", "digits_cnn", "digits_resnet"}


@pytest.mark.parametrize("preset", presets())
def test_the_parts_of_a_row_are_its_cycles(preset: str) -> None:
    row = make_row(DENSE, preset)
    result = fxsim.estimate(DENSE, preset)
    assert sum(row.parts.values()) == result.cycles
    assert row.compute == sum(layer.compute_cycles for layer in result.layers)
    # one position and an x port as wide as the array: a beat per tile
    assert row.parts[BEATS] == row.issues == dense_issues(fxsim.load(DENSE), Hardware.load(preset))


def test_the_table_has_every_preset() -> None:
    lines = report([DENSE]).splitlines()
    for preset in presets():
        result = fxsim.estimate(DENSE, preset)
        (line,) = (line for line in lines if line.startswith("digits_fc") and line.split()[1] == preset)
        words = line.split()
        assert words[2:5] == [f"{n:,}" for n in (result.macs, result.cycles, make_row(DENSE, preset).compute)]
        assert f"{sum(layer.dram_bytes for layer in result.layers):,}" in words


def test_the_differences_of_the_parts_add_up() -> None:
    rows = [make_row(DENSE, preset) for preset in presets()]
    title, *lines = explanation(rows).splitlines()
    cycles = {row.preset: row.result.cycles for row in rows}
    base = cycles.pop(DEFAULT_PRESET)
    assert f"{base:,} cycles on {DEFAULT_PRESET}" in title
    for (preset, own), line in zip(cycles.items(), lines, strict=True):
        gap, *terms = (int(n.replace(",", "")) for n in re.findall(r" ([+-][\d,]+\d|[+-]\d)(?=[ ;.])", line))
        assert line.startswith(f"  {preset} takes {own / base:.3g}x")
        assert gap == sum(terms) == own - base


def test_stages_and_dataflows_show_estimates() -> None:
    net = fxsim.load(DENSE)
    words = next(line for line in stages(net, 1).splitlines() if line.startswith(DEFAULT_PRESET)).split()
    assert words[1] == f"{len(fxsim.lower(net)):,}"
    assert words[6] == f"{fxsim.estimate(net).cycles:,}"
    lines = dataflows([net], (DEFAULT_PRESET,)).splitlines()[3:]
    for line, dataflow in zip(lines, ("auto", "weight-stationary", "output-stationary"), strict=True):
        cycles = fxsim.estimate(net, Hardware.load(DEFAULT_PRESET).replace(dataflow=dataflow)).cycles
        assert line.split()[1:4] == [DEFAULT_PRESET, dataflow, f"{cycles:,}"]
