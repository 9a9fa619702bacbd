"""What the benchmarks share: the networks, a clock, one core."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / "models" / "digits"
GIVEN = Path(os.environ.get("FXSIM_MODELS") or ROOT.parent / "shared" / "models")


def models() -> list[Path]:
    """Our networks and, where present, the given ones."""
    return [*sorted(OWN.glob("*.tflite")), *sorted(GIVEN.glob("*.tflite"))]


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def stay_on_one_core() -> None:
    """Pin this process, so that medians of several runs compare like with like."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
