"""Assemble text (.fxs) into a program file (.fxp)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fxsim._core.errors import AssemblyError
from fxsim.cli.options import write_output

if TYPE_CHECKING:
    import argparse

_LIMIT = 1 << 30


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("source", help="assembly text")
    parser.add_argument("--output", required=True, metavar="PROGRAM.fxp", help="program file")


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    import fxsim

    path = Path(args.source)
    if path.stat().st_size > _LIMIT:
        raise AssemblyError("assembly text must be smaller than 1 GiB", where=str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise AssemblyError(f"assembly text must be UTF-8: {error}", where=str(path)) from None
    program = fxsim.assemble(text)
    write_output(args.output, program.to_bytes())
    print(f"{len(program.layer_of):,} instructions")
    return 0
