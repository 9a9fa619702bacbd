"""The store: one whole line per point, one writer."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fxsim._core.errors import InputError
from fxsim.analysis.sweep.store import Store

DONE = {"status": "done", "error": "", "cycles": 5}
FAILED = {"status": "failed", "error": "Oops"}


def test_what_is_stored_is_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with Store(folder) as store:
        assert store.outcomes == {}
        store.add("a", {"acc_bits": 12}, DONE)
        store.add("b", {}, FAILED)
        stored = store.path.read_bytes()
    lines = [json.loads(line) for line in stored.splitlines()]
    assert lines[0] == {"schema": 1, "key": "a", "settings": {"acc_bits": 12}, "outcome": DONE}
    with Store(folder) as store:
        assert store.outcomes == {"a": DONE, "b": FAILED}
        assert store.path.read_bytes() == stored


def test_a_failed_point_may_be_done_later_and_a_done_one_is_stored_once(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.add("a", {}, FAILED)
        store.add("a", {}, DONE)
        with pytest.raises(InputError, match="a point must be stored once, not 'a'"):
            store.add("a", {}, DONE)
    with Store(tmp_path) as store:
        assert store.outcomes == {"a": DONE}


def test_a_line_torn_anywhere_is_cut_off(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.add("a", {}, DONE)
        first = store.path.stat().st_size
        store.add("b", {}, DONE)
        whole = store.path.read_bytes()
    for size in range(first, len(whole)):
        store.path.write_bytes(whole[:size])
        with Store(tmp_path) as again:
            assert again.outcomes == {"a": DONE}, size
            again.add("b", {}, DONE)
        assert store.path.read_bytes() == whole, size


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{}\n",
        b"[1]\n",
        b"\xff\n",
        b"[" * 9999 + b"\n",
        b'{"schema": 2, "key": "a", "outcome": {"status": "done"}}\n',
        b'{"schema": 1, "key": "a", "outcome": {"status": "maybe"}}\n',
        b'{"schema": 1, "key": 3, "outcome": {"status": "done"}}\n',
    ],
)
def test_a_damaged_line_is_an_error_that_names_it(line: bytes, tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.add("a", {}, DONE)
    damaged = store.path.read_bytes() + line
    store.path.write_bytes(damaged)
    with pytest.raises(InputError, match=r"points.jsonl:2: line must be the record of a point"):
        Store(tmp_path)
    assert store.path.read_bytes() == damaged


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path), pytest.raises(InputError, match="must have one writer: another process has it"):
        Store(tmp_path)
    Store(tmp_path).__exit__(None, None, None)


def test_a_write_that_fails_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write

    def full(handle: int, data: bytes) -> int:
        if len(data) < 40:
            raise OSError("disk full")
        return real(handle, data[:30])

    with Store(tmp_path) as store:
        store.add("a", {}, DONE)
        before = store.path.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises(OSError, match="disk full"):
                store.add("b", {}, DONE)
        assert store.path.read_bytes() == before
        assert "b" not in store.outcomes
        store.add("b", {}, DONE)
    with Store(tmp_path) as store:
        assert list(store.outcomes) == ["a", "b"]
