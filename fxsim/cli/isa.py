"""Print the manual of the instruction set."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb has no arguments."""
    del parser


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    from fxsim.isa import manual

    del args
    sys.stdout.write(manual() + "\n")
    return 0
