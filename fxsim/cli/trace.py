"""Write what happens cycle by cycle: waveforms of the MAC unit (VCD), a timeline of all engines (Perfetto)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fxsim._core.errors import InputError
from fxsim.cli.options import add_program, add_sample, layer_of, program, sample

if TYPE_CHECKING:
    import argparse

    import numpy as np
    from numpy.typing import NDArray

    from fxsim.isa import Program


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_program(parser)
    add_sample(parser, required=False)
    parser.add_argument("--layer", metavar="NAME", help="only the cycles of this layer, or its number (default: all)")
    parser.add_argument(
        "--vcd", metavar="WAVES.vcd", help="signals of the MAC unit, for GTKWave; needs --input or --random"
    )
    parser.add_argument("--perfetto", metavar="TIMELINE.json", help="timeline for ui.perfetto.dev and chrome://tracing")


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    from fxsim.waves import check_vcd, save_perfetto, save_vcd

    if not (args.vcd or args.perfetto):
        raise InputError("trace must be given --vcd FILE, --perfetto FILE, or both")
    if args.vcd and args.perfetto and Path(args.vcd).resolve() == Path(args.perfetto).resolve():
        raise InputError("--vcd and --perfetto must name two files", got=args.vcd)
    if args.vcd:
        check_vcd()
    lowered = program(args)
    x = _sample(args, lowered)
    layer = None if args.layer is None else layer_of(lowered, args.layer)
    if args.vcd:
        _tell(args.vcd, save_vcd(lowered, _prepared(args.vcd), x, layer=layer))
    if args.perfetto:
        _tell(args.perfetto, save_perfetto(lowered, _prepared(args.perfetto), layer=layer))
    return 0


def _sample(args: argparse.Namespace, lowered: Program) -> dict[str, NDArray[np.generic]] | None:
    """The sample that ``--vcd`` is of; None for a program without inputs."""
    given = args.input is not None or args.random is not None
    needed = bool(args.vcd and lowered.of_kind("input"))
    if given != needed:
        expected = "must be given for --vcd of a program with inputs" if needed else "have no influence on the trace"
        raise InputError(f"--input or --random {expected}", where=lowered.name)
    return sample(args, lowered) if needed else None


def _prepared(path: str) -> Path:
    """The path, its folder made."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return Path(path)


def _tell(path: str, cycles: int) -> None:
    print(f"{path}: {cycles:,} cycles, {Path(path).stat().st_size:,} bytes")
