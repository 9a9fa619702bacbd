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
from fxsim.numerics import Affine
from fxsim.sim.result import Energy, LayerResult, Layers, Result

_LIMIT = 1 << 33
_RECORDS = "records.json"


def save_result(result: Result, path: Path) -> None:
    """Write `result` to `path`, whole or not at all."""
    buffer = io.BytesIO()
    records = json.dumps({**result.to_dict(), "tensors": [_tensor(name, quant) for name, quant in result.tensors.quants.items()]}).encode()
    arrays = {f"tensor_{i}": result.tensors[name] for i, name in enumerate(result.tensors)}
    np.savez(buffer, allow_pickle=False, **{_RECORDS: np.frombuffer(records, np.uint8)}, **arrays)  # type: ignore[arg-type]
    write_atomically(path, buffer.getvalue())


def _tensor(name: str, quant: Affine | None) -> dict[str, Any]:
    if quant is None:
        return {"name": name}
    return {"name": name, "scale": quant.scale.tolist(), "zero_point": quant.zero_point.tolist(), "axis": quant.axis}


def _affine(record: dict[str, Any]) -> Affine | None:
    if "scale" not in record:
        return None
    return Affine(np.array(record["scale"], np.float32), np.array(record["zero_point"], np.int64), record["axis"])


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
    energy, names = records["energy"], [t["name"] for t in records["tensors"]]
    return Result(
        network=records["network"],
        profile=records["profile"],
        hardware=Hardware.from_dict(records["hardware"]),
        samples=records["samples"],
        tensors=Tensors(dict(zip(names, arrays, strict=True)), {t["name"]: _affine(t) for t in records["tensors"]}),
        output_names=tuple(records["outputs"]),
        cycles=records["cycles"],
        layers=Layers(layers),
        energy=Energy(**{**energy, "excluded": tuple(energy["excluded"])}),
        trap=records["trap"],
    )
