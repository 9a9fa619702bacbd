"""Runtimes as check columns of a comparison: a network's tensors by name, from its own .tflite file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import InputError, UnsupportedError
from fxsim.formats.tflite import write_tflite
from fxsim.graph import from_samples
from fxsim.runtimes.litert import LITERT_WHEEL, run_litert
from fxsim.runtimes.tflm import TFLM_WHEEL, run_tflm
from fxsim.runtimes.wheels import import_wheel

if TYPE_CHECKING:
    from fxsim.graph import Network

Array = NDArray[np.generic]
Column = Callable[[Mapping[str, Array]], dict[str, Array]]


Run = Callable[[bytes, dict[int, Array], list[int]], dict[int, Array]]

COLUMNS: Mapping[str, tuple[str, Run]] = {
    "litert": (LITERT_WHEEL, run_litert),
    "litert-optimized": (LITERT_WHEEL, lambda *args: run_litert(*args, resolver="BUILTIN_WITHOUT_DEFAULT_DELEGATES")),
    "xnnpack": (LITERT_WHEEL, lambda *args: run_litert(*args, resolver="BUILTIN")),
    "tflm": (TFLM_WHEEL, run_tflm),
}
"""LiteRT's reference kernels, its optimized ones, its default delegate, TensorFlow Lite Micro: wheel and adapter."""


def runtime_column(net: Network, name: str) -> Column:
    """A function from input codes by name to the tensors that runtime `name` shows, by name; both sample first.

    Raises
    ------
    InputError
        No runtime is called `name`.
    MissingDependencyError
        Its wheel is not installed.
    UnsupportedError
        It refuses the network, when the function is called.
    """
    if name not in COLUMNS:
        raise InputError(f"runtime must be one of {', '.join(COLUMNS)}", got=name)
    wheel, runtime = COLUMNS[name]
    import_wheel(wheel)
    model = write_tflite(net)
    wanted = [i for node in net.nodes for i in node.outputs]

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        given = {i: _whole(net, i, inputs) for i in net.inputs}
        try:
            found = runtime(model, given, wanted)
        except (RuntimeError, ValueError) as error:
            raise UnsupportedError(f"runtime {name} must accept the network: {error}", where=net.name) from error
        return {net.values[i].name: from_samples(array, net.values[i].type.shape) for i, array in found.items()}

    return run


def _whole(net: Network, index: int, inputs: Mapping[str, Array]) -> Array:
    """An input as the runtime takes it: (N, *type.shape)."""
    value = net.values[index]
    array = inputs[value.name]
    return array.reshape(len(array), *value.type.shape)
