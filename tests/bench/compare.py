"""Fake quantization compared with exact integers, beside plain runs; time and memory. Part of ``make bench``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

import fxsim
from fxsim._core.tables import format_table
from tests.bench.networks import OWN, ROOT, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (1_000, 10_000)
INPUTS = {"digits_fc": "x_eval_flat.npy", "digits_cnn": "x_eval.npy", "digits_resnet": "x_eval_16.npy"}


def digits(name: str, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """The evaluation images and their labels, repeated until there are `samples` of them."""
    x, y = np.load(OWN / INPUTS[name]), np.load(OWN / "y_eval.npy")
    again = np.arange(samples) % len(x)
    return x[again], y[again]


def rows(name: str, runs: int) -> list[object]:
    """Medians over 1,000 images; every run times all calls in turn."""
    net, (x, labels) = fxsim.load(OWN / f"{name}.tflite"), digits(name, SIZES[0])
    calls: dict[str, Callable[[], object]] = {
        "plain": lambda: fxsim.run(net, x, keep="all"),
        "compare": lambda: fxsim.compare(net, x, labels=labels, quiet=True),
        "requant": lambda: fxsim.compare(net, x, labels=labels, requant=True, quiet=True),
    }
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {key: [] for key in calls}
    for _ in range(runs):
        for key, call in calls.items():
            times[key].append(seconds(call))
    plain, compare, requant = (median(times[key]) for key in calls)
    return [name, SIZES[0], plain, compare, requant, compare / plain, requant / plain]


def peak(name: str, samples: int) -> float:
    """Peak memory of a process that compares `samples` images and loads them first, in MiB."""
    code = (
        "import resource, fxsim; from tests.bench.compare import digits, OWN;"
        f"x, y = digits({name!r}, {samples}); net = fxsim.load(OWN / '{name}.tflite');"
        "fxsim.compare(net, x, labels=y, requant=True, quiet=True);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> int:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    heads = ["model", "samples", "plain run s", "compare s", "with --requant s", "compare / plain", "requant / plain"]
    found = [rows(name, args.runs) for name in INPUTS]
    print(format_table(heads, found, title="Float, fake-quantized and exact, both attributions, warm"))
    memory = [[name, *(peak(name, n) for n in SIZES)] for name in ("digits_fc", "digits_cnn")]
    print()
    print(format_table(["model", *(f"{n:,} samples, MiB" for n in SIZES)], memory, title="Peak memory of the process"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
