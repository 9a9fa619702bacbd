"""A `Result` as one ``.npz`` file: arrays, and the records as JSON text; no pickle."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from fxsim._core.errors import InputError
from fxsim._core.files import write_atomically
from fxsim.graph import Tensors
from fxsim.hw import Hardware
from fxsim.sim.result import Energy, LayerResult, Layers, Result

_LIMIT = 1 << 33
_RECORDS = "records.json"


def save_result(result: Result, path: Path) -> None:
    """Write `result` to `path`, whole or not at all."""
    buffer = io.BytesIO()
    records = json.dumps({**result.to_dict(), "tensors": result.tensors.to_dict()}).encode()
    arrays = {f"tensor_{i}": result.tensors[name] for i, name in enumerate(result.tensors)}
    np.savez(buffer, allow_pickle=False, **{_RECORDS: np.frombuffer(records, np.uint8)}, **arrays)  # type: ignore[arg-type]
    write_atomically(path, buffer.getvalue())


def load_result(path: Path) -> Result:
    """Read what `save_result` wrote.

    Raises
    ------
    InputError
        The file is not such a file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _LIMIT:
                raise InputError("result file must hold less than 8 GiB", where=str(path))
        with np.load(path, allow_pickle=False) as data:
            records = json.loads(data[_RECORDS].tobytes())
            arrays = [data[f"tensor_{i}"] for i in range(len(data.files) - 1)]
        return _result(records, arrays)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, EOFError) as error:
        raise InputError(f"must be a result file of fxsim ({error})", where=str(path)) from None


def _result(records: dict[str, Any], arrays: list[Any]) -> Result:
    layers = []
    for record in records["layers"]:
        shapes = {key: tuple(map(tuple, record[key])) for key in ("in_shapes", "out_shapes")}
        layers.append(LayerResult(**{**record, **shapes}))
    energy = records["energy"]
    return Result(
        network=records["network"],
        profile=records["profile"],
        hardware=Hardware.from_dict(records["hardware"]),
        samples=records["samples"],
        tensors=Tensors.from_dict(records["tensors"], arrays),
        output_names=tuple(records["outputs"]),
        cycles=records["cycles"],
        layers=Layers(layers),
        energy=Energy(**{**energy, "excluded": tuple(energy["excluded"])}),
        trap=records["trap"],
    )
