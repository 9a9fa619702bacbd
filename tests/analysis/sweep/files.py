"""Sweep files for tests: the small digits network on a few images, and work that needs no simulation."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from fxsim.analysis.sweep.case import Case
from fxsim.analysis.sweep.plan import Point
from fxsim.analysis.sweep.point import Outcome
from tests.own import MODELS, images

HEAD = f"""
schema = 1
[[models]]
path = "{MODELS / "digits_fc.tflite"}"
[[data]]
input = "x.npy"
labels = "y.npy"
"""
FOUR = HEAD + '[hardware]\nacc_bits = [12, 24]\noverflow = ["wrap", "saturate"]\n'


def write_sweep(folder: Path, text: str = FOUR, samples: int = 3, name: str = "sweep.toml") -> Path:
    """Write a sweep file with `samples` images and labels beside it; there are 500, then they come again."""
    x, y = images("digits_fc"), np.load(MODELS / "y_eval.npy")
    again = np.arange(samples) % len(x)
    np.save(folder / "x.npy", x[again])
    np.save(folder / "y.npy", y[again])
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def widths(count: int, base: str = "edge-16x16") -> str:
    """A sweep over `count` widths from 10 up."""
    return HEAD + f'[hardware]\nbase = "{base}"\nacc_bits = {list(range(10, 10 + count))}\n'


def timeless(record: dict[str, Any]) -> dict[str, Any]:
    """A record without the time that it took."""
    return {name: value for name, value in record.items() if name != "seconds"}


def echo(case: Case, point: Point) -> Outcome:
    """No simulation: what the worker got."""
    return {"status": "done", "error": "", "seen": [case.key, point.key]}


def lethal(marker: Path, always: int, once: int, case: Case, point: Point) -> Outcome:
    """As `echo`, but workers die of width `always`, and of width `once` the first time: `marker` is left behind."""
    bits = point.hardware.numerics.acc_bits
    first = bits == once and not marker.exists()
    if first:
        marker.touch()
    if first or bits == always:
        time.sleep(0.3)  # the neighbour is in hand by then
        os.kill(os.getpid(), signal.SIGKILL)
    return echo(case, point)
