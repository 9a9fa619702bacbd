"""How many accumulator bits a model needs, what breaks with fewer, where, and what a bit costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.errors import InputError
from fxsim.cli.options import (
    add_hardware,
    add_model,
    add_page,
    add_profile,
    add_samples,
    check_figures,
    given_labels,
    hardware,
    network,
    samples,
    write_report,
)

if TYPE_CHECKING:
    import argparse

    from fxsim.analysis import AccumulatorReport
    from fxsim.cli.options import Drawing

ALIASES = ("acc",)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_model(parser)
    add_hardware(parser)
    add_profile(parser)
    add_samples(parser, required=False)
    parser.add_argument(
        "--epsilon", type=float, default=0.0, metavar="E", help="score that per-layer widths may lose (default: 0)"
    )
    parser.add_argument("--cells", action="store_true", help="count cells of one PE row by width (needs yosys)")
    add_page(parser)


def main(args: argparse.Namespace) -> int:
    """Run the verb: 1 where overflow = trap and an accumulator does."""
    import fxsim

    check_figures(args.figures, args.html)
    net, hw = network(args), hardware(args)
    x = samples(args, net) if args.input or args.random is not None else None
    if x is None and args.labels is not None:
        raise InputError("--labels must come with --input or --random", got=args.labels)
    labels = None if x is None else given_labels(args, len(next(iter(x.values()))))
    report = fxsim.accumulators(net, x, hw=hw, labels=labels, epsilon=args.epsilon, cells=args.cells)
    write_report(args, report, _drawing)
    return 0


def _drawing() -> Drawing[AccumulatorReport]:
    from fxsim.report import accumulator_page, save_accumulator_figures

    return accumulator_page, save_accumulator_figures
