"""Cycles, bytes and energy of a model on a hardware, without data."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fxsim.cli.options import (
    add_hardware,
    add_model,
    add_profile,
    add_reports,
    check_figures,
    hardware,
    network,
    write_figures,
    write_output,
)

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_model(parser)
    add_hardware(parser)
    add_profile(parser)
    add_reports(parser)


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    import fxsim

    check_figures(args.figures)
    result = fxsim.estimate(network(args), hardware(args))
    write_figures(args, result)
    text = result.to_json() + "\n"
    if args.json and args.json != "-":
        write_output(args.json, text.encode())
    sys.stdout.write(text if args.json == "-" else result.table() + "\n")
    return 0
