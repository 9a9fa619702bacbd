"""Waveforms of the MAC unit as a Value Change Dump (IEEE 1364), for GTKWave and other viewers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fxsim import __version__
from fxsim._core.errors import MissingDependencyError
from fxsim._core.files import replacing
from fxsim.sim import mac_trace, timeline
from fxsim.waves.signals import signals
from fxsim.waves.window import window_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import BinaryIO

    from numpy.typing import NDArray

    from fxsim.isa import Program
    from fxsim.waves.signals import Signal
    from fxsim.waves.window import Window

_HALF_PERIOD = 500_000_000
"""Femtoseconds in half a cycle at 1 MHz."""
_BLOCK = 4096
"""Cycles whose changes are in memory at a time."""


def save_vcd(
    program: Program,
    path: str | Path,
    x: NDArray[np.generic] | Mapping[str, NDArray[np.generic]] | None = None,
    *,
    layer: int | str | None = None,
) -> int:
    """Write the signals of the MAC unit over one sample of `program`; the file appears whole or not at all.

    A cycle begins with the rising edge of `clk`; all signals change there. A flag or value stands in the cycle to which
    it belongs: beats in the one in which they are sent, writes in the one at whose end they commit, tokens and bank
    halves as their registers hold them. What nothing drives is z. Strings are GTKWave's.

    ======================  ======================================================================================
    ``layer``, ``charge``   layer window; what the cycle is charged to: ``compute`` or the cause of a stall
    ``sequencer``           x-port beats of a MAC, read-port beats of a MERGE; ``issue``: the last one of a position
    ``ports``               ``x``: activations, ``w``: weight tiles, ``p``: row records, ``y``: requantized codes
    ``bank``                writes: place, registers of active rows in two's complement, overflows; halves' states
    ``inner``               the same of inner accumulators before they spill, if there are any
    ``requantizer``         beats read; address, count and codes of the beat that is written
    ``tokens``              tokens of every semaphore
    ======================  ======================================================================================

    Parameters
    ----------
    program
        The program.
    path
        The file, usually ``.vcd``.
    x
        The sample, as `fxsim.simulate` takes it; None for a program without inputs.
    layer
        Name or number of the only layer whose cycles are shown, all by default. They begin with its first beat, or
        behind the last commit before it.

    Returns
    -------
    int
        Number of cycles shown.

    Raises
    ------
    ProgramError, HazardError, InputError
        As `fxsim.sim.mac_trace`; there is no such layer, or no cycle to show.
    MissingDependencyError
        The package ``pyvcd`` (extra ``waves``) is not installed.
    """
    check_vcd()
    window = window_of(program, timeline(program), layer)
    trace = mac_trace(program, x, cycles=range(window.lo, window.hi))
    clock = _Clock.of(program.hardware.timing.clock_mhz)
    about = f"{program.name} on {program.hardware.name}"
    with replacing(Path(path)) as file:
        _write(file, _Dump(list(signals(trace)), window, clock), about)
    return window.cycles


def check_vcd() -> None:
    """Refuse to go on without the package that writes the file."""
    try:
        import vcd  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError("pyvcd must be installed: pip install 'fxsim[waves]'") from error


class _Clock(NamedTuple):
    """Unit of time, a power of ten in femtoseconds, and the clock in MHz."""

    digits: int
    mhz: int

    @classmethod
    def of(cls, mhz: int) -> _Clock:
        """Take the largest unit of which half a period is a whole number; femtoseconds, rounded down, if none is."""
        half, rest = divmod(_HALF_PERIOD, mhz)
        return cls(0 if rest else len(str(half)) - len(str(half).rstrip("0")), mhz)

    @property
    def timescale(self) -> str:
        """The unit as a VCD spells it."""
        return f"{10 ** (self.digits % 3)} {('fs', 'ps', 'ns', 'us')[self.digits // 3]}"

    def edge(self, number: int) -> int:
        """Time of an edge; even ones rise and begin cycle `number` / 2."""
        unit: int = 10**self.digits
        return number * _HALF_PERIOD // (self.mhz * unit)


class _Dump(NamedTuple):
    """What is dumped."""

    signals: list[Signal]
    window: Window
    clock: _Clock


def _write(file: BinaryIO, dump: _Dump, about: str) -> None:
    from vcd import VCDWriter

    text = io.TextIOWrapper(file, encoding="ascii", errors="backslashreplace", newline="\n")
    start = dump.clock.edge(2 * dump.window.lo)
    with VCDWriter(
        text, dump.clock.timescale, date="", comment=about, version=f"fxsim {__version__}", init_timestamp=start
    ) as writer:
        _write_cycles(writer, dump)
        writer.close(dump.clock.edge(2 * dump.window.hi))
    text.detach()


def _write_cycles(writer: Any, dump: _Dump) -> None:
    clk = writer.register_var("fxsim", "clk", "wire", 1, init=0)
    cycle = writer.register_var("fxsim", "cycle", "integer", 64, init=dump.window.lo)
    variables = [_declare(writer, signal) for signal in dump.signals]
    edge, change = dump.clock.edge, writer.change
    for lo in range(dump.window.lo, dump.window.hi, _BLOCK):
        hi = min(lo + _BLOCK, dump.window.hi)
        for number, changed in enumerate(_changed(dump, variables, lo, hi), start=lo):
            time = edge(2 * number)
            change(clk, time, 1)
            change(cycle, time, number)
            for variable, value in changed:
                change(variable, time, value)
            change(clk, edge(2 * number + 1), 0)


def _declare(writer: Any, signal: Signal) -> Any:
    scope = f"fxsim.{signal.scope}" if signal.scope else "fxsim"
    if not signal.bits:
        return writer.register_var(scope, signal.name, "string", init="")
    return writer.register_var(scope, signal.name, "wire", signal.bits, init="z")


def _changed(dump: _Dump, variables: Iterable[Any], lo: int, hi: int) -> list[list[tuple[Any, Any]]]:
    """Changes of cycles lo .. hi - 1; those of the window's first cycle are the values of all signals there."""
    found: list[list[tuple[Any, Any]]] = [[] for _ in range(lo, hi)]
    for signal, variable in zip(dump.signals, variables, strict=True):
        first, last = np.searchsorted(signal.cycle, (lo, hi)).tolist()
        if lo == dump.window.lo:
            first = int(np.searchsorted(signal.cycle, lo, side="right")) - 1
        at = (np.maximum(signal.cycle[first:last], lo) - lo).tolist()
        for number, value in zip(at, _values(signal, first, last), strict=True):
            found[number].append((variable, value))
    return found


def _values(signal: Signal, first: int, last: int) -> Iterator[int | str]:
    """Values of some changes as the writer takes them."""
    texts, idle = signal.texts, "" if signal.texts else "z"
    pairs = zip(signal.value[first:last].tolist(), signal.driven[first:last].tolist(), strict=True)
    return (idle if not driven else texts[value] if texts else value for value, driven in pairs)
