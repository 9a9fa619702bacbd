"""What a lowering rule writes to: the `Emitter` protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fxsim.isa.base import Instruction


class Emitter(Protocol):
    """A program under construction."""

    def emit(self, instruction: Instruction) -> int:
        """Append an instruction to the current layer; returns its index."""
        ...

    def constant(self, data: bytes, align: int = 64) -> int:
        """Place bytes in the constants, at a multiple of `align`; returns their DRAM address."""
        ...
