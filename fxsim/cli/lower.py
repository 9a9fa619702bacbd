"""Lower a model to a program file (.fxp, or assembly .fxs)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fxsim.cli.options import add_hardware, add_model, add_profile, hardware, network, write_output

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_model(parser)
    add_hardware(parser)
    add_profile(parser)
    parser.add_argument("--output", required=True, metavar="PROGRAM.fxp|.fxs", help="program file, or assembly text")


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    import fxsim
    from fxsim.lowering import check_program

    program = fxsim.lower(network(args), hardware(args))
    check_program(program)
    as_text = Path(args.output).suffix == ".fxs"
    write_output(args.output, program.disassemble().encode() if as_text else program.to_bytes())
    counts = f"{len(program.layer_of):,} instructions, {len(program.constants):,} bytes of constants"
    print(f"{counts}, {len(program.layers)} layers")
    return 0
