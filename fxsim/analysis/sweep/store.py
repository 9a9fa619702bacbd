"""`Store`: the finished points of a sweep as JSON lines, each written and synced before the next is asked for."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from fxsim._core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from fxsim.analysis.sweep.point import Outcome

FILE_NAME = "points.jsonl"


class Store:
    """The file ``points.jsonl`` in a folder, open for one writer; a context manager.

    A line that an interruption tore is cut off. The lock goes with the process, however that ends.

    Raises
    ------
    InputError
        Another process writes to the folder, or a line is no record of a point.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / FILE_NAME
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = _locked(self.path)
        try:
            self.outcomes = _recovered(self._file, self.path)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, key: str, settings: Mapping[str, Any], outcome: Outcome) -> None:
        """Append one finished point; whole, or not at all.

        Raises
        ------
        InputError
            The point is stored as done already.
        """
        if self.outcomes.get(key, {}).get("status") == "done":
            raise InputError("a point must be stored once", got=key, where=str(self.path))
        record = {"schema": 1, "key": key, "settings": dict(settings), "outcome": outcome}
        _append(self._file, json.dumps(record, allow_nan=False).encode() + b"\n")
        self.outcomes[key] = outcome


def _locked(path: Path) -> BinaryIO:
    file = path.open("a+b", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise InputError("a sweep's folder must have one writer: another process has it", where=str(path)) from None
    return file


def _append(file: BinaryIO, line: bytes) -> None:
    size = os.fstat(file.fileno()).st_size
    try:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(file.fileno(), rest) :]
        os.fsync(file.fileno())
    except OSError:
        file.truncate(size)
        raise


def _recovered(file: BinaryIO, path: Path) -> dict[str, Outcome]:
    """Outcomes by key, the last one of a repeated key; the file is cut behind its last whole line."""
    file.seek(0)
    data = file.read()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        file.truncate(whole)
    lines = data[:whole].splitlines()
    return dict(_parsed(line, f"{path}:{number}") for number, line in enumerate(lines, 1))


def _parsed(line: bytes, where: str) -> tuple[str, Outcome]:
    try:
        record = json.loads(line)
        key, outcome = record["key"], record["outcome"]
        if record["schema"] != 1 or not isinstance(key, str) or outcome["status"] not in ("done", "failed"):
            raise ValueError("schema, key or status")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"line must be the record of a point ({error})", where=where) from None
    return key, outcome
