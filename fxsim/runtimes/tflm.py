"""TFLite Micro's kernels through its Python wheel, every tensor kept."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.runtimes.wheels import import_wheel, sample_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Array = NDArray[np.generic]

TFLM_WHEEL = "tflite_micro"
"""Module that the runtime's wheel brings."""

ARENA_BYTES = 64 << 20
"""Enough for models whose tensors are all kept."""


def tflm_version() -> str:
    """Version of the runtime, for reports."""
    import_wheel(TFLM_WHEEL)
    return version("tflite-micro")


def run_tflm(model: bytes, inputs: Mapping[int, Array], tensors: Iterable[int]) -> dict[int, Array]:
    """Run every sample of `inputs` through TFLite Micro.

    Parameters
    ----------
    model
        A .tflite file.
    inputs
        Tensor index → (N, *shape), in the order of the model's inputs.
    tensors
        Indices of the tensors to return; intermediate ones are allowed.

    Returns
    -------
    dict
        Tensor index → (N, *shape).

    Raises
    ------
    MissingDependencyError
        The wheel is not installed.
    RuntimeError
        TFLite Micro refuses the model.
    """
    runtime = import_wheel(TFLM_WHEEL).runtime
    interpreter = runtime.Interpreter.from_bytes(
        model, arena_size=ARENA_BYTES, intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors
    )
    results: dict[int, list[Array]] = {index: [] for index in tensors}
    for sample in range(sample_count(inputs)):
        for position, data in enumerate(inputs.values()):
            interpreter.set_input(data[sample], position)
        interpreter.invoke()
        for index, kept in results.items():
            kept.append(np.array(interpreter.GetTensor(index, 0)["tensor_data"]))
    return {index: np.stack(kept) for index, kept in results.items()}
