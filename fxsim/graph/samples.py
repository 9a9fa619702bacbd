"""User data in and out: the sample axis, dtypes, quantization of real inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import InputError
from fxsim.graph.types import DType

if TYPE_CHECKING:
    from fxsim.numerics import Affine

Array = NDArray[np.generic]

_CONVERSIONS = {
    (DType.INT8, "uint8"): "; convert uint8 pixels with (x.astype(np.int16) - 128).astype(np.int8)",
    (DType.UINT8, "int8"): "; convert int8 codes with (x.astype(np.int16) + 128).astype(np.uint8)",
}


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What one input of a network or program accepts; `shape` is the model's own, first dimension included."""

    name: str
    shape: tuple[int, ...]
    dtype: DType
    quant: Affine | None = None


def sample_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of one sample as users see it: a leading dimension of 1 gives way to the sample axis."""
    return shape[1:] if shape[:1] == (1,) else shape


def as_samples(specs: Sequence[InputSpec], x: object) -> tuple[list[Array], int]:
    """Check user data against `specs`; arrays (N, *shape) in the order of `specs`, and N.

    Parameters
    ----------
    specs
        The inputs.
    x
        One array for a single input, or a mapping from input name to array; each (N, *sample_shape(shape)). Integer
        arrays must have the input's dtype; floating ones are quantized with the input's own parameters (nearest, ties
        away from zero, saturating).

    Raises
    ------
    InputError
        Wrong names, shape, dtype, sample count, or a value that is not finite.
    """
    given = _by_name(specs, x)
    arrays = [_codes(spec, given[spec.name]) for spec in specs]
    counts = {spec.name: len(array) for spec, array in zip(specs, arrays, strict=True)}
    if len(set(counts.values())) != 1:
        raise InputError("every input must have the same number of samples", got=counts)
    count = len(arrays[0])
    return [array.reshape(count, *spec.shape) for spec, array in zip(specs, arrays, strict=True)], count


def from_samples(array: Array, shape: tuple[int, ...]) -> Array:
    """Return the user's view (N, *sample_shape(shape)) of an array (N, *shape)."""
    return array.reshape(len(array), *sample_shape(shape))


def some_samples(x: Any, chosen: slice | NDArray[np.intp]) -> Any:
    """Some samples of the user's data `x`: an array, or a mapping from input name to array."""
    if isinstance(x, Mapping):
        return {name: np.asarray(array)[chosen] for name, array in x.items()}
    return np.asarray(x)[chosen]


def _by_name(specs: Sequence[InputSpec], x: object) -> Mapping[str, Any]:
    names = [spec.name for spec in specs]
    if isinstance(x, Mapping):
        if set(x) != set(names):
            raise InputError(f"inputs must be named {', '.join(map(repr, names))}", got=list(x))
        return x
    if len(names) != 1:
        raise InputError(f"input must be a mapping with the names {', '.join(map(repr, names))}", got=type(x))
    return {names[0]: x}


def _codes(spec: InputSpec, data: object) -> Array:
    where = f"input {spec.name!r}"
    try:
        array = np.asarray(data)
    except (ValueError, TypeError) as error:
        raise InputError(f"must be an array: {error}", where=where) from None
    wanted = sample_shape(spec.shape)
    if array.ndim != len(wanted) + 1 or array.shape[1:] != wanted or not len(array):
        text = ", ".join(map(str, ("N", *wanted)))
        raise InputError(f"shape must be ({text}{',' if not wanted else ''}) with N >= 1", got=array.shape, where=where)
    if np.issubdtype(array.dtype, np.floating):
        return _quantized(spec, array, where)
    if array.dtype != spec.dtype.numpy:
        hint = _CONVERSIONS.get((spec.dtype, array.dtype.name), "")
        raise InputError(f"dtype must be {spec.dtype.value} or floating", got=f"{array.dtype.name}{hint}", where=where)
    return array


def _quantized(spec: InputSpec, array: Array, where: str) -> Array:
    with np.errstate(over="ignore", under="ignore"):
        real = array.astype(np.float32)
    if not np.isfinite(real).all():
        raise InputError("values must be finite in float32", where=where)
    if spec.dtype is DType.FLOAT32:
        return real
    if spec.quant is None:
        raise InputError(f"dtype must be {spec.dtype.value}: the input has no scale", got=array.dtype.name, where=where)
    return spec.quant.quantize(real, spec.dtype.numpy)
