"""Where samples come from: ``.npy`` files and random codes; what a network's inputs accept."""

from __future__ import annotations

from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import InputError
from fxsim.graph.samples import InputSpec, sample_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fxsim.graph.network import Network

    Array = NDArray[np.generic]


def input_specs(net: Network) -> list[InputSpec]:
    """What each input of `net` accepts, in order."""
    values = [net.values[i] for i in net.inputs]
    return [InputSpec(v.name, v.type.shape, v.type.dtype, v.type.quant) for v in values]


def load_npy(path: str | Path) -> Array:
    """An array from a ``.npy`` file; pickled objects are refused, a header larger than the file too.

    Raises
    ------
    InputError
        The file is missing or is not such a file.
    """
    try:
        array = np.load(Path(path), mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("an archive of several arrays")
        return np.array(array)
    except (ValueError, EOFError, OSError, SyntaxError, TokenError) as error:
        raise InputError(f"must be a .npy file of numbers ({error})", where=str(path)) from None


def random_samples(net: Network, seed: int, samples: int = 1) -> dict[str, Array]:
    """Uniform random codes over each input's whole range, sample first; raises as `random_codes`."""
    return random_codes(input_specs(net), seed, samples)


def random_codes(specs: Sequence[InputSpec], seed: int, samples: int = 1) -> dict[str, Array]:
    """Uniform random codes over the whole range of each of `specs`, sample first.

    Raises
    ------
    InputError
        `seed` is negative, or `samples` is not positive.
    """
    for what, number, least in (("seed", seed, 0), ("samples", samples, 1)):
        if number < least:
            raise InputError(f"{what} must be at least {least}", got=number)
    rng = np.random.default_rng(seed)
    return {
        spec.name: rng.integers(
            spec.dtype.lo, spec.dtype.hi, (samples, *sample_shape(spec.shape)), endpoint=True
        ).astype(spec.dtype.numpy)
        for spec in specs
    }
