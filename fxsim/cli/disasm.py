"""Print a program file (.fxp) as assembly text."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fxsim.cli.options import write_output

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("program", help="a .fxp file")
    parser.add_argument("--output", metavar="PROGRAM.fxs", help="write there instead of stdout")


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    import fxsim

    text = fxsim.Program.load(Path(args.program)).disassemble()
    if args.output:
        write_output(args.output, text.encode())
    else:
        sys.stdout.write(text)
    return 0
