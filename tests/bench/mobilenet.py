"""A network of the size that people time, MobileNetV1 1.0/224, and dataflows: part of ``make bench``.

Each run uses hardware of another name, so that lowering finds nothing remembered from the run before.
"""

from __future__ import annotations

import argparse
from itertools import count
from statistics import median
from typing import TYPE_CHECKING

import fxsim
from fxsim._core.tables import format_table
from fxsim.api import random_samples
from fxsim.energy import energy_report
from fxsim.hw import Hardware
from fxsim.sim import estimate
from fxsim.sim.executor import execute
from fxsim.sim.timing import timeline
from fxsim.testing import mobilenet_v1
from tests.bench.networks import OWN, seconds, stay_on_one_core

if TYPE_CHECKING:
    from fxsim.graph import Network

PRESETS = ("edge-16x16", "server-128x128", "gemmini-like-16x16-ws")
FIXED = ("weight-stationary", "output-stationary")
_run = count()


def fresh(preset: str) -> Hardware:
    """The preset under a name that no run has had."""
    return Hardware.load(preset).replace(name=f"{preset}, run {next(_run)}")


def time_stages(net: Network, preset: str) -> tuple[float, ...]:
    """Seconds of one run: lowering, timing and energy one by one, then `fxsim.estimate` as a whole."""
    hardware, programs = fresh(preset), []
    lowering = seconds(lambda: programs.append(fxsim.lower(net, hardware)))
    (program,) = programs
    timing, energy = seconds(lambda: timeline(program)), seconds(lambda: energy_report(program))
    whole = fresh(preset)
    return lowering, timing, energy, seconds(lambda: fxsim.estimate(net, whole))


def stage_row(net: Network, preset: str, runs: int) -> list[object]:
    """Medians of the stages, and what they found."""
    times = [time_stages(net, preset) for _ in range(runs)]
    program = fxsim.lower(net, preset)
    result = estimate(program)
    found = [result.cycles, 1e3 * result.seconds, result.energy_pj / 1e6]
    return [preset, len(program), *map(median, zip(*times, strict=True)), *found]


def stages(net: Network, runs: int) -> str:
    """How long cycles and energy take to compute, without data."""
    headers = ["preset", "instructions", "lowering s", "timing s", "energy s", "estimate s", "cycles", "ms", "uJ"]
    rows = [stage_row(net, preset, runs) for preset in PRESETS]
    macs = sum(layer.macs for layer in fxsim.lower(net).layers)
    return format_table(headers, rows, title=f"{net.name}, {macs:,} MACs: medians of {runs} runs")


def dataflow_rows(net: Network, preset: str) -> list[list[object]]:
    """Layer by layer what the cost model finds best, beside the two fixed dataflows."""
    hardware = Hardware.load(preset)
    found = {name: fxsim.estimate(net, hardware.replace(dataflow=name)) for name in ("auto", *FIXED)}
    best = found["auto"]
    return [
        [net.name, preset, name, r.cycles, r.cycles / best.cycles, r.energy_pj / 1e6, r.energy_pj / best.energy_pj]
        for name, r in found.items()
    ]


def dataflows(nets: list[Network], presets: tuple[str, ...]) -> str:
    """All networks on all presets."""
    headers = ["network", "preset", "dataflow", "cycles", "/ auto", "uJ", "/ auto"]
    rows = [row for net in nets for preset in presets for row in dataflow_rows(net, preset)]
    return format_table(headers, rows, title="Dataflows, per sample")


def values(net: Network, runs: int) -> str:
    """Speed of simulated values, one sample, all statistics; kernels compiled before."""
    program, x = fxsim.lower(net), random_samples(net, seed=1)
    execute(program, x)
    took = median(seconds(lambda: execute(program, x)) for _ in range(runs))
    macs = sum(layer.macs for layer in program.layers)
    return f"Values of {net.name}, one sample, {program.hardware.name}: {took:.3g} s, {macs / took / 1e9:.3g} G MAC/s"


def main() -> None:
    """Print both tables and the speed of values."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    stay_on_one_core()
    net = mobilenet_v1()
    print(stages(net, args.runs))
    print(f"\n{values(net, args.runs)}\n")
    print(dataflows([fxsim.load(OWN / "digits_resnet.tflite"), net], PRESETS[:2]))


if __name__ == "__main__":
    main()
