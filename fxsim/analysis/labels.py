"""Class numbers: what a network answers, and whether given ones fit it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import InputError

if TYPE_CHECKING:
    from fxsim.graph import Network, Tensors

Array = NDArray[Any]


def predicted(outputs: Tensors) -> Array:
    """Class of every sample: the place of the first output's largest code, or the only code itself."""
    first = next(iter(outputs.values()))
    flat = first.reshape(len(first), -1)
    return flat[:, 0] if flat.shape[1] == 1 else flat.argmax(axis=1)


def check_labels(labels: object, samples: int, net: Network | None = None, *, where: str = "") -> Array:
    """Class numbers, one per sample and, given `net`, of classes that its first output has.

    Raises
    ------
    InputError
        They are not.
    """
    array = np.asarray(labels)
    if array.shape != (samples,) or array.dtype.kind not in "iu":
        got = f"{array.dtype}{array.shape}"
        raise InputError(f"labels must be {samples} integers, one per sample", got=got, where=where)
    if net is not None:
        _check_classes(array, net)
    return array


def _check_classes(labels: Array, net: Network) -> None:
    output = net.values[net.outputs[0]].type
    classes = output.size // (output.shape[0] if output.shape[:1] == (1,) else 1)
    low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
    if low < 0 or high >= classes:
        raise InputError(f"labels must be in 0..{classes - 1}", got=(low, high), where=net.name)
