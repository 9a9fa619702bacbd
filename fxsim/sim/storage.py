"""Named arrays and a JSON record in one ``.npz`` file; no pickle, written whole or not at all."""

from __future__ import annotations

import io
import json
import lzma
import zipfile
import zlib
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim._core.errors import InputError, shorten
from fxsim._core.files import write_atomically
from fxsim.graph import Tensors
from fxsim.numerics import Affine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, TokenError, ValueError, KeyError, TypeError, EOFError, OSError,
    RuntimeError, MemoryError,
)  # fmt: skip
"""What zipfile, NumPy and json raise on damaged files."""
_LIMIT = 1 << 33
_RECORD = "record.json"


def write_archive(path: Path, record: Mapping[str, Any], tensors: Tensors) -> None:
    """Write `record` (plain data) and `tensors` with their quantization to `path`."""
    described = {**record, "tensors": [_describe(name, quant) for name, quant in tensors.quants.items()]}
    arrays: dict[str, Any] = {f"tensor_{i}": tensors[name] for i, name in enumerate(tensors)}
    arrays[_RECORD] = np.frombuffer(json.dumps(described).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_atomically(path, buffer.getvalue())


def read_archive(path: Path) -> tuple[dict[str, Any], Tensors]:
    """Record and tensors that `write_archive` wrote.

    Raises
    ------
    InputError
        The file is not such a file, or would unpack to 8 GiB or more.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) >= _LIMIT:
                raise InputError("result file must hold less than 8 GiB", where=str(path))
        with np.load(path, allow_pickle=False) as data:
            record = json.loads(data[_RECORD].tobytes())
            arrays = [data[f"tensor_{i}"] for i in range(len(data.files) - 1)]
        return record, _tensors(record["tensors"], arrays)
    except _DAMAGE as error:
        raise InputError(f"must be a result file of fxsim ({shorten(str(error))})", where=str(path)) from None


def _tensors(described: list[dict[str, Any]], arrays: list[NDArray[np.generic]]) -> Tensors:
    names = [entry["name"] for entry in described]
    quants = {entry["name"]: _affine(entry) for entry in described}
    return Tensors(dict(zip(names, arrays, strict=True)), quants)


def _describe(name: str, quant: Affine | None) -> dict[str, Any]:
    if quant is None:
        return {"name": name}
    return {"name": name, "scale": quant.scale.tolist(), "zero_point": quant.zero_point.tolist(), "axis": quant.axis}


def _affine(entry: dict[str, Any]) -> Affine | None:
    if "scale" not in entry:
        return None
    return Affine(np.array(entry["scale"], np.float32), np.array(entry["zero_point"], np.int64), entry["axis"])
