"""`read_tflite`: a checked .tflite file → `Network`.

Read through the generated schema accessors of the PyPI package `tflite` 2.18, on bytes that `verify` accepted. That
schema knows neither blockwise quantization nor INT2 and UINT4; a model that uses them is refused by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fxsim._core.errors import GraphError, ModelFormatError
from fxsim.formats.tflite.options import read_attrs
from fxsim.formats.tflite.records import ModelRecord, OperatorRecord, TensorRecord, load_records
from fxsim.formats.tflite.support import operators_by_builtin, refuse_unsupported
from fxsim.formats.tflite.tensors import Constants, tensor_type
from fxsim.formats.tflite.verifier import verify
from fxsim.graph import ABSENT, Network, Node, Value, build, unique_names
from fxsim.ops import Operator, validate

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_FILE_BYTES = 512 << 20
"""Largest file that is read."""
SCHEMA_VERSION = 3


def read_tflite(source: str | Path | bytes) -> Network:
    """Read a .tflite file.

    Values keep the file's tensor indices and names (a repeated or empty name gets ``#<tensor index>``), nodes the
    file's order; a node is called after its first output. Tensors with empty buffers are no constants; a builtin code
    may stand in either field; biases may carry a quantized dimension outside their rank.

    Parameters
    ----------
    source
        A path, or the bytes of a file; the network is called after the file's stem, ``"model"`` for bytes.

    Raises
    ------
    ModelFormatError
        The file is no TFLite file, is corrupted, or contradicts itself.
    UnsupportedError
        It asks for operators or features that fxsim does not have; all of them are listed.
    GraphError, QuantizationError
        It is not a well-formed acyclic graph; scales or zero points are illegal.
    """
    data, name = _load(source)
    unknown_fields = verify(data)
    record = load_records(data)
    if record.version != SCHEMA_VERSION:
        raise ModelFormatError(f"schema version must be {SCHEMA_VERSION}", got=record.version, where="model")
    refuse_unsupported(record, unknown_fields)
    return _network(record, name, len(data))


def _load(source: str | Path | bytes) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        _check_size(len(source), "model")
        return source, "model"
    path = Path(source)
    try:
        _check_size(path.stat().st_size, str(path))
        return path.read_bytes(), path.stem
    except OSError as error:
        raise ModelFormatError(f"{path}: must be a readable file: {error.strerror}") from error


def _check_size(size: int, where: str) -> None:
    if size > MAX_FILE_BYTES:
        raise ModelFormatError(f"file must have at most {MAX_FILE_BYTES} bytes", got=size, where=where)


def _network(record: ModelRecord, name: str, file_size: int) -> Network:
    values = _values(record, Constants(record.buffers, file_size))
    count = len(values)
    operators = operators_by_builtin()
    nodes = tuple(_node(op, operators[op.builtin], values) for op in record.operators)
    for role, indices in (("input", record.inputs), ("output", record.outputs)):
        _check_indices(indices, count, f"model {role}s", optional=False)
    network = build(name, values, nodes, record.inputs, record.outputs)
    validate(network)
    return network


def _values(record: ModelRecord, constants: Constants) -> tuple[Value, ...]:
    names = unique_names([tensor.name for tensor in record.tensors])
    return tuple(_value(tensor, name, constants) for tensor, name in zip(record.tensors, names, strict=True))


def _value(tensor: TensorRecord, name: str, constants: Constants) -> Value:
    kind = tensor_type(tensor)
    return Value(name, kind, constants.data(tensor, kind))


def _node(record: OperatorRecord, operator: Operator, values: tuple[Value, ...]) -> Node:
    _check_indices(record.inputs, len(values), record.label, optional=True)
    _check_indices(record.outputs, len(values), record.label, optional=False)
    if not record.outputs:
        raise GraphError("operator must have an output", where=record.label)
    assert operator.tflite is not None
    attrs = read_attrs(operator, operator.tflite, record)
    return Node(operator.name, values[record.outputs[0]].name, record.inputs, record.outputs, attrs)


def _check_indices(indices: Iterable[int], count: int, where: str, *, optional: bool) -> None:
    for index in indices:
        if not (0 <= index < count or (optional and index == ABSENT)):
            raise GraphError(f"tensor index must be in 0..{count - 1}", got=index, where=where)
