"""Cells of one generated PE row by accumulator width, from the synthesizer yosys where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fxsim._core.errors import MissingDependencyError
from fxsim.rtl.row import TOP, row_verilog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fxsim.hw import Hardware

_TIMEOUT_S = 600
_SCRIPT = "read_verilog row.v; synth -flatten -top {top}; tee -q -o cells.json stat -json"


@dataclass(frozen=True, slots=True)
class RowCells:
    """Generic two-input cells of one synthesized PE row.

    Attributes
    ----------
    acc_bits
        Accumulator width.
    cells
        All cells, flip-flops included.
    flip_flops
        The accumulator register's.
    """

    acc_bits: int
    cells: int
    flip_flops: int


def has_yosys() -> bool:
    """Whether ``yosys`` is on the path."""
    return shutil.which("yosys") is not None


def row_cells(hw: Hardware, widths: Iterable[int]) -> list[RowCells]:
    """Synthesize one PE row of `hw` at every accumulator width; a few seconds each.

    Raises
    ------
    MissingDependencyError
        yosys is not installed, or fails.
    HardwareError
        A width is illegal.
    """
    if not has_yosys():
        raise MissingDependencyError("yosys must be installed to count cells")
    found = []
    for bits in sorted(set(widths)):
        own = hw.replace(acc_bits=bits, acc_internal_bits=max(bits, hw.numerics.acc_internal_bits))
        counts = _synthesize(row_verilog(own))
        total = sum(counts.values())
        found.append(RowCells(bits, total, sum(n for kind, n in counts.items() if "DFF" in kind)))
    return found


def _synthesize(verilog: str) -> dict[str, int]:
    """Cells by type."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "row.v").write_text(verilog, encoding="ascii")
        done = subprocess.run(
            ["yosys", "-q", "-p", _SCRIPT.format(top=TOP)],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            raise MissingDependencyError(f"yosys must synthesize the row: {done.stderr.strip()[-400:]}")
        stat = json.loads((Path(folder) / "cells.json").read_text(encoding="utf-8"))
    return {kind: int(number) for kind, number in stat["design"]["num_cells_by_type"].items()}
