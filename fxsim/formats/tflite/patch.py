"""Copies of .tflite files with single fields altered in place."""

from __future__ import annotations

from struct import Struct

import tflite

from fxsim.formats.tflite.verifier import verify

_INT = Struct("<i")
_AXIS_VTABLE_OFFSET = 16
"""Where a vtable holds the offset of QuantizationParameters.quantized_dimension (slot 6)."""


def reset_stray_axes(data: bytes) -> bytes:
    """Copy `data`, every quantized dimension that lies outside its one-dimensional tensor set to 0.

    Some converters gave biases the axis of their weights; current LiteRT refuses such files.

    Raises
    ------
    ModelFormatError
        `data` is no well-formed TFLite file.
    """
    verify(data)
    copy = bytearray(data)
    graph = tflite.Model.GetRootAs(data, 0).Subgraphs(0)
    for i in range(graph.TensorsLength()):
        tensor = graph.Tensors(i)
        quantization = tensor.Quantization()
        if quantization is None or tensor.ShapeLength() != 1 or quantization.QuantizedDimension() < 1:
            continue
        table = quantization._tab
        _INT.pack_into(copy, table.Pos + table.Offset(_AXIS_VTABLE_OFFSET), 0)
    return bytes(copy)
