"""Files appear whole, with the permissions that a user's own would have."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from fxsim._core.files import write_atomically


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
