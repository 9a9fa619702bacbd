"""A stale JIT cache may never return old bits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fxsim._core.jit import fingerprint

CORE = Path(__file__).resolve().parents[2] / "fxsim" / "_core"


def package(folder: Path, addend: int) -> None:
    (folder / "fxsim" / "_core").mkdir(parents=True, exist_ok=True)
    (folder / "fxsim" / "__init__.py").write_text("")
    for name in ("__init__.py", "errors.py", "jit.py"):
        (folder / "fxsim" / "_core" / name).write_text((CORE / name).read_text(encoding="utf-8"))
    (folder / "fxsim" / "helper.py").write_text(
        f"from fxsim._core.jit import kernel\n@kernel\ndef add(x):\n    return x + {addend}\n"
    )
    (folder / "fxsim" / "caller.py").write_text(
        "from fxsim._core.jit import entry_kernel\nfrom fxsim.helper import add\n"
        "@entry_kernel\ndef call(x):\n    return add(x)\nprint(call(1))\n"
    )


def run(folder: Path) -> str:
    env = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "FXSIM_CACHE_DIR": str(folder / "cache"),
        "FXSIM_JIT_CACHE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.run(
        [sys.executable, "-m", "fxsim.caller"], env=env, cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_an_edited_helper_gives_fresh_bits(tmp_path: Path) -> None:
    package(tmp_path, 10)
    assert run(tmp_path) == "11"
    package(tmp_path, 20)
    assert run(tmp_path) == "21"


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="needs compiled kernels")
def test_an_unchanged_package_hits_the_cache(tmp_path: Path) -> None:
    package(tmp_path, 10)
    run(tmp_path)
    before = sorted(p.name for p in (tmp_path / "cache").rglob("*.nbi"))
    assert before
    run(tmp_path)
    assert sorted(p.name for p in (tmp_path / "cache").rglob("*.nbi")) == before


def test_fingerprint_sees_sources_and_variables(tmp_path: Path) -> None:
    package(tmp_path, 1)
    source = tmp_path / "fxsim"
    base = fingerprint(source, [])
    assert fingerprint(source, [("HOME", "x")]) == base
    assert fingerprint(source, [("NUMBA_BOUNDSCHECK", "1")]) != base
    assert fingerprint(source, [("FXSIM_X", "1")]) != base
    package(tmp_path, 2)
    assert fingerprint(source, []) != base
