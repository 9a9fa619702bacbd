"""Tensor types and values of the graph IR."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.numerics import Affine


class DType(Enum):
    """Element types; the value is the NumPy name."""

    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float32"

    @property
    def numpy(self) -> np.dtype[np.generic]:
        """The NumPy dtype."""
        return np.dtype(self.value)

    @property
    def is_integer(self) -> bool:
        """Whether elements are integer codes."""
        return self is not DType.FLOAT32

    @property
    def lo(self) -> int:
        """Smallest code (integer types)."""
        return int(np.iinfo(self.value).min)

    @property
    def hi(self) -> int:
        """Greatest code (integer types)."""
        return int(np.iinfo(self.value).max)


@dataclass(frozen=True, slots=True)
class TensorType:
    """Shape (static, every dimension at least 1 unless the tensor is empty), element type and quantization."""

    shape: tuple[int, ...]
    dtype: DType
    quant: Affine | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor, unpadded."""
        return self.size * self.dtype.numpy.itemsize

    def __str__(self) -> str:
        return f"{self.dtype.value}[{'x'.join(map(str, self.shape))}]"


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """One tensor of the network: a constant where `data` is given, else an input or a node's output."""

    name: str
    type: TensorType
    data: NDArray[np.generic] | None = None

    @property
    def is_constant(self) -> bool:
        """Whether the value is stored in the model."""
        return self.data is not None
