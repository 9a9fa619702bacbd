"""The accumulator laboratory beside plain runs of the machine: part of ``make bench``."""

from __future__ import annotations

import argparse
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

import fxsim
from fxsim._core.tables import format_table
from fxsim.analysis import forensics, layer_bounds, width_sweep
from fxsim.api import random_samples
from tests.bench.networks import GIVEN, OWN, seconds, stay_on_one_core

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WIDTHS = range(8, 33)
MODES = ("wrap", "saturate", "readout")
FORENSIC_BITS = 17


def rows(path: Path, samples: int, runs: int) -> list[object]:
    """Medians of one network; every run times all of it in turn."""
    net, hw = fxsim.load(path), fxsim.Hardware.load("edge-16x16")
    x, program, numerics = random_samples(net, 1, samples), fxsim.lower(net, hw), hw.numerics
    narrow = hw.replace(acc_bits=FORENSIC_BITS, bias_policy="apply").numerics
    calls: dict[str, Callable[[], object]] = {
        "plain": lambda: fxsim.simulate(program, x),
        "narrow": lambda: fxsim.simulate(program, x, numerics=narrow),
        "isolated": lambda: width_sweep(net, x, numerics=numerics, widths=WIDTHS, isolated=True),
        "network": lambda: width_sweep(net, x, numerics=numerics, widths=WIDTHS),
        "forensics": lambda: forensics(program, x, net=net, numerics=narrow),
        "bounds": lambda: layer_bounds(net, numerics),
    }
    for call in calls.values():
        call()
    times = {name: median([seconds(call) for _ in range(runs)]) for name, call in calls.items()}
    effects = width_sweep(net, x, numerics=numerics, widths=WIDTHS).effects
    assert effects is not None
    affected = int(np.count_nonzero(effects.rerun))
    plain = times["plain"]
    return [
        path.stem, samples, 1e3 * plain, times["isolated"] / plain, times["network"] / plain, affected,
        times["network"] / plain / max(affected, 1), times["forensics"] / times["narrow"], 1e3 * times["bounds"],
    ]  # fmt: skip


def main() -> int:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    stay_on_one_core()
    cases = [(OWN / "digits_cnn.tflite", 64), (OWN / "digits_cnn.tflite", 256)]
    cases += [(GIVEN / "tflm_person_detect_int8.tflite", n) for n in (1, 16, 64)]
    found = [rows(path, samples, args.runs) for path, samples in cases if path.is_file()]
    heads = ["model", "samples", "plain run ms", "isolated / plain", "network / plain", "affected", "per affected",
             "forensics / run", "bounds ms"]  # fmt: skip
    title = f"{len(WIDTHS)} widths x {len(MODES)} overflow rules from one pass; forensics at {FORENSIC_BITS} bits"
    print(format_table(heads, found, title=title))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
