"""RESHAPE: no instruction, the result is the operand's bytes under another shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.lowering.base import LOWERINGS, Lowering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.isa import Instruction
    from fxsim.lowering.base import Emit, Site


def prepare_reshape(_: Site) -> Emit:
    """Nothing to prepare, nothing to emit."""
    return _emit


def _emit(_operands: tuple[int, ...], _target: int) -> Iterator[Instruction]:
    return iter(())


LOWERINGS.add("RESHAPE", Lowering(prepare_reshape, alias=True))
