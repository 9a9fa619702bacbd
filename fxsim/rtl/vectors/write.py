"""`write_vectors`: golden vectors as a folder of files that explains itself."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fxsim._core.errors import InputError
from fxsim._core.files import check_replaceable, write_folder
from fxsim.rtl.vectors import c, npy, readmemh, vhdl
from fxsim.rtl.vectors.readme import readme_text

if TYPE_CHECKING:
    from fxsim.rtl.vectors.arrays import VectorArray, VectorSet
    from fxsim.rtl.vectors.form import Format

SIDECAR = "vectors.json"
README = "README.md"


FORMATS: dict[str, Format] = {
    "readmemh": readmemh.FORMAT,
    "vhdl": vhdl.FORMAT,
    "c": c.FORMAT,
    "npy": npy.FORMAT,
}
"""Formats by their names on the command line."""


def check_vectors_folder(folder: str | Path) -> None:
    """Refuse a folder that `write_vectors` would not write to: `InputError`."""
    check_replaceable(Path(folder), SIDECAR)


def write_vectors(vectors: VectorSet, folder: str | Path, format: str) -> list[Path]:
    """Write golden vectors, a description of every array in ``vectors.json`` and a ``README.md`` for their reader.

    Parameters
    ----------
    vectors
        From `layer_vectors`.
    folder
        Written whole or not at all. One that exists is replaced if it is empty or holds nothing but earlier vectors.
    format
        ``"readmemh"``, ``"vhdl"``, ``"c"`` or ``"npy"``.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        No such format; `folder` holds other files.
    """
    if format not in FORMATS:
        raise InputError(f"format must be one of: {', '.join(FORMATS)}", got=format)
    chosen = FORMATS[format]
    files = chosen.files(vectors)
    places = {array.name: chosen.file_of(array) for array in vectors.arrays}
    files[README] = readme_text(vectors, places, chosen.use).encode()
    record = _record(vectors, files, places) | {"format": format, "radix": chosen.radix}
    files[SIDECAR] = (json.dumps(record, indent=1) + "\n").encode()
    return write_folder(Path(folder), files, SIDECAR)


def _record(vectors: VectorSet, files: dict[str, bytes], places: dict[str, str]) -> dict[str, Any]:
    program, layer = vectors.program, vectors.program.layers[vectors.layer]
    sums = {name: _sha256(data) for name, data in files.items()}
    return {
        "schema": 1,
        "layer": {"number": vectors.layer, "name": layer.name, "op": layer.op, "macs": layer.macs},
        "program": {"name": program.name, "profile": program.profile, "sha256": _sha256(program.to_bytes())},
        "hardware": program.hardware.to_dict(),
        "cycles": dict(vectors.cycles),
        "rule": dict(vectors.rule),
        "geometry": dict(vectors.geometry),
        "arrays": [_array_record(vectors, array, places[array.name], sums) for array in vectors.arrays],
        "files": sums,
    }


def _array_record(vectors: VectorSet, array: VectorArray, file: str, sums: dict[str, str]) -> dict[str, Any]:
    record = {
        "name": array.name,
        "meaning": array.meaning,
        "file": file,
        "sha256": sums[file],
        "shape": list(array.codes.shape),
        "axes": list(array.axes),
        "order": "row major, last axis fastest",
        "bits": array.bits,
        "signed": array.signed,
        "dtype": array.dtype,
        "words": len(array.words),
        "codes_per_word": array.lanes,
    }
    if array.columns:
        record["columns"] = list(array.columns)
    if array.name in vectors.tensors:
        record["tensor"] = dict(vectors.tensors[array.name])
    return record


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
