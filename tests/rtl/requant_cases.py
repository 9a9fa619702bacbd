"""Inputs of the requantizer where it could err, and what fxsim.numerics and its plain-int twin make of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxsim.numerics import SCHEMES, Requant, Scheme, requantize
from fxsim.numerics.reference import ref_requantize
from tests.rtl.instances import Instance

Ints = NDArray[np.int64]

SCHEME_NAMES = [name for name, scheme in SCHEMES.items() if scheme.synthesizable]
WORD_BITS = {"RNDNU": 25, "RHAWAY_SHIFT": 16}
"""Signed bits of a scheme's words, where they are not 32."""
CLAMPS = (
    (0, -128, 127),
    (-128, -128, 127),
    (127, -128, -1),
    (255, 0, 255),
    (0, -32768, 32767),
    (65535, 0, 65535),
    (-65536, -65536, 65535),
    (-7, 5, 5),
)
"""Zero point, least and greatest code: the extremes of 8, 16 and 17 bits, and one code alone."""
_PORTS = {"multiplier": 32, "shift": 8, "zero": 17, "lo": 17, "hi": 17}


@dataclass(frozen=True, slots=True)
class Config:
    """Parameters of one requantizer."""

    name: str
    acc_bits: int
    multiplier_bits: int

    @property
    def scheme(self) -> Scheme:
        return SCHEMES[self.name]

    @property
    def word_bits(self) -> int:
        return WORD_BITS.get(self.name, 32)

    @property
    def dropped_bits(self) -> int:
        """Low bits of a word that the multiplier as built does not have; MBQM64 reads them all at its full width."""
        built = self.scheme.multiplier_width(self.multiplier_bits)
        return 0 if self.scheme.significand == built - 1 else self.word_bits - built

    def instance(self, module: str = "fxsim_requantize") -> Instance:
        parameters = {"ACC_BITS": self.acc_bits, "MULTIPLIER_BITS": self.multiplier_bits}
        ports = {"acc": self.acc_bits, **_PORTS}
        return Instance(module, {"SCHEME": int(self.scheme.code), **parameters}, ports, {"code": 17})


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """Inputs of one requantizer, int64 [n] each; `clamp` is an index of CLAMPS."""

    config: Config
    acc: Ints
    multiplier: Ints
    shift: Ints
    clamp: Ints

    def records(self) -> Ints:
        """Ports of the module, int64 [n, 6]."""
        return np.column_stack([self.acc, self.multiplier, self.shift, np.array(CLAMPS)[self.clamp]])

    def expected(self) -> Ints:
        """Codes by the kernel."""
        codes = np.empty_like(self.acc)
        for i, (zero, lo, hi) in enumerate(CLAMPS):
            here = self.clamp == i
            requant = Requant(self.multiplier[here], self.shift[here], np.zeros(np.count_nonzero(here)))
            width = self.config.acc_bits
            codes[here] = requantize(
                self.acc[here], requant, self.config.scheme, zero=zero, lo=lo, hi=hi, acc_bits=width
            )
        return codes

    def expected_by_twin(self, step: int) -> list[int]:
        """Codes of every `step`-th case by the plain-int twin."""
        name, width = self.config.name, self.config.acc_bits
        columns = (self.acc, self.multiplier, self.shift, self.clamp)
        taken = zip(*(column[::step].tolist() for column in columns), strict=True)
        return [ref_requantize(acc, m, s, 0.0, name, width, *CLAMPS[clamp]) for acc, m, s, clamp in taken]


def exhaustive(config: Config, words: Ints, turn: int) -> Cases:
    """Every accumulator with every legal shift and each of `words`; clamps by turns, all in len(CLAMPS)."""
    lo, hi = config.scheme.shifts
    half = 1 << (config.acc_bits - 1)
    axes = (np.arange(lo, hi + 1), words, np.arange(-half, half))
    shift, multiplier, acc = (axis.reshape(-1) for axis in np.meshgrid(*axes, indexing="ij"))
    clamp = (np.arange(acc.size) + np.arange(acc.size) // (2 * half) + turn) % len(CLAMPS)
    return Cases(config, acc, multiplier, shift, clamp)


def words(config: Config) -> Ints:
    """All legal multipliers where there are at most 8, else the edges; and the least one, though no scheme makes it."""
    bits, dropped = config.word_bits, config.dropped_bits
    half = 1 << (bits - dropped - 1)
    edges = [0, 1, 2, 3, half // 2 - 1, half // 2, half // 2 + 1, half - 2, half - 1, -half]
    taken = [*range(half), -half] if half <= 8 else edges
    return np.array(taken, dtype=np.int64) << dropped


def drawn(config: Config, count: int, rng: np.random.Generator) -> Cases:
    """Cases at the edges: accumulators on and beside ties, extremes and powers of two; the rest likewise."""
    shift = _shifts(config, count, rng)
    multiplier = _edge_ints(config.word_bits - config.dropped_bits, count, rng) << config.dropped_bits
    half = 1 << (config.acc_bits - 1)
    ties = _ties(config, multiplier, shift, rng).clip(-half, half - 1)
    acc = np.where(rng.random(count) < 0.5, ties, _edge_ints(config.acc_bits, count, rng))
    return Cases(config, acc, multiplier, shift, rng.integers(0, len(CLAMPS), count))


def _shifts(config: Config, count: int, rng: np.random.Generator) -> Ints:
    """Legal shifts, a third of them extreme or beside 0."""
    lo, hi = config.scheme.shifts
    edges = rng.choice(np.clip([lo, lo + 1, -1, 0, 1, hi - 1, hi], lo, hi), count)
    return np.where(rng.random(count) < 0.33, edges, rng.integers(lo, hi + 1, count))


def _edge_ints(bits: int, count: int, rng: np.random.Generator) -> Ints:
    """Signed integers of all lengths up to `bits` bits: extremes, powers of two, their neighbours, anything."""
    half = 1 << (bits - 1)
    power = np.left_shift(1, rng.integers(0, bits, count))
    near = power + rng.integers(-1, 2, count)
    extreme = rng.choice(np.array([half, half - 1, half - 2]), count)
    kind = rng.integers(0, 5, count)
    value = np.select([kind == 0, kind < 3], [extreme, near], rng.integers(0, power, endpoint=True))
    return np.where(rng.random(count) < 0.5, -value, value).clip(-half, half - 1)


def _ties(config: Config, multiplier: Ints, shift: Ints, rng: np.random.Generator) -> Ints:
    """Integers on (where one is) or beside accumulators whose scaled value has the fraction one half."""
    left = config.scheme.shifts[0] < 0
    factor = np.ldexp(multiplier.astype(np.float64), np.where(left, shift - 31, -shift))
    if config.scheme.significand == 1:
        factor = np.ldexp(1.0, -shift)
    result = np.floor(np.exp2(rng.uniform(0, 18, shift.size))) * rng.choice([-1, 1], shift.size) + 0.5
    quotient = np.divide(result, factor, out=np.zeros_like(result), where=factor != 0)
    beside = rng.choice([0, 0, -1, 1], shift.size)
    return np.asarray(np.rint(quotient.clip(-(2.0**62), 2.0**62)) + beside, dtype=np.int64)
