"""Seed → trial: every seed names one mutation, the same everywhere."""

from __future__ import annotations

from random import Random

from tests.fuzz import data_kinds, graph_kinds, model_kinds, program_kinds, text_kinds
from tests.fuzz.registry import KINDS, Trial

__all__ = ["kind_of", "make_trial"]

_ = data_kinds, graph_kinds, model_kinds, program_kinds, text_kinds  # importing them fills KINDS


def _schedule() -> list[str]:
    """Kinds in a fixed shuffled order, each as often as its weight, so that any long run of seeds has all."""
    names = [name for name, (weight, _) in KINDS.items() for _ in range(weight)]
    Random(0).shuffle(names)
    return names


_SCHEDULE = _schedule()


def kind_of(seed: int) -> str:
    """Kind of mutation of a seed."""
    return _SCHEDULE[seed % len(_SCHEDULE)]


def make_trial(seed: int) -> Trial:
    """Make the trial of a seed."""
    return KINDS[kind_of(seed)][1](Random(seed))
