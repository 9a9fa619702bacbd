"""`Hardware`: numerics and timing together, flat names, TOML files and presets."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from fxsim._core.errors import HardwareError
from fxsim.hw.description import MAX_INNER_GROUPS, Numerics, Timing

_NUMERIC_NAMES = frozenset(f.name for f in dataclasses.fields(Numerics))
_TIMING_NAMES = frozenset(f.name for f in dataclasses.fields(Timing))
_TOML_LIMIT = 1 << 20
DEFAULT_PRESET = "edge-16x16"


@dataclass(frozen=True, slots=True, init=False)
class Hardware:
    """A MAC unit: array, accumulators, scratchpads, ports, requantizer.

    Keyword-only; every field of `Numerics` and `Timing` may be given by its flat name, the rest default to the
    ``edge-16x16`` preset. ``group_size`` follows the array unless given: the columns for a tree, 1 for a chain.

    Raises
    ------
    HardwareError
        A field is unknown, out of range, or contradicts another.
    """

    name: str
    numerics: Numerics
    timing: Timing

    def __init__(
        self, *, name: Any = "custom", numerics: Numerics | None = None, timing: Timing | None = None, **fields: Any
    ) -> None:
        if not (isinstance(name, str) and name and name.isprintable()):
            raise HardwareError("name must be printable text", got=name)
        numeric, other = _route(fields)
        timing = dataclasses.replace(timing or Timing(), **other)
        numerics = numerics or Numerics(group_size=timing.cols)
        reduction = numeric.get("reduction", numerics.reduction)
        if "group_size" not in numeric and {"reduction", "cols"} & fields.keys():
            numeric["group_size"] = timing.cols if reduction == "tree" else 1
        numerics = dataclasses.replace(numerics, **numeric)
        if numerics.reduction == "tree" and numerics.group_size != timing.cols:
            raise HardwareError(
                f"group_size must equal cols = {timing.cols} for reduction = tree", got=numerics.group_size, where=name
            )
        _check_inner(numerics, timing.cols, name)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "numerics", numerics)
        object.__setattr__(self, "timing", timing)

    def replace(self, *, name: str | None = None, **fields: Any) -> Hardware:
        """A copy with some fields changed, by their flat names."""
        return Hardware(name=self.name if name is None else name, numerics=self.numerics, timing=self.timing, **fields)

    @classmethod
    def load(cls, source: str | Path | Hardware) -> Hardware:
        """Load a preset by name or a TOML file by path; a `Hardware` is returned as it is."""
        if isinstance(source, Hardware):
            return source
        if str(source) in presets():
            return cls.from_toml(_preset_text(str(source)), where=f"preset {source}")
        path = Path(source)
        if path.suffix != ".toml":
            raise HardwareError(f"hardware must be a .toml file or one of: {', '.join(presets())}", got=str(source))
        try:
            if path.stat().st_size > _TOML_LIMIT:
                raise HardwareError("hardware file must be smaller than 1 MiB", where=str(path))
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise HardwareError(f"hardware file must be readable text: {error}", where=str(path)) from None
        return cls.from_toml(text, where=str(path))

    @classmethod
    def from_toml(cls, text: str, *, where: str = "TOML text") -> Hardware:
        """Parse the text of a hardware file: ``schema = 1``, ``name``, tables ``numerics`` and ``timing``."""
        try:
            data = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # a number of more than 4300 digits is a plain ValueError
            raise HardwareError(f"hardware file must be TOML: {error}", where=where) from None
        try:
            return cls.from_dict(data)
        except HardwareError as error:
            raise HardwareError(str(error), where=where) from None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Hardware:
        """The inverse of `to_dict`; unknown keys are errors."""
        unknown = sorted(set(data) - {"schema", "name", "numerics", "timing"})
        if unknown:
            raise HardwareError("hardware keys must be schema, name, numerics, timing", got=unknown)
        if data.get("schema") != 1:
            raise HardwareError("schema must be 1", got=data.get("schema"))
        fields: dict[str, Any] = {}
        for part, names in (("numerics", _NUMERIC_NAMES), ("timing", _TIMING_NAMES)):
            table = data.get(part, {})
            if not isinstance(table, Mapping):
                raise HardwareError(f"{part} must be a table", got=table)
            extra = sorted(set(table) - names)
            if extra:
                raise HardwareError(f"{part} must not have unknown fields", got=extra)
            fields.update(table)
        return cls(name=data.get("name", ""), **fields)

    def to_dict(self) -> dict[str, Any]:
        """Plain data: schema, name, numerics, timing."""
        return {
            "schema": 1,
            "name": self.name,
            "numerics": dataclasses.asdict(self.numerics),
            "timing": dataclasses.asdict(self.timing),
        }

    def to_toml(self) -> str:
        """The text of a hardware file; every field with its meaning, unit and range as a comment."""
        lines = ["schema = 1", f"name = {_toml_string(self.name)}"]
        for title, part in (("numerics", self.numerics), ("timing", self.timing)):
            lines += ["", f"[{title}]", *_toml_lines(part)]
        return "\n".join(lines) + "\n"


def presets() -> tuple[str, ...]:
    """Names of the hardware presets that ship with fxsim."""
    folder = resources.files("fxsim.hw") / "presets"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def _preset_text(name: str) -> str:
    return (resources.files("fxsim.hw") / "presets" / f"{name}.toml").read_text(encoding="utf-8")


def _check_inner(numerics: Numerics, cols: int, name: str) -> None:
    """An inner accumulator spills between groups of columns."""
    if not numerics.inner_bits:
        return
    most = MAX_INNER_GROUPS * cols
    if numerics.inner_products % cols or numerics.inner_products > most:
        expected = f"inner_products must be a multiple of cols = {cols}, at most {most}"
        raise HardwareError(expected, got=numerics.inner_products, where=name)


def _route(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    unknown = sorted(set(fields) - _NUMERIC_NAMES - _TIMING_NAMES)
    if unknown:
        raise HardwareError("hardware fields must be known (see `fxsim info --hw`)", got=unknown)
    numeric = {k: v for k, v in fields.items() if k in _NUMERIC_NAMES}
    return numeric, {k: v for k, v in fields.items() if k in _TIMING_NAMES}


def _toml_string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _toml_lines(part: Numerics | Timing) -> list[str]:
    lines = []
    for f in dataclasses.fields(part):
        value, meta = getattr(part, f.name), f.metadata
        span = " | ".join(meta["values"]) or f"{meta['lo']}..{meta['hi']} {meta['unit']}".rstrip()
        text = _toml_string(value) if isinstance(value, str) else str(value)
        lines.append(f"{f.name} = {text}  # {meta['doc']}: {span}")
    return lines
