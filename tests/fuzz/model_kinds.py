"""Mutations of .tflite files: fields, lengths, offsets, several at once, and bytes without regard to structure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import fxsim
from tests.fuzz.bases import machines, pick_model
from tests.fuzz.numbers import nasty_float, nasty_int
from tests.fuzz.pipeline import run_network
from tests.fuzz.registry import Trial, kind
from tests.fuzz.spots import Spot, spots

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_NUMBERS = ("scalar", "element")


def _trial(rng: Random, mutate: Callable[[Random, bytes], tuple[str, bytes]]) -> Trial:
    """Load, lower and run a mutated model on random hardware (the default for a large one)."""
    name, data, large = pick_model(rng)
    fields = {"preset": "edge-16x16"} if large else machines(rng)
    note, mutated = mutate(rng, data)
    profile = rng.choice(("tflite", "tflite", "litert"))
    return Trial(f"{name}, {fields}: {note}", lambda: run_network(fxsim.load(mutated, profile=profile), fields))


def _pick(rng: Random, found: list[Spot]) -> Spot:
    """A place first, then one of its spots, so that long vectors do not crowd out the rest."""
    place = rng.choice(sorted({spot.place for spot in found}))
    return rng.choice([spot for spot in found if spot.place == place])


def _set(rng: Random, data: bytes, spot: Spot) -> tuple[str, bytes]:
    old = spot.read(data)
    value = nasty_float(rng, old) if spot.kind == "float" else nasty_int(rng, int(old), 8 * spot.size)
    return f"{spot.role} {spot.place} at {spot.position}: {old} -> {value}", spot.write(data, value)


@kind("model field", 24)
def field(rng: Random) -> Trial:
    """A scalar, index, enum, dimension, scale, zero point, option or constant."""

    def mutate(rng: Random, data: bytes) -> tuple[str, bytes]:
        return _set(rng, data, _pick(rng, [s for s in spots(data) if s.role in _NUMBERS]))

    return _trial(rng, mutate)


@kind("model quantization", 10)
def quantization(rng: Random) -> Trial:
    """Scales, zero points and axes."""

    def mutate(rng: Random, data: bytes) -> tuple[str, bytes]:
        found = [s for s in spots(data) if s.role in _NUMBERS and s.place.startswith("Quantization")]
        return _set(rng, data, _pick(rng, found))

    return _trial(rng, mutate)


@kind("model shape", 8)
def shape(rng: Random) -> Trial:
    """One dimension of one tensor."""

    def mutate(rng: Random, data: bytes) -> tuple[str, bytes]:
        found = [s for s in spots(data) if s.role == "element" and s.place == "Tensor.shape"]
        return _set(rng, data, rng.choice(found))

    return _trial(rng, mutate)


@kind("model options", 8)
def options(rng: Random) -> Trial:
    """Strides, dilations, paddings, activations, filter sizes: all fields of option tables and operators."""

    def mutate(rng: Random, data: bytes) -> tuple[str, bytes]:
        found = [s for s in spots(data) if s.role in _NUMBERS and re.match(r"\w+Options\.|Operator", s.place)]
        return _set(rng, data, _pick(rng, found))

    return _trial(rng, mutate)


@kind("model length", 8)
def length(rng: Random) -> Trial:
    """The length of a vector or string."""

    def mutate(rng: Random, data: bytes) -> tuple[str, bytes]:
        return _set(rng, data, _pick(rng, [s for s in spots(data) if s.role == "length"]))

    return _trial(rng, mutate)


@kind("model offset", 8)
def offset(rng: Random) -> Trial:
    """An offset to a table or vector, or a vtable's entry; often to where another one points."""

    def mutate(rng: Random, data: bytes) -> tuple[str, bytes]:
        found = [s for s in spots(data) if s.role in ("offset", "slot")]
        spot = _pick(rng, found)
        if spot.role == "slot" or rng.random() < 0.5:
            return _set(rng, data, spot)
        other = rng.choice([s for s in found if s.kind == "uint"])
        target = other.position + int(other.read(data))
        return f"{spot.place} at {spot.position} -> {other.place}", spot.write(data, target - spot.position)

    return _trial(rng, mutate)


@kind("model several fields", 10)
def several(rng: Random) -> Trial:
    """Two to five numbers of any role."""

    def mutate(rng: Random, data: bytes) -> tuple[str, bytes]:
        roles = _NUMBERS if rng.random() < 0.7 else ("length", "offset", "slot", *_NUMBERS)
        found, notes = [s for s in spots(data) if s.role in roles], []
        for _ in range(rng.randint(2, 5)):
            note, data = _set(rng, data, _pick(rng, found))
            notes.append(note)
        return "; ".join(notes), data

    return _trial(rng, mutate)


@kind("model bytes", 10)
def raw(rng: Random) -> Trial:
    """Truncation, appended bytes, flipped bytes, and pieces moved, removed or doubled."""
    return _trial(rng, mutate_bytes)


def mutate_bytes(rng: Random, data: bytes) -> tuple[str, bytes]:
    """Damage bytes without regard to what they mean."""
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    if rng.random() < 0.5:
        b = min(len(data), a + rng.randint(1, 16))
    way = rng.choice(("truncate", "append", "flip", "flip", "flip", "remove", "double", "zero", "swap"))
    if way == "truncate":
        return f"truncate to {a}", data[:a]
    if way == "append":
        return "append", data + rng.randbytes(rng.randint(1, 100))
    if way in ("remove", "double", "zero"):
        middle = {"remove": b"", "double": 2 * data[a:b], "zero": bytes(b - a)}[way]
        return f"{way} {a}..{b}", data[:a] + middle + data[b:]
    if way == "swap":
        return f"move {a}..{b} to the front", data[:4] + data[a:b] + data[4:a] + data[b:]
    damaged = bytearray(data)
    places = [rng.randrange(len(data)) for _ in range(rng.choice((1, 1, 2, 8)))]
    for place in places:
        damaged[place] ^= 1 << rng.randrange(8) if rng.random() < 0.5 else rng.randint(1, 255)
    return f"flip bytes {places}", bytes(damaged)


@kind("machine", 10)
def machine(rng: Random) -> Trial:
    """A legal model on random hardware, which often is too small or too narrow."""
    return _trial(rng, lambda _, data: ("as it is", data))


@kind("overflow", 3)
def overflow(rng: Random) -> Trial:
    """Extreme weights on a narrow accumulator that traps or wraps, and biases loaded whatever they are."""
    name, data, _ = pick_model(rng)
    rule = rng.choice(("trap", "trap", "wrap"))
    fields = {"acc_bits": rng.choice((8, 12, 16)), "overflow": rule, "bias_policy": "apply"}
    note, mutated = _extreme_constants(rng, data)
    return Trial(f"{name}, {fields}: {note}", lambda: run_network(fxsim.load(mutated), fields))


@kind("model constants", 6)
def constants(rng: Random) -> Trial:
    """Weights and biases at the ends of their ranges: legal files, extreme accumulators."""
    return _trial(rng, _extreme_constants)


def _extreme_constants(rng: Random, data: bytes) -> tuple[str, bytes]:
    starts = [s.position + 4 for s in spots(data) if s.role == "length" and s.place == "Buffer.data"]
    damaged, pattern = bytearray(data), rng.choice((b"\x80", b"\x7f", b"\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80"))
    for start in starts:
        size = int.from_bytes(data[start - 4 : start], "little")
        if rng.random() < 0.7:
            damaged[start : start + size] = (pattern * size)[:size]
    return f"buffers filled with {pattern!r}", bytes(damaged)
