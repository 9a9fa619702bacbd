"""`rtl_project` and `write_rtl`: the machine of a program as a folder that builds, runs and explains itself."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from fxsim._core.files import check_replaceable, write_folder
from fxsim.rtl.machine import machine_sources
from fxsim.rtl.project.readme import readme_text
from fxsim.rtl.run_files import run_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from fxsim.isa import Program

MANIFEST = "project.json"
BUILD = "build"
"""Folder in which the Makefile builds; a written folder may lose it."""


def check_rtl_folder(folder: str | Path) -> None:
    """Refuse a folder that `write_rtl` would not write to: `InputError`."""
    check_replaceable(Path(folder), MANIFEST)


def rtl_project(
    program: Program, x: NDArray[np.generic] | Mapping[str, NDArray[np.generic]] | None = None
) -> dict[str, str]:
    """Texts of the files that make the machine of `program`, by path in the folder.

    ``sv/`` holds the machine and its testbench, ``vectors/`` what the testbench plays and compares, ``Makefile`` builds
    and runs them, ``README.md`` is for the designer, ``project.json`` for programs.

    Parameters
    ----------
    program
        The program that is played.
    x
        One sample, as `fxsim.simulate` takes it; None for a program without inputs.

    Raises
    ------
    HardwareError
        The machine has a floating requantizer.
    ProgramError, InputError
        As `run_files`.
    """
    sources = machine_sources(program.hardware)
    vectors = run_files(program, x)
    files = {f"sv/{name}": text for name, text in sources.items()}
    makefile = _makefile(files)
    files |= {f"vectors/{name}": text for name, text in vectors.items()}
    files["Makefile"] = makefile
    files["README.md"] = readme_text(program, sources, vectors)
    files[MANIFEST] = _manifest(program, files)
    return files


def write_rtl(files: Mapping[str, str], folder: str | Path) -> list[Path]:
    """Write the texts of `rtl_project`.

    Parameters
    ----------
    files
        From `rtl_project`.
    folder
        Written whole or not at all. One that exists is replaced if it is empty, or holds nothing but such files and
        what was built from them.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        `folder` holds other files.
    """
    return write_folder(Path(folder), {name: text.encode() for name, text in files.items()}, MANIFEST)


def _makefile(sources: Iterable[str]) -> str:
    template = (resources.files("fxsim.rtl.project") / "Makefile.in").read_text(encoding="utf-8")
    return template.replace("@SOURCES@", " \\\n  ".join(sources))


def _manifest(program: Program, files: Mapping[str, str]) -> str:
    sums: dict[str, str | None] = {name: _sha256(text.encode()) for name, text in files.items()}
    record = {
        "schema": 1,
        "program": {"name": program.name, "profile": program.profile, "sha256": _sha256(program.to_bytes())},
        "hardware": program.hardware.to_dict(),
        "files": sums | {BUILD: None},
    }
    return json.dumps(record, indent=1) + "\n"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
