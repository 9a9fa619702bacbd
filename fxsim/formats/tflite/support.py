"""Everything a .tflite file asks for and fxsim does not have, collected into one error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.errors import UnsupportedError
from fxsim.formats.tflite.codes import details_name, type_name
from fxsim.graph import DType
from fxsim.ops import OPERATORS, Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.formats.tflite.records import ModelRecord, OperatorRecord, TensorRecord

Request = tuple[str, str]
"""A feature and the place that asks for it."""
_PLACES_SHOWN = 8


def operators_by_builtin() -> dict[str, Operator]:
    """Operators of fxsim by the name that the TFLite schema gives them."""
    return {op.tflite.builtin: op for op in OPERATORS.values() if op.tflite is not None}


def refuse_unsupported(record: ModelRecord, unknown_fields: tuple[str, ...]) -> None:
    """Raise one `UnsupportedError` that lists every unsupported operator and feature with its places."""
    requests = [("field newer than the known schema", place) for place in unknown_fields]
    if record.subgraph_count > 1:
        requests.append(("more than one subgraph", f"{record.subgraph_count} subgraphs"))
    known = operators_by_builtin()
    requests += [(_operator_feature(op), f"node {op.index}") for op in record.operators if op.builtin not in known]
    for tensor in record.tensors:
        requests += [(feature, tensor.label) for feature in _tensor_features(tensor)]
    if requests:
        raise UnsupportedError(f"the model asks for unsupported features:{_listing(requests)}")


def _operator_feature(operator: OperatorRecord) -> str:
    if operator.builtin == "CUSTOM":
        return f"operator CUSTOM {operator.custom_code!r}"
    return f"operator {operator.builtin}"


def _tensor_features(tensor: TensorRecord) -> Iterator[str]:
    dtype = type_name(tensor.type_code)
    if dtype not in DType.__members__:
        yield f"tensor type {dtype}"
    if tensor.is_sparse:
        yield "sparse tensor"
    if tensor.is_variable:
        yield "variable tensor"
    if tensor.quantization is not None and tensor.quantization.details:
        yield details_name(tensor.quantization.details)


def _listing(requests: list[Request]) -> str:
    places: dict[str, list[str]] = {}
    for feature, place in requests:
        places.setdefault(feature, []).append(place)
    return "".join(f"\n  {feature}: {_shown(where)}" for feature, where in places.items())


def _shown(places: list[str]) -> str:
    hidden = len(places) - _PLACES_SHOWN
    return ", ".join(places[:_PLACES_SHOWN]) + (f" and {hidden} more" if hidden > 0 else "")
