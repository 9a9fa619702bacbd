"""The one owner of JIT policy: flags, cache location, and the list of entry kernels.

Kernels say ``@kernel`` (helpers that tests call too), ``@inner_kernel`` (helpers that only kernels call) or
``@entry_kernel`` (called from Python, one specialisation each) and nothing else. No fastmath, no eager signatures (they
would compile at import).

The cache lives in a directory named by a fingerprint of everything that can change generated code:
Numba's own cache stamps only the file of the *caller*, so an edited helper would return old bits.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

_numba: Any = numba  # its stubs do not know every flag
_config: Any = numba.config
_F = TypeVar("_F", bound=Callable[..., Any])

PACKAGE = Path(__file__).resolve().parent.parent

ENTRY_KERNELS: dict[str, Any] = {}
"""Entry kernels by qualified name, filled as their modules are imported."""


def cache_enabled() -> bool:
    """Whether compiled kernels are kept on disk (``FXSIM_JIT_CACHE=0`` switches it off)."""
    return os.environ.get("FXSIM_JIT_CACHE", "1") != "0"


def jit_enabled() -> bool:
    """Whether kernels are compiled (``NUMBA_DISABLE_JIT=1`` switches it off)."""
    return not _config.DISABLE_JIT


def cache_root() -> Path:
    """The directory that holds one sub-directory per fingerprint."""
    base = os.environ.get("FXSIM_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "fxsim"


def fingerprint(package: Path = PACKAGE, environ: Iterable[tuple[str, str]] | None = None) -> str:
    """Hash of tool versions, every ``.py`` under `package`, and every ``NUMBA_*``/``FXSIM_*`` variable."""
    digest = hashlib.sha256()
    for name in ("numba", "llvmlite", "numpy"):
        digest.update(f"{name}={version(name)}\n".encode())
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    pairs = os.environ.items() if environ is None else environ
    for key, value in sorted(pairs):
        if key.startswith(("NUMBA_", "FXSIM_")):
            digest.update(f"{key}={value}\n".encode())
    return digest.hexdigest()[:32]


_CACHE_DIR = str(cache_root() / fingerprint()) if cache_enabled() else ""


def kernel(function: _F) -> _F:
    """Compile `function` on first call; the type is kept, so callers are checked as usual."""
    return _compiled(function)


def inner_kernel(function: _F) -> _F:
    """A kernel that only kernels call and that allocates nothing.

    No entry from Python is compiled, and no references are counted: the arrays belong to the caller of the entry
    kernel. In kernels of many short calls the atomic counts would take more time than the arithmetic.
    """
    return _compiled(function, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)


def _compiled(function: _F, **flags: bool) -> _F:
    if not _CACHE_DIR:
        return cast("_F", _widened(_numba.njit(nogil=True, **flags)(function)))
    previous, _config.CACHE_DIR = _config.CACHE_DIR, _CACHE_DIR
    try:
        return cast("_F", _widened(_numba.njit(cache=True, nogil=True, **flags)(function)))
    finally:
        _config.CACHE_DIR = previous


def _widened(dispatcher: Any) -> Any:
    """Let kernels call `dispatcher` by type alone: Numba would compile it again for every literal argument."""
    template = getattr(dispatcher, "get_call_template", None)  # absent with NUMBA_DISABLE_JIT
    if template is not None:
        dispatcher.get_call_template = lambda args, kws: template(
            tuple(map(_numba.types.unliteral, args)), {k: _numba.types.unliteral(v) for k, v in kws.items()}
        )
    return dispatcher


def entry_kernel(function: _F) -> _F:
    """A kernel that Python calls directly; listed so that tests can bound its specialisations."""
    compiled = kernel(function)
    ENTRY_KERNELS[f"{function.__module__}.{function.__qualname__}"] = compiled
    return compiled


def specialisations() -> dict[str, int]:
    """How many signatures each imported entry kernel has compiled in this process."""
    return {name: len(getattr(k, "signatures", ())) for name, k in ENTRY_KERNELS.items()}
