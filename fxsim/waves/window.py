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


def window_of(program: Program, times: Timeline, layer: int | str | None) -> Window:
    """All cycles, or those from the first beat of a layer, or the last commit before it, to its own last commit.

    Raises
    ------
    ProgramError
        There is no such layer, or no cycle to show.
    """
    window = Window(0, times.cycles) if layer is None else _layer_window(program, times, layer)
    if not window.cycles:
        where = program.name if layer is None else f"layer {layer!r} of {program.name}"
        raise ProgramError("trace must have at least one cycle", where=where)
    return window


def _layer_window(program: Program, times: Timeline, layer: int | str) -> Window:
    timing = times.layers[program.layer_number(layer)]
    end = timing.begin + timing.cycles
    return Window(end - timing.span, end)
