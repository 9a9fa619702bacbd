"""Draws outside of a property: whether a strategy reaches what it promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hypothesis import Phase, given, seed, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hypothesis import strategies as st

_T = TypeVar("_T")
_BATCH = 40
_MOST = 2000


def draws(strategy: st.SearchStrategy[_T], most: int) -> Iterator[_T]:
    """`most` values, the same ones with every run; in batches, since the draws of one run of hypothesis are alike."""
    for number in range(0, most, _BATCH):
        yield from _batch(strategy, number, min(_BATCH, most - number))


def _batch(strategy: st.SearchStrategy[_T], number: int, size: int) -> list[_T]:
    found: list[_T] = []

    @seed(number)
    @settings(max_examples=size, phases=[Phase.generate], database=None, deadline=None)
    @given(strategy)
    def take(value: _T) -> None:
        found.append(value)

    take()
    return found


def unseen(
    strategy: st.SearchStrategy[_T], features: Callable[[_T], Iterable[object]], wanted: Iterable[object]
) -> set[object]:
    """Those of `wanted` that are no feature of any value; stops with the value that completes them."""
    left = set(wanted)
    for value in draws(strategy, _MOST):
        left.difference_update(features(value))
        if not left:
            break
    return left
