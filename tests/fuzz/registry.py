"""The kinds of mutation: each makes one trial from a random generator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Trial:
    """One mutated thing: what was altered, and the product's run on it, which ends well or in an `FxsimError`."""

    note: str
    run: Callable[[], object]


Maker = Callable[[Random], Trial]

KINDS: dict[str, tuple[int, Maker]] = {}
"""Weight and maker by name."""


def kind(name: str, weight: int) -> Callable[[Maker], Maker]:
    """Register a maker; of every sum-of-weights seeds, `weight` are of this kind."""

    def register(maker: Maker) -> Maker:
        KINDS[name] = weight, maker
        return maker

    return register
