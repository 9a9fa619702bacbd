"""Generated certification models: every operator in every variant it has, on inputs that seek ties and extremes.

Half of the models have scales whose ratios are powers of two, so that accumulators meet the rounding rules on exact
halves; the others have arbitrary scales. Everything is seeded by the case's name: the models are the same everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.runtimes.binary_cases import binary_cases
from fxsim.runtimes.mac_cases import mac_cases
from fxsim.runtimes.move_cases import move_cases
from fxsim.runtimes.unary_cases import unary_cases
from fxsim.runtimes.vector_cases import vector_cases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.runtimes.case import Case


def cases() -> Iterator[Case]:
    """All certification cases."""
    yield from mac_cases()
    yield from vector_cases()
    yield from unary_cases()
    yield from binary_cases()
    yield from move_cases()
