"""Lower a model to a program file (.fxp, or assembly .fxs); explain its schedule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fxsim._core.errors import InputError
from fxsim.cli.options import add_hardware, add_model, add_profile, hardware, network, write_output

if TYPE_CHECKING:
    import argparse

    from fxsim.graph import Network
    from fxsim.hw import Hardware
    from fxsim.isa import Program


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_model(parser)
    add_hardware(parser)
    add_profile(parser)
    parser.add_argument("--output", metavar="PROGRAM.fxp|.fxs", help="program file, or assembly text")
    parser.add_argument(
        "--explain", action="store_true", help="print, layer by layer, the options considered, their cost and the bound"
    )


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    import fxsim
    from fxsim.lowering import check_program

    if not (args.output or args.explain):
        raise InputError("lower must be given --output PROGRAM, --explain, or both")
    net, hw = network(args), hardware(args)
    program = fxsim.lower(net, hw)
    check_program(program)
    if args.explain:
        print(_explanation(net, hw, program))
    if args.output:
        as_text = Path(args.output).suffix == ".fxs"
        write_output(args.output, program.disassemble().encode() if as_text else program.to_bytes())
    counts = f"{len(program.layer_of):,} instructions, {len(program.constants):,} bytes of constants"
    print(f"{counts}, {len(program.layers)} layers")
    return 0


def _explanation(net: Network, hw: Hardware, program: Program) -> str:
    """Options of every layer, then what the whole program makes of the choices."""
    from fxsim._core.tables import format_table
    from fxsim.lowering import explain
    from fxsim.sim import estimate

    plans, result = explain(net, hw), estimate(program)
    rows = []
    for number, (plan, layer) in enumerate(zip(plans, result.layers, strict=True)):
        best = plan.options[0].cost if plan.options else None
        chosen = [best.cycles, best.bound] if best else ["", "-"]
        rows.append([number, plan.name, plan.op, len(plan.options), *chosen, layer.cycles, 100 * layer.utilization])
    headers = ["#", "layer", "op", "options", "estimate", "bound", "cycles", "util %"]
    title = "Chosen: estimate of the layer by itself, cycles of its window in the program"
    return "\n\n".join([*(plan.table() for plan in plans), format_table(headers, rows, title=title)]) + "\n"
