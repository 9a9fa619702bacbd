"""Start-up: the face is lazy, nothing compiles at import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fxsim


def child(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("code", ["import fxsim", "import fxsim.cli; fxsim.cli.parser()"])
def test_import_loads_neither_numpy_nor_numba(code: str) -> None:
    assert child(f"{code}\nimport sys; print({{'numpy', 'numba'}} & set(sys.modules))") == "set()"


def test_version_loads_neither_numpy_nor_numba() -> None:
    code = """
import sys
from fxsim.cli import main
try:
    main(["--version"])
except SystemExit as stop:
    assert stop.code == 0
print({"numpy", "numba"} & set(sys.modules))
"""
    assert child(code).splitlines() == [f"fxsim {fxsim.__version__}", "set()"]


def test_importing_everything_compiles_nothing() -> None:
    code = """
import fxsim, sys
for name in fxsim.__all__:
    getattr(fxsim, name)
from fxsim._core.jit import ENTRY_KERNELS, specialisations
assert ENTRY_KERNELS
print(sum(specialisations().values()))
"""
    assert child(code) == "0"


def test_every_public_name_resolves() -> None:
    for name in fxsim.__all__:
        assert getattr(fxsim, name) is not None


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        fxsim.nothing  # noqa: B018
