"""Format ``npy``: a NumPy file per array."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from fxsim.rtl.vectors.form import Format

if TYPE_CHECKING:
    from fxsim.rtl.vectors.arrays import VectorArray, VectorSet

_RADIX = "binary, little-endian"
_USE = """\
Every array is a NumPy file of the shape and the integer type in the table: `numpy.load("ifm.npy")`.
"""


def _file_of(array: VectorArray) -> str:
    """Where an array stands."""
    return f"{array.name}.npy"


def _files(vectors: VectorSet) -> dict[str, bytes]:
    """Contents by file name."""
    return {_file_of(array): _file(array) for array in vectors.arrays}


def _file(array: VectorArray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array.codes.astype(np.dtype(array.dtype).newbyteorder("<")), allow_pickle=False)
    return buffer.getvalue()


FORMAT = Format(_RADIX, _USE, _file_of, _files)
