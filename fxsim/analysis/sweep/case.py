"""A case: one model with the data it runs on, by content; what every worker gets."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import FxsimError, InputError, ModelFormatError
from fxsim.analysis.labels import check_labels
from fxsim.formats import read_tflite
from fxsim.graph import Network, Tensors, as_samples, from_samples, input_specs, load_npy, random_samples
from fxsim.oracle import golden

if TYPE_CHECKING:
    from pathlib import Path

    from fxsim.analysis.sweep.description import DataEntry, Description, ModelEntry

Array = NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Case:
    """A model file's bytes, the codes it runs on and their labels; equal by `key`, the SHA-256 of all of them."""

    key: str
    title: str = field(compare=False)
    model: bytes = field(compare=False, repr=False)
    profile: str = field(compare=False)
    inputs: dict[str, Array] = field(compare=False, repr=False)
    labels: Array | None = field(compare=False, repr=False)

    @property
    def samples(self) -> int:
        """How many samples."""
        return len(next(iter(self.inputs.values())))


@lru_cache(maxsize=8)
def network_of(case: Case) -> Network:
    """The network of `case`, read once."""
    return read_tflite(case.model).with_profile(case.profile)


@lru_cache(maxsize=8)
def reference_of(case: Case) -> Tensors:
    """The outputs of the network's runtime profile on the data of `case`, computed once."""
    net = network_of(case)
    return golden(net, case.inputs).subset(net.values[i].name for i in net.outputs)


def load_cases(description: Description) -> list[tuple[ModelEntry, DataEntry, Case]]:
    """Read and check every model and every data file; each model meets the data that is meant for it.

    Raises
    ------
    FxsimError
        A model is not readable, data does not fit it, labels are not one per sample, or a model is left without data.
    """
    found = []
    for entry in description.models:
        model, net = _model(description.folder / entry.path, entry.profile)
        meant = [data for data in description.data if data.model in (None, entry.path)]
        if not meant:
            raise InputError("every model must have data", got=entry.path)
        found += [(entry, data, _case(description.folder, entry, model, net, data)) for data in meant]
    return found


def _model(path: Path, profile: str) -> tuple[bytes, Network]:
    try:
        if path.suffix != ".tflite":
            raise ModelFormatError("model must be a .tflite file")
        net = read_tflite(path).with_profile(profile)
        return path.read_bytes(), net
    except FxsimError as error:
        raise type(error)(str(error), where=str(path)) from None
    except OSError as error:
        raise InputError(f"model must be readable: {error}", where=str(path)) from None


def _case(folder: Path, entry: ModelEntry, model: bytes, net: Network, data: DataEntry) -> Case:
    title = f"{entry.path} on {data.title}"
    try:
        inputs, labels = _samples(folder, net, data)
    except FxsimError as error:
        raise InputError(str(error), where=title) from None
    return Case(_key(model, entry.profile, inputs, labels), title, model, entry.profile, inputs, labels)


def _samples(folder: Path, net: Network, data: DataEntry) -> tuple[dict[str, Array], Array | None]:
    """Codes by input name and labels: the first `data.samples` of what the files hold, checked as a whole."""
    inputs = (
        random_samples(net, data.random, data.samples or 1) if data.random is not None else _read(folder, net, data)
    )
    count = len(next(iter(inputs.values())))
    if data.samples is not None and data.samples > count:
        raise InputError(f"samples must be at most the {count} of the file", got=data.samples)
    labels = None if data.labels is None else check_labels(load_npy(folder / data.labels), count)[: data.samples]
    return {name: array[: data.samples] for name, array in inputs.items()}, labels


def _read(folder: Path, net: Network, data: DataEntry) -> dict[str, Array]:
    given = {name: load_npy(folder / path) for name, path in data.input.items()}
    specs = input_specs(net)
    arrays, _ = as_samples(specs, given.get("", given))
    return {spec.name: from_samples(array, spec.shape) for spec, array in zip(specs, arrays, strict=True)}


def _key(model: bytes, profile: str, inputs: dict[str, Array], labels: Array | None) -> str:
    digest = hashlib.sha256(hashlib.sha256(model).digest() + profile.encode())
    for name, array in [*inputs.items(), *([] if labels is None else [("labels", labels)])]:
        digest.update(f"\0{name}\0{array.dtype.str}{array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
