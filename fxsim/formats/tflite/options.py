"""Operator attributes from and to option tables, both directions driven by the operators' importer hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim._core.errors import ModelFormatError
from fxsim.formats.tflite.records import OperatorRecord, vector

if TYPE_CHECKING:
    from fxsim.ops import Operator, OptionField, TfliteHook

_MAX_INTS = 64


def read_attrs(operator: Operator, hook: TfliteHook, record: OperatorRecord) -> Any:
    """Attributes of one operator of a file; its defaults where the file leaves the table out.

    Raises
    ------
    ModelFormatError
        The table belongs to another operator, or an enum code is unknown.
    """
    if record.options is None:
        return operator.attrs()
    if record.options_type != hook.options:
        raise ModelFormatError(
            f"options must be {hook.options or 'absent'}", got=record.options_type, where=record.label
        )
    return operator.attrs(**{f.attribute: _read_field(f, record) for f in hook.fields})


def _read_field(field: OptionField, record: OperatorRecord) -> Any:
    if field.kind == "ints":
        values = vector(record.options, field.accessor, np.int32)
        if values.size > _MAX_INTS:
            raise ModelFormatError(
                f"{field.accessor} must have at most {_MAX_INTS} entries", got=values.size, where=record.label
            )
        return tuple(values.tolist())
    code = getattr(record.options, field.accessor)()
    if field.kind == "float":
        return float(code)
    if field.kind != "enum":
        return int(code)
    if not 0 <= code < len(field.values):
        raise ModelFormatError(
            f"{field.accessor} must be one of {', '.join(field.values)}", got=code, where=record.label
        )
    return field.values[code]


def field_code(field: OptionField, value: Any) -> float:
    """Return what a scalar attribute is stored as."""
    if field.kind == "enum":
        return field.values.index(value)
    return float(value) if field.kind == "float" else int(value)
