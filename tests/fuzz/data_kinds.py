"""Mutations of data: input arrays, .npy files, saved results."""

from __future__ import annotations

import io
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import fxsim
from fxsim.api import random_samples
from fxsim.cli.options import load_npy
from tests.fuzz.bases import pick_small, small_networks
from tests.fuzz.model_kinds import mutate_bytes
from tests.fuzz.numbers import SPECIAL_FLOATS
from tests.fuzz.registry import Trial, kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_DTYPES = (
    bool, np.int8, np.uint8, np.int16, np.int64, np.uint64, np.float16, np.float32, np.float64, np.longdouble,
    np.complex64, object, "U3", "S2", "M8[s]", ">i2", ">f4",
)  # fmt: skip
_HEADER_CHANGES = (
    (b"(2, 3)", b"(9,9,9)"), (b"(2, 3)", b"(-1,3)"), (b"(2, 3)", b"(1<<9)"), (b"|i1", b"<i8"), (b"|i1", b"|O8"),
    (b"False", b"3.5e9"), (b"'shape'", b"'s\\x0'"), (b"descr", b"desc("), (b"}", b"("), (b"{", b"(((((("),
)  # fmt: skip
"""Parts of a .npy file's dictionary, and what stands there instead."""


@kind("input", 14)
def samples(rng: Random) -> Trial:
    """Arrays of other shapes, types and values, mappings with other names, things that are no arrays."""
    net = pick_small(rng)
    legal = random_samples(net, rng.randrange(100), 2)
    name, array = next(iter(legal.items()))
    note, given = rng.choice((_shape, _shape, _dtype, _dtype, _values, _no_array))(rng, array)
    wrong: object = given
    if rng.random() < 0.4:
        wrong = rng.choice(({name: given}, {name: given, "more": array}, {"other": given}, {}, {None: given}, [given]))
        note += f" in {type(wrong).__name__}"
    machine = rng.choice(("edge-16x16", "paper-4x4"))

    def run() -> None:
        program = fxsim.lower(net, machine)
        result = fxsim.simulate(program, wrong, keep=rng.choice(("all", "outputs", name, [name], "nobody")))
        assert fxsim.golden(net, wrong).keys() >= result.outputs.keys()

    return Trial(f"{net.name}: {note}", run)


Array = np.ndarray[Any, Any]


def _shape(rng: Random, array: Array) -> tuple[str, object]:
    shape = list(array.shape)
    at = rng.randrange(len(shape))
    shape[at] = rng.choice((0, 1, shape[at] + 1, shape[at] * 2))
    other = rng.choice(
        (tuple(shape), (), (0,), array.shape[1:], (1, *array.shape), array.shape[::-1], (*array.shape, 1))
    )
    return f"shape {other}", np.resize(array, other) if array.size else array


def _dtype(rng: Random, array: Array) -> tuple[str, object]:
    dtype = rng.choice(_DTYPES)
    return f"dtype {dtype}", np.abs(array.astype(np.int16) % 100).astype(dtype)


def _values(rng: Random, array: Array) -> tuple[str, object]:
    value = rng.choice(SPECIAL_FLOATS)
    real = array.astype(rng.choice((np.float32, np.float64)))
    with np.errstate(all="ignore"):
        real.flat[rng.randrange(real.size)] = value
    return f"value {value}", real


def _no_array(rng: Random, array: Array) -> tuple[str, object]:
    things: tuple[object, ...] = (
        None, "x", b"x", 3, [[1], [2, 3]], array.tolist(), object(), range(3), set(), [array, 1], array[..., ::-1],
        np.ma.masked_array(array), memoryview(b"abc"), iter([1]),
    )  # fmt: skip
    thing = rng.choice(things)
    return f"a {type(thing).__name__}", thing


@kind("array file", 8)
def array_file(rng: Random) -> Trial:
    """Bytes of a .npy file; objects in it."""
    buffer = io.BytesIO()
    array = rng.choice((np.zeros((2, 3), np.int8), np.ones(40, np.float32), np.array([{}, 1], object)))
    np.save(buffer, array)
    note, data = mutate_bytes(rng, buffer.getvalue())
    if rng.random() < 0.4:
        data = _header(rng, buffer.getvalue())
        note = f"header {data[10:90]!r}"
    return Trial(note, lambda: _in_file(".npy", data, lambda path: load_npy(str(path))))


def _header(rng: Random, data: bytes) -> bytes:
    """The dictionary at the file's start with other values, its length kept."""
    old, new = rng.choice(_HEADER_CHANGES)
    return data[:10] + data[10:].replace(old, new, 1)[: len(data) - 10]


@kind("result file", 5)
def result_file(rng: Random) -> Trial:
    """Bytes of a saved result."""
    note, data = mutate_bytes(rng, _saved_result())
    return Trial(note, lambda: _in_file(".npz", data, fxsim.Result.load))


@cache
def _saved_result() -> bytes:
    net = small_networks()["chain"][0]
    result = fxsim.run(net, random_samples(net, 1), hw="paper-4x4", keep="all")
    found: list[bytes] = []

    def keep(path: Path) -> None:
        result.save(path)
        found.append(path.read_bytes())

    _in_file(".npz", b"", keep)
    return found[0]


def _in_file(suffix: str, data: bytes, use: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"fuzz{suffix}"
        path.write_bytes(data)
        use(path)
