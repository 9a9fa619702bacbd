"""Certificates: golden against a real runtime, element by element; zero differences is the pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import UnsupportedError
from fxsim.formats import write_tflite
from fxsim.graph import Network, from_samples
from fxsim.oracle import golden
from fxsim.runtimes.cases import cases
from fxsim.runtimes.litert import litert_version, run_litert
from fxsim.runtimes.tflm import run_tflm, tflm_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fxsim.runtimes.case import Case

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Runtime:
    """One runtime: how to run a model, and its name and version."""

    name: str
    run: Callable[[bytes, Mapping[int, Array], Iterable[int]], dict[int, Array]]
    version: Callable[[], str]


LITERT = Runtime("LiteRT reference", run_litert, litert_version)
TFLM = Runtime("TFLite Micro", run_tflm, tflm_version)

CERTIFIED = ("tflite", "litert")
"""Profiles that a runtime of the extra can certify."""


MICRO_ONLY = ("FULLY_CONNECTED", "MUL", "LOGISTIC", "TANH", "RELU", "RELU6")
"""Operators in which LiteRT's reference kernels differ from profile ``tflite``."""


def oracle_of(profile: str, case: Case) -> Runtime | None:
    """Runtime that `profile` promises to equal on `case`; None where the profile's own runtime refuses the model.

    LiteRT's reference kernels follow the arithmetic of profile ``tflite`` but in the operators of `MICRO_ONLY`; TFLite
    Micro follows it throughout, and lacks some operators.
    """
    if profile == "tflite" and (case.operator in MICRO_ONLY or not case.litert):
        return TFLM
    return LITERT if case.litert else None


@dataclass(frozen=True, slots=True)
class CertRow:
    """One cell of the certificate: elements compared on `models` models, and how many differ."""

    profile: str
    operator: str
    runtime: str
    version: str
    models: int
    elements: int
    mismatches: int


def certify(profiles: Sequence[str] = CERTIFIED) -> list[CertRow]:
    """Compare every operator of every profile with its runtime on all generated models.

    Raises
    ------
    UnsupportedError
        No runtime is known that a profile could be compared with.
    MissingDependencyError
        A runtime's wheel is not installed.
    """
    unknown = [profile for profile in profiles if profile not in CERTIFIED]
    if unknown:
        raise UnsupportedError(f"profiles that can be certified are {', '.join(CERTIFIED)}", got=unknown)
    cells: dict[tuple[str, str, Runtime], list[Case]] = {}
    for profile in profiles:
        for case in cases():
            runtime = oracle_of(profile, case)
            if runtime is not None:
                cells.setdefault((profile, case.operator, runtime), []).append(case)
    return [_row(*cell, models) for cell, models in cells.items()]


def count_mismatches(network: Network, model: bytes, inputs: Mapping[int, Array], runtime: Runtime) -> tuple[int, int]:
    """Compare golden of `network` with `runtime` on `model`, the same network's file.

    Parameters
    ----------
    inputs
        Tensor index → (N, *shape).

    Returns
    -------
    tuple
        Elements compared over all node outputs, and how many of them differ in any bit.
    """
    values = network.values
    theirs = runtime.run(model, inputs, [index for node in network.nodes for index in node.outputs])
    named = {values[i].name: from_samples(data, values[i].type.shape) for i, data in inputs.items()}
    ours = golden(network, named)
    pairs = [(ours[values[i].name], expected) for i, expected in theirs.items()]
    return sum(a.size for a, _ in pairs), sum(_differing(a, b) for a, b in pairs)


def _differing(ours: Array, theirs: Array) -> int:
    """Elements that differ; all of them where dtype or size do, and by bits for reals."""
    if ours.dtype != theirs.dtype or ours.size != theirs.size:
        return int(max(ours.size, theirs.size))
    bits = f"u{ours.dtype.itemsize}"
    flat = np.ascontiguousarray(ours).reshape(-1), np.ascontiguousarray(theirs).reshape(-1)
    return int(np.count_nonzero(flat[0].view(bits) != flat[1].view(bits)))


def _row(profile: str, operator: str, runtime: Runtime, models: list[Case]) -> CertRow:
    counts = []
    for case in models:
        network = case.network.with_profile(profile)
        counts.append(count_mismatches(network, write_tflite(network), case.inputs, runtime))
    elements, mismatches = (sum(column) for column in zip(*counts, strict=True))
    return CertRow(profile, operator, runtime.name, runtime.version(), len(models), elements, mismatches)
