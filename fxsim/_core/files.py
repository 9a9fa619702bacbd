"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from fxsim._core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` beside `path`, then move it into place; an error leaves `path` as it was."""
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file beside `path` that takes its place at the end; an error leaves `path` as it was."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).chmod(_mode(path))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _mode(path: Path) -> int:
    """Permissions of the file that is replaced, or those that an ordinary new file gets; a temporary one is private."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def write_folder(folder: Path, files: Mapping[str, bytes], manifest: str) -> list[Path]:
    """Write `files` to a temporary folder beside `folder`, then move it into place; an error leaves `folder` as it was.

    Parameters
    ----------
    folder
        Made with its parents. One that exists is replaced if it is empty, or holds nothing but what its own manifest
        lists.
    files
        Contents by path in the folder, parts joined by ``/``.
    manifest
        The file among them that is JSON with an object ``files``, whose keys name all the others. A key may also name
        a folder of which everything may be lost.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        `folder` or a parent of it is a file, `folder` is the working directory, or holds other files.
    """
    check_replaceable(folder, manifest)
    target = folder.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        new = work / "new"
        new.mkdir()
        for name, data in files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(data)
        _swap(new, target, work / "old")
    finally:
        shutil.rmtree(work)
    return [folder / name for name in files]


def check_replaceable(folder: Path, manifest: str) -> None:
    """Raise the `InputError` that `write_folder` would."""
    target = folder.resolve()
    nearest = next(path for path in (target, *target.parents) if path.exists())
    if not nearest.is_dir():
        raise InputError("must be a folder, not a file", where=str(nearest))
    if nearest != target:
        return
    if target == Path.cwd():
        raise InputError("must not be the working directory", where=str(target))
    listed = _listed(target / manifest)
    on_the_way = {str(parent) for name in listed for parent in PurePosixPath(name).parents}
    foreign = sorted(_foreign(target, "", listed, on_the_way))
    if foreign:
        raise InputError(f"folder must be empty or hold only what its {manifest} lists", got=foreign, where=str(target))


def _foreign(folder: Path, prefix: str, listed: set[str], on_the_way: set[str]) -> Iterator[str]:
    """What lies in the folder and is neither listed nor a folder on the way to something listed, by its path."""
    for entry in folder.iterdir():
        name = prefix + entry.name
        if name in listed:
            continue
        if name in on_the_way and entry.is_dir() and not entry.is_symlink():
            yield from _foreign(entry, f"{name}/", listed, on_the_way)
        else:
            yield name


def _listed(manifest: Path) -> set[str]:
    """The manifest and the files that it lists; nothing if it is not one."""
    try:
        files = json.loads(manifest.read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()
    return {manifest.name, *files} if isinstance(files, dict) else set()


def _swap(new: Path, target: Path, old: Path) -> None:
    """Put `new` in the place of `target`, which becomes `old` if it exists."""
    exists = target.exists()
    try:
        if exists:
            target.replace(old)
        new.replace(target)
    except BaseException:
        if exists and not target.exists():
            old.replace(target)
        raise
