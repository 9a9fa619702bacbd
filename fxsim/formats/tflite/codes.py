"""Names of the enum codes of the schema, from the generated package and, where it is too old, from a short table."""

from __future__ import annotations

from functools import cache

import tflite

LATER_TYPES = {19: "INT2", 20: "UINT4", 21: "FLOAT8_E4M3FN", 22: "FLOAT8_E5M2"}
"""Tensor types that the schema got after TensorFlow 2.18; known by name so that messages can say what came."""
LATER_DETAILS = {2: "BlockwiseQuantization", 3: "MultiAxisQuantization"}
"""Quantization details that the schema got after TensorFlow 2.18."""


@cache
def enum_names(enum: str) -> dict[int, str]:
    """Names by code of one schema enum: ``"BuiltinOperator"``, ``"TensorType"``, ``"BuiltinOptions"``."""
    members = vars(getattr(tflite, enum))
    return {code: name for name, code in members.items() if not name.startswith("_")}


def enum_code(enum: str, name: str) -> int:
    """Code of `name`; the schema is ours to spell, so an unknown name is a plain `KeyError`."""
    return {known: code for code, known in enum_names(enum).items()}[name]


def type_name(code: int) -> str:
    """Name of a tensor type."""
    return enum_names("TensorType").get(code) or LATER_TYPES.get(code) or f"type code {code}"


def details_name(code: int) -> str:
    """Name of a kind of quantization details."""
    return enum_names("QuantizationDetails").get(code) or LATER_DETAILS.get(code) or f"quantization details {code}"


def operator_name(code: int) -> str:
    """Name of a builtin operator."""
    return enum_names("BuiltinOperator").get(code) or f"builtin operator {code}"
