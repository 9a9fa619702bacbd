"""Print the manual of the instruction set."""

from __future__ import annotations

import argparse
import sys


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb has no arguments."""
    del parser


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    from fxsim.isa import manual

    del args
    sys.stdout.write(manual() + "\n")
    return 0
