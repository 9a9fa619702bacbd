"""The folder of networks that nobody here made, with their expected tensors; tests skip, or fail in CI, without it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

NETWORKS = ("tflm_hello_world_int8", "tflm_micro_speech_int8", "tflm_person_detect_int8")
_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "models"


def given_folder() -> Path:
    """The folder named by FXSIM_MODELS, or ``../shared/models``; skips (FXSIM_REQUIRE_MODELS=1: fails) the test."""
    folder = Path(os.environ.get("FXSIM_MODELS") or _BESIDE)
    if not (folder / f"{NETWORKS[0]}.tflite").is_file():
        absent(f"no given models in {folder} (set FXSIM_MODELS)", "FXSIM_REQUIRE_MODELS")
    return folder


def require_oracles() -> None:
    """Skip the test where the runtimes' wheels are not installed (FXSIM_REQUIRE_ORACLES=1: fail)."""
    try:
        import ai_edge_litert.interpreter  # noqa: F401
        import tflite_micro  # noqa: F401
    except ImportError as error:
        absent(f"{error.name} is not installed (extra: oracles)", "FXSIM_REQUIRE_ORACLES")


def absent(reason: str, variable: str) -> NoReturn:
    """Skip the running test, or fail it where `variable` says that nothing may be absent."""
    if os.environ.get(variable) == "1":
        pytest.fail(f"{reason}, but {variable}=1")
    pytest.skip(reason)
