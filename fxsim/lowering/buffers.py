"""Where tiles of constants go: round the weight and parameter scratchpads, so that the oldest is overwritten first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.isa import Space

if TYPE_CHECKING:
    from fxsim.hw import Timing


class Buffers:
    """Start addresses of the tiles of constants of a whole program, in the order in which they are loaded.

    A tile stands behind the one before it while there is room, else at address 0: its LOAD can run while the tiles
    before it are still in use. Without double buffering every tile stands at address 0. A tile must have been used up
    when the next one is taken from the same scratchpad.
    """

    def __init__(self, timing: Timing) -> None:
        self._room = {Space.WEIGHT: timing.weight_spad_bytes, Space.PARAM: timing.param_spad_bytes}
        self._double = timing.double_buffering == "on"
        self._next = dict.fromkeys(self._room, 0)

    def take(self, space: Space, size: int) -> int:
        """Address of the next tile of `size` bytes, which must fit `space`."""
        start = self._next[space]
        if not self._double or start + size > self._room[space]:
            start = 0
        self._next[space] = start + size
        return start
