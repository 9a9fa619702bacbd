"""`write_tflite`: a `Network` → the bytes of a .tflite file, for generated models; the reader's exact inverse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flatbuffers
import numpy as np
import tflite

from fxsim._core.errors import UnsupportedError
from fxsim.formats.tflite.codes import enum_code
from fxsim.formats.tflite.options import field_code
from fxsim.ops import OPERATORS, OptionField, TfliteHook

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.graph import Network, Node, Value
    from fxsim.numerics import Affine

SCHEMA_VERSION = 3
_ALIGNMENT = 16
"""Bytes; runtimes read constants in place."""
_PLACEHOLDER = 127
"""What the one-byte operator code says where the code needs the wider field."""


def write_tflite(network: Network) -> bytes:
    """Serialize `network`; equal networks give equal bytes.

    Tensor indices, names, node order and operator versions are kept; the profile and node names are not part of the
    format. Reading the result gives the same network.

    Raises
    ------
    UnsupportedError
        An operator has no spelling in the format, or a tensor is quantized per group.
    """
    return _Writer(network).bytes()


class _Writer:
    """One flatbuffer under construction; children are written before their parents."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._hooks = {node.op: _hook(node) for node in network.nodes}
        self._codes = {op: i for i, op in enumerate(self._hooks)}
        self._constants = [i for i, value in enumerate(network.values) if value.is_constant]
        self._builder = flatbuffers.Builder(1024)

    def bytes(self) -> bytes:
        """Serialize the whole file."""
        network = self._network
        buffers = [self._buffer(None), *(self._buffer(network.values[i].data) for i in self._constants)]
        description = self._builder.CreateString("fxsim")
        model = self._table(
            "Model",
            Version=SCHEMA_VERSION,
            OperatorCodes=self._references([self._operator_code(hook) for hook in self._hooks.values()]),
            Subgraphs=self._references([self._subgraph()]),
            Description=description,
            Buffers=self._references(buffers),
        )
        self._builder.Finish(model, file_identifier=b"TFL3")
        return bytes(self._builder.Output())

    def _subgraph(self) -> int:
        network = self._network
        tensors = [self._tensor(value, i) for i, value in enumerate(network.values)]
        return self._table(
            "SubGraph",
            Tensors=self._references(tensors),
            Inputs=self._vector(network.inputs, np.int32),
            Outputs=self._vector(network.outputs, np.int32),
            Operators=self._references([self._operator(node) for node in network.nodes]),
            Name=self._builder.CreateString("main"),
        )

    def _operator_code(self, hook: TfliteHook) -> int:
        code = enum_code("BuiltinOperator", hook.builtin)
        narrow = min(code, _PLACEHOLDER)
        return self._table("OperatorCode", DeprecatedBuiltinCode=narrow, Version=hook.version, BuiltinCode=code)

    def _buffer(self, data: NDArray[np.generic] | None) -> int:
        if data is None:
            return self._table("Buffer")
        raw = data.astype(data.dtype.newbyteorder("<"), copy=False).tobytes()
        self._builder.Prep(_ALIGNMENT, len(raw))
        return self._table("Buffer", Data=self._builder.CreateByteVector(raw))

    def _tensor(self, value: Value, index: int) -> int:
        fields: dict[str, int] = {"Name": self._builder.CreateString(value.name)}
        if value.type.quant is not None:
            fields["Quantization"] = self._quantization(value.type.quant, value.name)
        if value.is_constant:
            fields["Buffer"] = 1 + self._constants.index(index)
        shape, code = self._vector(value.type.shape, np.int32), enum_code("TensorType", value.type.dtype.name)
        return self._table("Tensor", Shape=shape, Type=code, **fields)

    def _quantization(self, quant: Affine, name: str) -> int:
        if quant.group_size is not None:
            raise UnsupportedError("quantization must be per tensor or per channel", where=f"tensor {name!r}")
        return self._table(
            "QuantizationParameters",
            Scale=self._vector(quant.scale, np.float32),
            ZeroPoint=self._vector(quant.zero_point, np.int64),
            QuantizedDimension=quant.axis or 0,
        )

    def _operator(self, node: Node) -> int:
        hook = self._hooks[node.op]
        fields = {"OpcodeIndex": self._codes[node.op]}
        if hook.options:
            values = {field.accessor: self._option(field, node) for field in hook.fields}
            fields["BuiltinOptions"] = self._table(hook.options, **values)
            fields["BuiltinOptionsType"] = enum_code("BuiltinOptions", hook.options)
        inputs, outputs = self._vector(node.inputs, np.int32), self._vector(node.outputs, np.int32)
        return self._table("Operator", Inputs=inputs, Outputs=outputs, **fields)

    def _option(self, field: OptionField, node: Node) -> float:
        value = getattr(node.attrs, field.attribute)
        return self._vector(value, np.int32) if field.kind == "ints" else field_code(field, value)

    def _table(self, table: str, **fields: float) -> int:
        """One table by the generated builder functions; references must exist already."""
        getattr(tflite, f"{table}Start")(self._builder)
        for field, value in fields.items():
            getattr(tflite, f"{table}Add{field}")(self._builder, value)
        return int(getattr(tflite, f"{table}End")(self._builder))

    def _references(self, tables: list[int]) -> int:
        self._builder.StartVector(4, len(tables), 4)
        for table in reversed(tables):
            self._builder.PrependUOffsetTRelative(table)
        return int(self._builder.EndVector())

    def _vector(self, values: Any, dtype: type[np.generic]) -> int:
        return int(self._builder.CreateNumpyVector(np.asarray(values, dtype)))


def _hook(node: Node) -> TfliteHook:
    hook = OPERATORS[node.op].tflite
    if hook is None:
        raise UnsupportedError(f"operator must have a .tflite spelling, not {node.op}", where=f"node {node.name!r}")
    return hook
