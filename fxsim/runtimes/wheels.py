"""What the adapters share: importing an optional wheel, counting samples."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fxsim._core.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


def import_wheel(module: str) -> Any:
    """Import a runtime's Python module; `MissingDependencyError` names the extra that brings it."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingDependencyError(f"{package} must be installed: pip install 'fxsim[oracles]'") from error


def sample_count(inputs: Mapping[int, NDArray[np.generic]]) -> int:
    """Return the common first dimension N of all inputs."""
    counts = {len(data) for data in inputs.values()}
    if len(counts) != 1:
        raise InputError("all inputs must have the same number of samples", got=sorted(counts))
    return counts.pop()
