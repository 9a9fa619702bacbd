"""Files appear whole, with the permissions that a user's own would have."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from fxsim._core.errors import InputError
from fxsim._core.files import replacing, write_atomically, write_folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_new_files_follow_the_umask_and_replaced_ones_stay_as_they_were(tmp_path: Path, mask: int) -> None:
    path = tmp_path / "x"
    before = os.umask(mask)
    try:
        write_atomically(path, b"1")
        assert mode(path) == 0o666 & ~mask
        path.chmod(0o604)
        write_atomically(path, b"2")
        assert (mode(path), path.read_bytes()) == (0o604, b"2")
    finally:
        os.umask(before)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("there", [True, False])
def test_a_file_whose_writing_breaks_off_leaves_what_was_there(tmp_path: Path, there: bool) -> None:
    path = tmp_path / "x"
    if there:
        path.write_bytes(b"before")
    with pytest.raises(TypeError), replacing(path) as file:
        file.writelines([b"half", "broken"])  # type: ignore[list-item]
    assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == ([("x", b"before")] if there else [])


def listed(**files: bytes) -> dict[str, bytes]:
    return {**files, "m.json": json.dumps({"files": dict.fromkeys(files)}).encode()}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_folders_appear_whole_and_replace_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "deep"
    assert write_folder(folder, listed(a=b"1", b=b"2"), "m.json") == [folder / name for name in ("a", "b", "m.json")]
    assert contents(folder) == listed(a=b"1", b=b"2")
    assert mode(folder) == mode(folder.parent)
    write_folder(folder, listed(b=b"3"), "m.json")
    assert contents(folder) == listed(b=b"3")
    assert list(folder.parent.iterdir()) == [folder]
    (tmp_path / "empty").mkdir()
    write_folder(tmp_path / "empty", listed(), "m.json")
    assert contents(tmp_path / "empty") == listed()


def test_folders_in_folders(tmp_path: Path) -> None:
    folder, files = tmp_path / "v", {"a/b/c": b"1", "a/d": b"2", "built": b"3"}
    write_folder(folder, {**files, "m.json": json.dumps({"files": dict.fromkeys(files)}).encode()}, "m.json")
    assert [(folder / name).read_bytes() for name in files] == list(files.values())
    (folder / "built").unlink()
    (folder / "built" / "deep").mkdir(parents=True)
    write_folder(folder, listed(**{"a/e": b"4"}), "m.json")
    assert [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*"))] == ["a", "a/e", "m.json"]

    (folder / "a" / "mine").mkdir()
    with pytest.raises(InputError, match=r"not \['a/mine'\]"):
        write_folder(folder, listed(a=b"1"), "m.json")
    (folder / "a").rename(tmp_path / "elsewhere")
    (folder / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"not \['a'\]"):
        write_folder(folder, listed(a=b"1"), "m.json")
    assert (tmp_path / "elsewhere" / "e").read_bytes() == b"4"


@pytest.mark.parametrize("manifest", ["", "{}", "[]", '{"files": ["notes"]}', '{"files": {"other": ""}}', "{" * 100000])
def test_folders_with_other_files_stay(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "notes").write_text("mine")
    (tmp_path / "m.json").write_text(manifest)
    before = contents(tmp_path)
    with pytest.raises(InputError, match="empty or hold only what its m.json lists"):
        write_folder(tmp_path, listed(a=b"1"), "m.json")
    assert contents(tmp_path) == before


def test_places_that_are_no_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for place in (tmp_path / "file", tmp_path / "file" / "deep" / "er"):
        with pytest.raises(InputError, match=r"file: must be a folder, not a file"):
            write_folder(place, listed(a=b"1"), "m.json")
    for place in (Path(), tmp_path / "here"):
        with pytest.raises(InputError, match="must not be the working directory"):
            write_folder(place, listed(a=b"1"), "m.json")
    with pytest.raises(IsADirectoryError, match=r"Is a directory: '.*/here'$"):
        write_atomically(tmp_path / "here", b"1")
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["file", "here"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("step", [1, 2, 3, 4])
@pytest.mark.parametrize("exists", [False, True])
def test_interrupted_folders_leave_what_there_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], step: int, exists: bool
) -> None:
    """Steps: three files are written, then the old folder moves out of the way if there is one, then the new one in."""
    folder = tmp_path / "v"
    if exists:
        write_folder(folder, listed(old=b"0"), "m.json")
    count = 0

    def failing(original: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object) -> object:
            nonlocal count
            count += 1
            if count == step + (exists and step == 4):
                raise error
            return original(*args)

        return call

    for name in ("write_bytes", "replace"):
        monkeypatch.setattr(Path, name, failing(getattr(Path, name)))
    with pytest.raises(error):
        write_folder(folder, listed(a=b"1", b=b"2"), "m.json")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["v"] * exists
    if exists:
        assert contents(folder) == listed(old=b"0")
