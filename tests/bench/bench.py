"""Speed: ``make bench``. Ratios to LiteRT's reference resolver in the same run, medians; not a test.

Steady state: simulate (values, all statistics) against LiteRT's reference kernels, one thread, the two in turn.
Start-up: `fxsim run` as a process, from an empty JIT cache and warm.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

import fxsim
from fxsim._core.tables import format_table
from fxsim.api import random_samples
from fxsim.formats.tflite import reset_stray_axes
from fxsim.sim.executor import execute
from fxsim.sim.timing import timeline
from tests.bench.networks import models, seconds, stay_on_one_core

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BATCH = 8


def reference(model: bytes, x: dict[str, np.ndarray]) -> Callable[[], None]:
    """LiteRT's reference kernels over the batch: interpreter made, inputs set per sample, `invoke` only."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model, num_threads=1, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    (spec,) = interpreter.get_input_details()
    (samples,) = x.values()

    def invoke() -> None:
        for sample in samples:
            interpreter.set_tensor(spec["index"], sample.reshape(spec["shape"]))
            interpreter.invoke()

    return invoke


def steady(path: Path, runs: int) -> list[object]:
    """Median times and the median of the pairwise ratios for one model."""
    data = path.read_bytes()
    net = fxsim.load(path)
    x = random_samples(net, seed=1, samples=BATCH)
    program = fxsim.lower(net)
    invoke = reference(reset_stray_axes(data), x)
    ours, theirs, clock = [], [], []
    execute(program, x)
    timeline(program)
    for _ in range(runs):
        ours.append(seconds(lambda: execute(program, x)))
        theirs.append(seconds(invoke))
        clock.append(seconds(lambda: timeline(program)))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    macs = BATCH * sum(layer.macs for layer in program.layers)
    mine = statistics.median(ours)
    return [
        path.stem,
        macs,
        1e3 * mine,
        1e3 * statistics.median(theirs),
        ratio,
        macs / mine / 1e9,
        1e3 * statistics.median(clock),
        len(program.layer_of),
    ]


CHILD = """
import sys
from fxsim.cli import main
status = main(sys.argv[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak.split()[1], file=sys.stderr)
sys.exit(status)
"""


def process(path: Path, cache: str) -> tuple[float, float]:
    """Wall seconds and peak MB of `fxsim run` on one random sample."""
    command = [sys.executable, "-c", CHILD, "run", str(path), "--random", "1"]
    start = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, "FXSIM_CACHE_DIR": cache}, capture_output=True, check=True)
    return time.perf_counter() - start, int(done.stderr.split()[-1]) / 1024


def start_up(path: Path, runs: int) -> list[object]:
    """Cold and warm start of the command line for one model."""
    with tempfile.TemporaryDirectory() as cache:
        cold, _ = process(path, cache)
        warm = [process(path, cache) for _ in range(runs)]
    return [path.stem, cold, statistics.median(w for w, _ in warm), max(m for _, m in warm)]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    args = parser.parse_args()
    stay_on_one_core()
    rows = [steady(path, args.runs) for path in models()]
    headers = ["model", f"MACs x{BATCH}", "fxsim ms", "LiteRT ref ms", "ratio", "G MAC/s", "timing ms", "instructions"]
    print(format_table(headers, rows, title=f"Batch of {BATCH}, edge-16x16, one thread, all statistics on"))
    starts = [start_up(path, max(3, args.runs // 3)) for path in models()]
    print()
    print(
        format_table(
            ["model", "cold s", "warm s", "peak MB"], starts, title="fxsim run MODEL --random 1, whole process"
        )
    )
    versions = ", ".join(f"{name} {version(name)}" for name in ("numba", "numpy", "ai-edge-litert"))
    print(f"\n{versions}, Python {sys.version.split()[0]}, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
