"""LiteRT on one thread: its reference kernels with every tensor kept, or another of its resolvers."""

from __future__ import annotations

import warnings
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.runtimes.wheels import import_wheel, sample_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Array = NDArray[np.generic]

LITERT_WHEEL = "ai_edge_litert.interpreter"
"""Module that the runtime's wheel brings."""


def litert_version() -> str:
    """Version of the runtime, for reports."""
    import_wheel(LITERT_WHEEL)
    return version("ai-edge-litert")


def run_litert(
    model: bytes, inputs: Mapping[int, Array], tensors: Iterable[int], *, resolver: str = "BUILTIN_REF"
) -> dict[int, Array]:
    """Run every sample of `inputs` through LiteRT, by default through its reference resolver.

    Parameters
    ----------
    model
        A .tflite file.
    inputs
        Tensor index → (N, *shape).
    tensors
        Indices of the tensors to return; intermediate ones are allowed.
    resolver
        Name in ``OpResolverType``: ``"BUILTIN_REF"``, ``"BUILTIN_WITHOUT_DEFAULT_DELEGATES"`` (optimized kernels), or
        ``"BUILTIN"`` (the default delegate where it takes an operator).

    Returns
    -------
    dict
        Tensor index → (N, *shape).

    Raises
    ------
    MissingDependencyError
        The wheel is not installed.
    ValueError, RuntimeError
        LiteRT refuses the model.
    """
    wheel = import_wheel(LITERT_WHEEL)
    with warnings.catch_warnings(action="ignore"):  # kept tensors take memory, says the wheel
        interpreter = wheel.Interpreter(
            model_content=model,
            num_threads=1,
            experimental_op_resolver_type=wheel.OpResolverType[resolver],
            experimental_preserve_all_tensors=True,
        )
    interpreter.allocate_tensors()
    results: dict[int, list[Array]] = {index: [] for index in tensors}
    for sample in range(sample_count(inputs)):
        for index, data in inputs.items():
            interpreter.set_tensor(index, data[sample])
        interpreter.invoke()
        for index, kept in results.items():
            kept.append(interpreter.get_tensor(index))
    return {index: np.stack(kept) for index, kept in results.items()}
