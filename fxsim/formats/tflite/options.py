"""Operator attributes from and to option tables, both directions driven by the operators' importer hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fxsim._core.errors import ModelFormatError
from fxsim.formats.tflite.records import OperatorRecord, ints

if TYPE_CHECKING:
    from fxsim.ops import Operator, OptionField, TfliteHook


def read_attrs(operator: Operator, hook: TfliteHook, record: OperatorRecord) -> Any:
    """Attributes of one operator of a file; its defaults where the file leaves out a table without numbers.

    Raises
    ------
    ModelFormatError
        The table is missing or belongs to another operator, or an enum code is unknown.
    """
    if record.options is None and not any(field.kind in ("int", "float") for field in hook.fields):
        return operator.attrs()
    if record.options_type != hook.options:
        raise ModelFormatError(
            f"options must be {hook.options or 'absent'}", got=record.options_type or "absent", where=record.label
        )
    return operator.attrs(**{f.attribute: _read_field(f, record) for f in hook.fields})


def _read_field(field: OptionField, record: OperatorRecord) -> Any:
    if field.kind == "ints":
        return ints(record.options, field.accessor, record.label)
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
