"""`run_point`: one point becomes one flat record."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim.analysis.labels import predicted
from fxsim.analysis.sweep.case import network_of, reference_of
from fxsim.lowering import lower
from fxsim.sim import simulate

if TYPE_CHECKING:
    from fxsim.analysis.sweep.case import Case
    from fxsim.analysis.sweep.plan import Point
    from fxsim.graph import Tensors
    from fxsim.sim import Result

Outcome = dict[str, Any]
"""Texts, numbers and None by column; ``status`` is ``"done"`` or ``"failed"``."""

_COUNTERS = ("overflow_events", "overflow_count", "bias_overflow_count", "internal_wraps")


def run_point(case: Case, point: Point) -> Outcome:
    """Lower and simulate one point; whatever goes wrong is recorded, so that the others go on.

    Returns
    -------
    dict
        ``status, error, seconds`` and, where it is done: ``accuracy`` (share 0..1; None without labels),
        ``elements, differing`` (of the outputs, beside the runtime profile's), ``sqnr_db`` (None: nothing differs, or
        no signal), ``cycles, energy_pj, dram_bytes`` (per sample), ``trap`` (a sentence, or empty), the counters of
        `fxsim.graph.LayerStats` in total and for every layer with accumulators as ``COUNTER.LAYER``. Behind a trap
        there are no outputs to judge: these are None.
    """
    started = time.perf_counter()
    try:
        outcome = {"status": "done", "error": "", **_measured(case, point)}
    except Exception as error:
        outcome = failure(f"{type(error).__name__}: {error}")
    return {**outcome, "seconds": round(time.perf_counter() - started, 6)}


def failure(error: str) -> Outcome:
    """The outcome of a point that failed."""
    return {"status": "failed", "error": error}


def _measured(case: Case, point: Point) -> Outcome:
    program = lower(network_of(case), point.hardware, layers=point.layers)
    result = simulate(program, case.inputs)
    return {
        "trap": result.trap,
        **(_unjudged() if result.trap else _judged(case, result.outputs)),
        "cycles": result.cycles,
        "energy_pj": result.energy_pj,
        "dram_bytes": sum(layer.dram_bytes for layer in result.layers),
        **_counters(result),
    }


def _unjudged() -> Outcome:
    return dict.fromkeys(("accuracy", "elements", "differing", "sqnr_db"))


def _judged(case: Case, outputs: Tensors) -> Outcome:
    exact = reference_of(case)
    return {
        "accuracy": None if case.labels is None else float(np.mean(predicted(outputs) == case.labels)),
        "elements": sum(array.size for array in exact.values()),
        "differing": sum(int(np.count_nonzero(exact[name] != outputs[name])) for name in exact),
        "sqnr_db": _sqnr_db(exact, outputs),
    }


def _sqnr_db(exact: Tensors, outputs: Tensors) -> float | None:
    """Power of the exact reals over that of the error, all outputs together."""
    right, given = exact.dequantize(), outputs.dequantize()
    pairs = [(right[name].astype(np.float64), given[name].astype(np.float64)) for name in right]
    signal = sum(float(np.sum(a * a)) for a, _ in pairs)
    noise = sum(float(np.sum((a - b) ** 2)) for a, b in pairs)
    return 10 * float(np.log10(signal / noise)) if signal and noise else None


def _counters(result: Result) -> Outcome:
    layers = [layer for layer in result.layers if layer.acc_min is not None]
    total = {name: sum(getattr(layer, name) for layer in layers) for name in _COUNTERS}
    return total | {f"{name}.{layer.name}": getattr(layer, name) for layer in layers for name in _COUNTERS}
