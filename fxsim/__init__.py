"""fxsim: a bit-exact fixed-point simulator of neural-network accelerators.

The names below are the public face. They are loaded on first use: ``import fxsim`` and ``fxsim --version`` load
neither NumPy nor Numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_FACE = {
    "FxsimError": "fxsim._core.errors",
    "Hardware": "fxsim.hw",
    "Network": "fxsim.graph",
    "Program": "fxsim.isa",
    "Result": "fxsim.sim",
    "accumulators": "fxsim.api",
    "assemble": "fxsim.isa",
    "compare": "fxsim.api",
    "estimate": "fxsim.api",
    "fake_quant": "fxsim.api",
    "gemm": "fxsim.api",
    "golden": "fxsim.api",
    "load": "fxsim.api",
    "lower": "fxsim.api",
    "run": "fxsim.api",
    "simulate": "fxsim.api",
    "sweep": "fxsim.api",
}

__all__ = ["__version__", *_FACE]  # noqa: PLE0604 - the names are the keys of one table


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module 'fxsim' has no attribute {name!r}")
    value = getattr(import_module(_FACE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
