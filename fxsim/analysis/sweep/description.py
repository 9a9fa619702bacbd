"""The TOML of a sweep, checked key by key; no model, hardware or data file is read here."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fxsim._core.errors import InputError
from fxsim.hw import DEFAULT_PRESET, Numerics, Timing

_FILE_LIMIT = 1 << 20
_SAMPLE_LIMIT = 1_000_000
_NUMERICS = frozenset(f.name for f in dataclasses.fields(Numerics))
_FIELDS = _NUMERICS | {f.name for f in dataclasses.fields(Timing)}

Axes = dict[str, tuple[int | str, ...]]
"""Field name to the values it takes, in the order of the file."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One ``[[models]]`` table; `path` as it is spelled."""

    path: str
    profile: str


@dataclass(frozen=True, slots=True)
class DataEntry:
    """One ``[[data]]`` table: files by input name ("" for the only input) or a seed.

    `samples` is how many of the file's first samples are taken (None: all), or how many are made up. `model` restricts
    the data to one model's path.
    """

    input: dict[str, str]
    random: int | None
    samples: int | None
    labels: str | None
    model: str | None

    @property
    def title(self) -> str:
        """The files, or the seed."""
        return f"random {self.random}" if self.random is not None else " ".join(self.input.values())


@dataclass(frozen=True, slots=True)
class Description:
    """A whole sweep file.

    Attributes
    ----------
    folder
        What its paths are relative to.
    bases
        Presets or ``.toml`` paths.
    fields
        Hardware fields and their values.
    layers
        By layer, its own numerics and their values.
    """

    folder: Path
    models: tuple[ModelEntry, ...]
    bases: tuple[str, ...]
    fields: Axes
    layers: dict[str, Axes]
    data: tuple[DataEntry, ...]


def read_description(path: str | Path) -> Description:
    """Read and check the file of a sweep.

    Raises
    ------
    InputError
        The file is not readable TOML, or a key is unknown, missing or holds what it must not.
    """
    path = Path(path)
    try:
        return _description(_toml(path), path.parent)
    except InputError as error:
        raise InputError(str(error), where=str(path)) from None


def _toml(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _FILE_LIMIT:
            raise InputError("sweep file must be smaller than 1 MiB")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"sweep file must be readable TOML: {error}") from None


def _description(table: dict[str, Any], folder: Path) -> Description:
    _only(table, ("schema", "models", "hardware", "layers", "data"), "sweep")
    if table.get("schema") != 1 or isinstance(table["schema"], bool):
        raise InputError("schema must be 1", got=table.get("schema"))
    hardware = dict(_table(table.get("hardware", {}), "hardware"))
    bases = _values(hardware.pop("base", DEFAULT_PRESET), "hardware.base")
    if not all(isinstance(base, str) for base in bases):
        raise InputError("hardware.base must be a preset or a path, or a list of them", got=list(bases))
    layers = _table(table.get("layers", {}), "layers")
    models = tuple(_model(entry, where) for where, entry in _entries(table, "models"))
    return Description(
        folder=folder,
        models=models,
        bases=tuple(map(str, bases)),
        fields=_axes(hardware, _FIELDS, "hardware"),
        layers={name: _axes(_table(t, f"layers.{name}"), _NUMERICS, f"layers.{name}") for name, t in layers.items()},
        data=tuple(_data(entry, where, {m.path for m in models}) for where, entry in _entries(table, "data")),
    )


def _model(entry: dict[str, Any], where: str) -> ModelEntry:
    _only(entry, ("path", "profile"), where)
    return ModelEntry(
        _text(entry.get("path"), f"{where}.path"), _text(entry.get("profile", "tflite"), f"{where}.profile")
    )


def _data(entry: dict[str, Any], where: str, models: set[str]) -> DataEntry:
    _only(entry, ("input", "random", "samples", "labels", "model"), where)
    if ("input" in entry) == ("random" in entry):
        raise InputError("data must have either input or random", got=sorted(entry), where=where)
    model = _optional_text(entry, "model", where)
    if model is not None and model not in models:
        raise InputError("model must be the path of one of the models", got=model, where=where)
    random = _integer(entry["random"], 0, 2**63 - 1, f"{where}.random") if "random" in entry else None
    samples = _integer(entry["samples"], 1, _SAMPLE_LIMIT, f"{where}.samples") if "samples" in entry else None
    return DataEntry(
        input=_files(entry.get("input", {}), f"{where}.input"),
        random=random,
        samples=1 if samples is None and random is not None else samples,
        labels=_optional_text(entry, "labels", where),
        model=model,
    )


def _files(given: Any, where: str) -> dict[str, str]:
    if isinstance(given, str):
        return {"": _text(given, where)}
    return {name: _text(path, f"{where}.{name}") for name, path in _table(given, where).items()}


def _axes(table: dict[str, Any], known: frozenset[str] | set[str], where: str) -> Axes:
    _only(table, tuple(sorted(known)), where)
    return {name: _values(value, f"{where}.{name}") for name, value in table.items()}


def _values(given: Any, where: str) -> tuple[int | str, ...]:
    """One value or a list of them; none may be given twice."""
    values = given if isinstance(given, list) else [given]
    if not values or not all(isinstance(v, int | str) and not isinstance(v, bool) for v in values):
        raise InputError("must be an integer or a text, or a list of them", got=given, where=where)
    if len(set(values)) != len(values):
        raise InputError("must not repeat a value", got=given, where=where)
    return tuple(values)


def _entries(table: dict[str, Any], name: str) -> list[tuple[str, dict[str, Any]]]:
    """The tables of ``[[name]]`` with their places; there must be one."""
    entries = table.get(name)
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{name} must be given as tables [[{name}]]", got=entries)
    return [(f"{name}[{n}]", _table(entry, f"{name}[{n}]")) for n, entry in enumerate(entries)]


def _table(given: Any, where: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InputError("must be a table", got=given, where=where)
    return given


def _only(table: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise InputError(f"keys must be of {', '.join(known)}", got=unknown, where=where)


def _text(given: Any, where: str) -> str:
    if not isinstance(given, str) or not given or "\0" in given:
        raise InputError("must be a text", got=given, where=where)
    return given


def _optional_text(entry: dict[str, Any], key: str, where: str) -> str | None:
    return _text(entry[key], f"{where}.{key}") if key in entry else None


def _integer(given: Any, lo: int, hi: int, where: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not lo <= given <= hi:
        raise InputError(f"must be an integer in {lo}..{hi}", got=given, where=where)
    return given
