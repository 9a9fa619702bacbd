"""Assemble text (.fxs) into a program file (.fxp)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fxsim.cli.options import assembly, write_output

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("source", help="assembly text")
    parser.add_argument("--output", required=True, metavar="PROGRAM.fxp", help="program file")


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    program = assembly(Path(args.source))
    write_output(args.output, program.to_bytes())
    print(f"{len(program.layer_of):,} instructions")
    return 0
