"""Plain records of a verified .tflite file: the one place that calls the untyped generated accessors.

The accessors are those of the PyPI packages `tflite` 2.18 (the schema of TensorFlow 2.18) and `flatbuffers`. That
schema predates blockwise and multi-axis quantization and the tensor types INT2 and UINT4: models that use them are
refused by name, never misread (`fxsim.formats.tflite.codes`, and the unknown fields that `verify` returns).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite
from flatbuffers.number_types import Int32Flags
from numpy.typing import NDArray

from fxsim._core.errors import ModelFormatError
from fxsim.formats.tflite.codes import enum_names, operator_name

Bytes = NDArray[np.uint8]

MAX_INTS = 4096
"""Entries of a shape or a list of operands."""
_BUILTIN_CODE_VTABLE_OFFSET = 10
"""Where a vtable holds the offset of OperatorCode.builtin_code (slot 3)."""


@dataclass(frozen=True, slots=True, eq=False)
class QuantizationRecord:
    """Quantization as stored: float32 scales, int64 zero points, the channel axis, the code of further details."""

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int
    details: int


@dataclass(frozen=True, slots=True, eq=False)
class TensorRecord:
    """One tensor as stored."""

    index: int
    name: str
    shape: tuple[int, ...]
    type_code: int
    buffer: int
    quantization: QuantizationRecord | None
    is_variable: bool
    is_sparse: bool

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"tensor {self.index} {self.name!r}"


@dataclass(frozen=True, slots=True, eq=False)
class OperatorRecord:
    """One operator as stored; `options` is the accessor of its option table, `options_type` that table's name."""

    index: int
    builtin: str
    custom_code: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options_type: str
    options: Any

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"operator {self.index} {self.builtin}"


@dataclass(frozen=True, slots=True, eq=False)
class ModelRecord:
    """The first subgraph of a file, and how many there are."""

    version: int
    subgraph_count: int
    tensors: tuple[TensorRecord, ...]
    operators: tuple[OperatorRecord, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    buffers: tuple[Bytes, ...]


def load_records(data: bytes) -> ModelRecord:
    """Read the records of a file that `verify` accepted.

    Raises
    ------
    ModelFormatError
        No subgraph; an operator code index or an external buffer outside the file.
    """
    model = tflite.Model.GetRootAs(data, 0)
    if model.SubgraphsLength() == 0:
        raise ModelFormatError("a model must have a subgraph", where="model")
    graph = model.Subgraphs(0)
    codes = [_operator_code(model.OperatorCodes(i)) for i in range(model.OperatorCodesLength())]
    return ModelRecord(
        version=model.Version(),
        subgraph_count=model.SubgraphsLength(),
        tensors=tuple(_tensor(graph.Tensors(i), i) for i in range(graph.TensorsLength())),
        operators=tuple(_operator(graph.Operators(i), i, codes) for i in range(graph.OperatorsLength())),
        inputs=ints(graph, "Inputs", "subgraph 0"),
        outputs=ints(graph, "Outputs", "subgraph 0"),
        buffers=tuple(_buffer(model.Buffers(i), i, data) for i in range(model.BuffersLength())),
    )


def vector(table: Any, field: str, dtype: type[np.generic]) -> NDArray[Any]:
    """View a scalar vector field of the file, read-only; empty where the field is absent."""
    count = getattr(table, f"{field}Length")()
    return np.asarray(getattr(table, f"{field}AsNumpy")()) if count else np.empty(0, dtype)


def ints(table: Any, field: str, where: str) -> tuple[int, ...]:
    """Read a short vector of integers; `ModelFormatError` if it has more than `MAX_INTS` entries."""
    count = getattr(table, f"{field}Length")()
    if count > MAX_INTS:
        raise ModelFormatError(f"{field} must have at most {MAX_INTS} entries", got=count, where=where)
    return tuple(vector(table, field, np.int32).tolist())


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "backslashreplace")


def _operator_code(code: Any) -> tuple[str, str]:
    """Builtin name and custom code; files older than schema 3a have the deprecated byte only.

    The runtimes take the greater of both fields. The package's own `BuiltinCode` returns the deprecated one where the
    new one is small, so the new field is read here.
    """
    offset = code._tab.Offset(_BUILTIN_CODE_VTABLE_OFFSET)
    builtin = code._tab.Get(Int32Flags, code._tab.Pos + offset) if offset else 0
    return operator_name(max(builtin, code.DeprecatedBuiltinCode())), _text(code.CustomCode())


def _operator(operator: Any, index: int, codes: list[tuple[str, str]]) -> OperatorRecord:
    code, where = operator.OpcodeIndex(), f"operator {index}"
    if code >= len(codes):
        raise ModelFormatError(f"operator code index must be below {len(codes)}", got=code, where=where)
    builtin, custom_code = codes[code]
    inputs, outputs = ints(operator, "Inputs", where), ints(operator, "Outputs", where)
    return OperatorRecord(index, builtin, custom_code, inputs, outputs, *_options(operator))


def _options(operator: Any) -> tuple[str, Any]:
    """Name and accessor of the option table; a type that the schema does not know was not verified: not followed."""
    kind = enum_names("BuiltinOptions").get(operator.BuiltinOptionsType(), "NONE")
    table = operator.BuiltinOptions() if kind != "NONE" else None
    if table is None:
        return "", None
    options = getattr(tflite, kind)()
    options.Init(table.Bytes, table.Pos)
    return kind, options


def _tensor(tensor: Any, index: int) -> TensorRecord:
    return TensorRecord(
        index=index,
        name=_text(tensor.Name()),
        shape=ints(tensor, "Shape", f"tensor {index}"),
        type_code=tensor.Type(),
        buffer=tensor.Buffer(),
        quantization=_quantization(tensor.Quantization()),
        is_variable=tensor.IsVariable(),
        is_sparse=tensor.Sparsity() is not None,
    )


def _quantization(quantization: Any) -> QuantizationRecord | None:
    """None where the table is absent or, as converters leave it on plain tensors, says nothing."""
    if quantization is None:
        return None
    scale = vector(quantization, "Scale", np.float32)
    zero_point = vector(quantization, "ZeroPoint", np.int64)
    details = quantization.DetailsType()
    if not (scale.size or zero_point.size or details):
        return None
    return QuantizationRecord(scale, zero_point, quantization.QuantizedDimension(), details)


def _buffer(buffer: Any, index: int, data: bytes) -> Bytes:
    """Bytes of one buffer: inside the flatbuffer, or behind it where an offset above 1 is given."""
    offset, size = buffer.Offset(), buffer.Size()
    if offset <= 1:
        return vector(buffer, "Data", np.uint8)
    if offset + size > len(data):
        raise ModelFormatError(
            f"external buffer must lie inside the file of {len(data)} bytes",
            got=(offset, offset + size),
            where=f"buffer {index}",
        )
    return np.frombuffer(data, np.uint8, count=size, offset=offset)
