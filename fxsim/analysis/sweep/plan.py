"""`read_plan`: a sweep file becomes a list of checked points, each under a key that its content alone decides."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from fxsim import __version__
from fxsim._core.errors import FxsimError, InputError
from fxsim.analysis.sweep.case import Case, load_cases, network_of
from fxsim.analysis.sweep.description import Axes, Description, read_description
from fxsim.hw import Hardware, presets
from fxsim.ops import layer_numerics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POINT_LIMIT = 1_000_000
"""Most points of one sweep."""

Layers = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Point:
    """One simulation.

    Attributes
    ----------
    key
        SHA-256 of fxsim's version, the case's key, the hardware and the numerics of single layers.
    case
        Number of the case in the plan.
    settings
        What the sweep file chose, by column of the table.
    """

    key: str
    case: int
    hardware: Hardware
    layers: Layers
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """All cases and all points, none twice; `merged` points of the file had the content of another."""

    cases: tuple[Case, ...]
    points: tuple[Point, ...]
    merged: int


def read_plan(path: str | Path) -> Plan:
    """Read a sweep file with everything it names, and check every point before any work starts.

    Models × bases × hardware fields × layer fields × data. ``bias_policy`` is ``"apply"`` unless the file says
    otherwise: widths that cannot hold a bias are what a sweep is after.

    Raises
    ------
    FxsimError
        A file is not readable or contradicts itself, a point's hardware is illegal, or there are too many points.
    """
    description = read_description(path)
    _check_size(description)
    found = load_cases(description)
    cases = {case.key: case for _, _, case in found}
    numbers = {key: number for number, key in enumerate(cases)}
    points: dict[str, Point] = {}
    total = 0
    machines = list(_machines(description))
    for entry, data, case in found:
        own = {"model": entry.path, "profile": entry.profile, "data": data.title, "samples": case.samples}
        for hardware, layers, settings in machines:
            point = _point(case, numbers[case.key], hardware, layers, own | settings)
            points.setdefault(point.key, point)
            total += 1
    return Plan(tuple(cases.values()), tuple(points.values()), total - len(points))


def _check_size(description: Description) -> None:
    axes = [description.fields, *description.layers.values()]
    sides = [len(values) for axis in axes for values in axis.values()]
    pairs = sum(data.model in (None, model.path) for model in description.models for data in description.data)
    count = math.prod([pairs, len(description.bases), *sides])
    if count > POINT_LIMIT:
        raise InputError(f"a sweep must have at most {POINT_LIMIT:,} points", got=count)


def _machines(description: Description) -> Iterator[tuple[Hardware, Layers, dict[str, Any]]]:
    """Every hardware with every choice of layer fields, and the settings that name them."""
    names = [(layer, name) for layer, axis in description.layers.items() for name in axis]
    for base, fields in product(description.bases, _choices(description.fields)):
        hardware = _hardware(description, base, fields)
        for values in product(*(description.layers[layer][name] for layer, name in names)):
            layers: Layers = {}
            for (layer, name), value in zip(names, values, strict=True):
                layers.setdefault(layer, {})[name] = value
            chosen = {f"{layer}.{name}": value for (layer, name), value in zip(names, values, strict=True)}
            yield hardware, layers, {"base": base, **fields, **chosen}


def _choices(axes: Axes) -> Iterator[dict[str, Any]]:
    for values in product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def _hardware(description: Description, base: str, fields: dict[str, Any]) -> Hardware:
    try:
        source = base if base in presets() else description.folder / base
        return Hardware.load(source).replace(**{"bias_policy": "apply", **fields})
    except FxsimError as error:
        raise type(error)(str(error), where=_sentence({"base": base, **fields})) from None


def _point(case: Case, number: int, hardware: Hardware, layers: Layers, settings: dict[str, Any]) -> Point:
    try:
        layer_numerics(network_of(case), hardware.numerics, layers)
    except FxsimError as error:
        raise type(error)(str(error), where=_sentence(settings)) from None
    content = [__version__, case.key, hardware.to_dict(), layers]
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return Point(key, number, hardware, layers, settings)


def _sentence(settings: dict[str, Any]) -> str:
    return "point " + ", ".join(f"{name} = {value}" for name, value in settings.items())
