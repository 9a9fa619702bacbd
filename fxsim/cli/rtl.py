"""Write the machine as SystemVerilog: MAC unit, testbench, vectors of one run, Makefile.

`make -C FOLDER sim` builds it with Verilator, plays the run and compares every accumulator, every output and its cycle.
"""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from fxsim._core.errors import InputError
from fxsim.cli.options import add_program, add_sample, hardware, program, sample

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from fxsim.isa import Program


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_program(parser, required=False)
    add_sample(parser, required=False)
    parser.add_argument(
        "--out", required=True, metavar="FOLDER", help="folder to write; one with an earlier machine is replaced"
    )


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    from fxsim.rtl import check_rtl_folder, rtl_project, write_rtl

    check_rtl_folder(args.out)
    played = _program(args)
    if args.input is None and args.random is None:
        args.random = 0
    files = rtl_project(played, sample(args, played))
    write_rtl(files, args.out)
    sys.stdout.write(_text(played, files, args.out))
    return 0


def _program(args: argparse.Namespace) -> Program:
    """The program that is given, or the example for the hardware."""
    if args.model is not None or args.gemm is not None:
        return program(args)
    from fxsim.rtl import example_program

    if args.profile:
        raise InputError("--profile has no influence without a model", got=args.profile)
    args.hw = args.hw or "edge-16x16"
    return example_program(hardware(args))


def _text(played: Program, files: Mapping[str, str], folder: str) -> str:
    """What was written, and the command that runs it."""
    from fxsim.rtl import machine_scheme

    hw = played.hardware
    n, t = hw.numerics, hw.timing
    lines = {name: text.count("\n") for name, text in files.items()}
    sources = [count for name, count in lines.items() if name.startswith("sv/")]
    issues, codes = lines["vectors/acc.txt"], lines["vectors/y.txt"]
    inner = f" behind inner ones of {n.inner_bits}, {n.inner_overflow}" if n.inner_bits else ""
    return (
        f"Machine {hw.name!r}: {t.rows} x {t.cols}, {n.reduction}, {n.acc_bits}-bit accumulators, {n.overflow}{inner},"
        f" {machine_scheme(hw).name}\n"
        f"SystemVerilog: {len(sources)} files, {sum(sources):,} lines\n"
        f"Program {played.name!r}: {len(played):,} instructions, {issues:,} issues and {codes:,} requantizer writes to"
        " compare\n"
        f"Run it: make -C {shlex.quote(folder)} sim\n"
    )
