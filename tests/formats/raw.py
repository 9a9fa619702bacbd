"""Models field by field, legal or not, by the generated builder functions: every test alters one thing."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
import tflite

Fields = dict[str, Any]


def tensor(**fields: Any) -> Fields:
    """An int8 tensor of shape (1, 4) with scale 0.5, altered by `fields`; a field that is None is left out."""
    legal: Fields = {"Shape": (1, 4), "Type": tflite.TensorType.INT8, "Name": "t", "Quantization": quantization()}
    return legal | fields


def quantization(**fields: Any) -> Fields:
    """Scale 0.5 and zero point 0."""
    return {"Scale": np.array([0.5], np.float32), "ZeroPoint": np.array([0], np.int64)} | fields


def operator(**fields: Any) -> Fields:
    """QUANTIZE of tensor 0 into tensor 1."""
    return {"OpcodeIndex": 0, "Inputs": (0,), "Outputs": (1,)} | fields


def graph(**fields: Any) -> Fields:
    """Two tensors and a QUANTIZE between them."""
    tensors = [tensor(Name="x"), tensor(Name="y")]
    return {"Tensors": tensors, "Inputs": (0,), "Outputs": (1,), "Operators": [operator()]} | fields


def model(*graphs: Fields, identifier: bytes = b"TFL3", **fields: Any) -> bytes:
    """Serialize a model of the given subgraphs (none given: the legal one), altered by `fields`."""
    legal: Fields = {
        "Version": 3,
        "OperatorCodes": [{"BuiltinCode": tflite.BuiltinOperator.QUANTIZE, "Version": 1}],
        "Subgraphs": list(graphs) or [graph()],
        "Buffers": [{}],
    }
    builder = flatbuffers.Builder(1024)
    builder.Finish(_table(builder, "Model", legal | fields), file_identifier=identifier)
    return bytes(builder.Output())


_CHILDREN = {
    "OperatorCodes": "OperatorCode",
    "Subgraphs": "SubGraph",
    "Buffers": "Buffer",
    "Tensors": "Tensor",
    "Operators": "Operator",
    "Quantization": "QuantizationParameters",
    "Sparsity": "SparsityParameters",
}


def _table(builder: Any, name: str, fields: Fields) -> int:
    options = {1: "Conv2DOptions", 17: "ReshapeOptions", 9: "SoftmaxOptions", 94: "QuantizeOptions"}
    children = _CHILDREN | {"BuiltinOptions": options.get(fields.get("BuiltinOptionsType", 0), "")}
    ready = {field: _value(builder, children.get(field, ""), value) for field, value in fields.items()}
    getattr(tflite, f"{name}Start")(builder)
    for field, value in ready.items():
        if value is not None:
            getattr(tflite, f"{name}Add{field}")(builder, value)
    return int(getattr(tflite, f"{name}End")(builder))


def _value(builder: Any, child: str, value: Any) -> Any:
    if isinstance(value, dict):
        return _table(builder, child, value)
    if isinstance(value, list):
        return _references(builder, [_table(builder, child, entry) for entry in value])
    if isinstance(value, str | bytes):
        return builder.CreateString(value)
    if isinstance(value, tuple | np.ndarray):
        return builder.CreateNumpyVector(np.asarray(value, None if isinstance(value, np.ndarray) else np.int32))
    return value


def _references(builder: Any, tables: list[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for position in reversed(tables):
        builder.PrependUOffsetTRelative(position)
    return int(builder.EndVector())
