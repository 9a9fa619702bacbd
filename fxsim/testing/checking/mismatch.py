"""What a checker says: how much agreed, or the smallest case that does not."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim._core.errors import FxsimError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Checked:
    """What agreed.

    Attributes
    ----------
    cases
        Cases that the design answered, all of them rightly.
    elements
        Numbers compared.
    """

    cases: int
    elements: int


class MismatchError(FxsimError, AssertionError):
    """A design under test does not agree with the oracle; its text is the smallest case found.

    Attributes
    ----------
    problem : str
        What was expected and what came: the first element that differs, or the design's own exception.
    python : str
        The case as Python that asks a design called ``dut`` and raises where it is wrong: an `AssertionError` about
        numbers, types and shapes, else what the design raises or what its answer is not.
    assembly : str
        The case as a program for the machine (`fxsim.assemble` reads it).
    folder : Path or None
        Where both and the `$readmemh` files were written.
    files : tuple of str
        Their names.
    """

    def __init__(
        self, problem: str, *, python: str, assembly: str, folder: Path | None = None, files: tuple[str, ...] = ()
    ) -> None:
        self.problem, self.python, self.assembly = problem, python, assembly
        self.folder, self.files = folder, files
        super().__init__(self._text())

    def _text(self) -> str:
        whole = "error.assembly" if self.folder is None else "counterexample.fxs"
        parts = [
            self.problem,
            f"As Python, with the design called dut:\n\n{_indented(self.python)}",
            f"As assembly, without hardware and constants ({whole} has them):\n\n{_indented(_short(self.assembly))}",
        ]
        if self.folder is None:
            parts.append("folder=... writes both, and the numbers as $readmemh files.")
        else:
            parts.append(f"Files in {self.folder}: {', '.join(self.files)}")
        return "\n\n".join(parts)


def _indented(text: str) -> str:
    return textwrap.indent(text.rstrip("\n"), "    ")


def _short(assembly: str) -> str:
    """Drop the blocks up to ``.end``."""
    lines, hidden = [], False
    for line in assembly.splitlines():
        hidden |= line in (".hardware", ".constants")
        if not hidden:
            lines.append(line)
        hidden &= line != ".end"
    return "\n".join(lines)
