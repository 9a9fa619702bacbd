"""Tensor records → graph values: shapes, quantization and constants, each checked before it is used."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import FxsimError, GraphError, ModelFormatError, QuantizationError
from fxsim.formats.tflite.codes import type_name
from fxsim.graph import DType, TensorType
from fxsim.numerics import Affine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.formats.tflite.records import Bytes, QuantizationRecord, TensorRecord

MAX_ELEMENTS = 1 << 28
"""Elements of one tensor."""
MAX_RANK = 8
"""Dimensions of one tensor."""


def tensor_type(record: TensorRecord) -> TensorType:
    """Shape, element type and quantization of one tensor; a missing shape is a scalar.

    Raises
    ------
    GraphError
        A dimension is negative (dynamic shapes are stored as the size to run with), or there are too many elements.
    QuantizationError
        Scales or zero points are illegal, or their number does not fit the channels.
    """
    shape, dtype = record.shape, DType[type_name(record.type_code)]
    if len(shape) > MAX_RANK:
        raise GraphError(f"tensor must have at most {MAX_RANK} dimensions", got=len(shape), where=record.label)
    if any(size < 0 for size in shape):
        raise GraphError("dimensions must be static and not negative", got=shape, where=record.label)
    if math.prod(shape) > MAX_ELEMENTS:
        raise GraphError(f"tensor must have at most {MAX_ELEMENTS} elements", got=shape, where=record.label)
    stored = record.quantization
    return TensorType(shape, dtype, None if stored is None else _affine(stored, shape, dtype, record.label))


def _affine(stored: QuantizationRecord, shape: tuple[int, ...], dtype: DType, where: str) -> Affine | None:
    """Quantization of an integer tensor; on float tensors runtimes ignore the record, and so do we."""
    if not dtype.is_integer:
        return None
    count = stored.scale.size
    if stored.zero_point.size != count:
        raise QuantizationError(f"must have one zero point per scale: {count}", got=stored.zero_point.size, where=where)
    axis = None if count == 1 else _channel_axis(stored, shape, dtype, where)
    zero = np.asarray(stored.zero_point, np.int64)
    if zero.min() < dtype.lo or zero.max() > dtype.hi:
        raise QuantizationError(f"zero points must lie in the range of {dtype.value}", got=zero, where=where)
    try:
        return Affine(np.array(stored.scale, np.float32), np.array(zero), axis)
    except FxsimError as error:
        raise QuantizationError(f"{where}: {error}") from error


def _channel_axis(stored: QuantizationRecord, shape: tuple[int, ...], dtype: DType, where: str) -> int:
    """Axis of per-channel scales.

    Biases in the wild carry the axis of their weights, outside their own single dimension: an int32 vector has only
    one axis to mean.
    """
    axis = 0 if dtype is DType.INT32 and len(shape) == 1 else stored.axis
    if not 0 <= axis < len(shape):
        raise QuantizationError(f"quantized dimension must be in 0..{len(shape) - 1}", got=axis, where=where)
    if shape[axis] != stored.scale.size:
        raise QuantizationError(
            f"must have one scale per channel: {shape[axis]} along axis {axis}", got=stored.scale.size, where=where
        )
    return axis


class Constants:
    """Constant data by buffer: one aligned read-only copy of every span of the file, however many tensors share it."""

    def __init__(self, buffers: tuple[Bytes, ...], file_size: int) -> None:
        self._buffers = buffers
        self._copies: dict[tuple[int, int], Bytes] = {}
        self._room = file_size

    def data(self, record: TensorRecord, kind: TensorType) -> NDArray[np.generic] | None:
        """Look up the tensor's elements, in its own shape; None where it has no buffer or one without bytes.

        Raises
        ------
        ModelFormatError
            The buffer does not exist, has another size than the tensor, or overlaps others.
        """
        if record.buffer == 0:
            return None
        if record.buffer >= len(self._buffers):
            raise ModelFormatError(
                f"buffer index must be below {len(self._buffers)}", got=record.buffer, where=record.label
            )
        raw = self._buffers[record.buffer]
        if raw.size == 0 and kind.size:
            return None
        if raw.size != kind.nbytes:
            raise ModelFormatError(f"constant {kind} must have {kind.nbytes} bytes", got=raw.size, where=record.label)
        return self._copy(raw, record.label).view(kind.dtype.numpy.newbyteorder("<")).reshape(kind.shape)

    def _copy(self, raw: Bytes, where: str) -> Bytes:
        span = (raw.ctypes.data, raw.size)
        if span not in self._copies:
            self._room -= raw.size
            if self._room < 0:
                raise ModelFormatError("buffers must not overlap", where=where)
            copy = raw.copy()
            copy.flags.writeable = False
            self._copies[span] = copy
        return self._copies[span]
