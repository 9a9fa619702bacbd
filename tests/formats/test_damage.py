"""Damaged files end in an `FxsimError` or are read; nothing else, quickly and without large allocations."""

from __future__ import annotations

import numpy as np
import pytest

from fxsim._core.errors import FxsimError
from fxsim.formats import read_tflite, write_tflite
from fxsim.runtimes import cases
from tests.calls import at_most, calls_to_read
from tests.given import NETWORKS, given_folder

MODELS = {case.operator: write_tflite(case.network) for case in cases()}


def outcome(data: bytes) -> str:
    """Name of the error that reading ends in, or ``"read"``; any other exception passes."""
    try:
        with at_most(calls_to_read(data)):
            read_tflite(data)
        return "read"
    except FxsimError as error:
        return type(error).__name__


@pytest.mark.parametrize("operator", MODELS)
def test_truncation(operator: str) -> None:
    """Whatever is cut off a generated model, some table misses: never a success but for the whole file."""
    data = MODELS[operator]
    for length in {*range(0, 64), *range(64, len(data), max(1, len(data) // 60)), len(data) - 1}:
        assert outcome(data[:length]) == "ModelFormatError", length
    assert outcome(data) == "read"


@pytest.mark.parametrize("operator", MODELS)
def test_flipped_bytes(operator: str) -> None:
    data = np.frombuffer(MODELS[operator], np.uint8)
    rng = np.random.default_rng(len(data))
    seen = set()
    for _ in range(150):
        damaged = data.copy()
        places = rng.integers(0, len(data), rng.integers(1, 5))
        damaged[places] ^= rng.integers(1, 256, len(places), dtype=np.uint8)
        seen.add(outcome(damaged.tobytes()))
    assert len(seen) >= 2


@pytest.mark.parametrize("operator", MODELS)
def test_extreme_words(operator: str) -> None:
    """Offsets, lengths and indices at the ends of their ranges."""
    data = MODELS[operator]
    rng = np.random.default_rng(len(data))
    for value in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(data)):
        for place in rng.integers(0, len(data) // 4, 25) * 4:
            outcome(data[:place] + value.to_bytes(4, "little") + data[place + 4 :])


@pytest.mark.parametrize("name", NETWORKS)
def test_given_models_damaged(name: str) -> None:
    data = (given_folder() / f"{name}.tflite").read_bytes()
    rng = np.random.default_rng(len(data))
    tables = min(len(data), 24_000)
    for length in rng.integers(0, len(data), 40):
        assert outcome(data[:length]) != "read"
    for place in rng.integers(0, tables, 120):
        damaged = bytearray(data)
        damaged[place] ^= int(rng.integers(1, 256))
        outcome(bytes(damaged))
