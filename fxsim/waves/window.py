"""Which cycles a trace shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fxsim._core.errors import ProgramError

if TYPE_CHECKING:
    from fxsim.isa import Program
    from fxsim.sim import Timeline


class Window(NamedTuple):
    """Cycles lo .. hi - 1."""

    lo: int
    hi: int

    @property
    def cycles(self) -> int:
        """How many."""
        return self.hi - self.lo


def window_of(program: Program, times: Timeline, layer: str) -> Window:
    """All cycles, or those from the first beat of a layer, or the last commit before it, to its own last commit.

    Raises
    ------
    ProgramError
        There is no such layer, or no cycle to show.
    """
    window = Window(0, times.cycles) if not layer else _layer_window(program, times, layer)
    if not window.cycles:
        raise ProgramError("trace must have at least one cycle", got=layer, where=program.name)
    return window


def _layer_window(program: Program, times: Timeline, layer: str) -> Window:
    names = [entry.name for entry in program.layers]
    if layer not in names:
        raise ProgramError(f"layer must be one of: {', '.join(names)}", got=layer, where=program.name)
    timing = times.layers[names.index(layer)]
    end = timing.begin + timing.cycles
    return Window(end - timing.span, end)
