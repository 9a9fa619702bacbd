"""Compare fake quantization with exact integers: where they differ, by how much, and which mechanism makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

    from fxsim.analysis import Comparison
    from fxsim.cli.options import Drawing


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_model(parser)
    add_hardware(parser)
    add_profile(parser)
    add_samples(parser)
    parser.add_argument(
        "--bias",
        choices=("float", "grid"),
        default="float",
        help="biases of the fake-quantized run: real numbers (default), or rounded to the accumulator's grid",
    )
    parser.add_argument("--requant", action="store_true", help="try other requantizers and rank them")
    parser.add_argument(
        "--runtime",
        action="append",
        default=[],
        metavar="NAME",
        dest="runtimes",
        help="check the exact run against litert, litert-optimized, xnnpack or tflm (repeatable; extra: oracles)",
    )
    add_page(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def main(args: argparse.Namespace) -> int:
    """Run the verb: differences are what it reports, not a failure; 1 where overflow = trap and an accumulator does."""
    import fxsim

    check_figures(args.figures, args.html)
    net, hw = network(args), hardware(args)
    x = samples(args, net)
    labels = given_labels(args, len(next(iter(x.values()))))
    report = fxsim.compare(
        net, x, hw=hw, labels=labels, bias=args.bias, requant=args.requant, runtimes=args.runtimes, quiet=args.quiet
    )
    write_report(args, report, _drawing)
    return 0


def _drawing() -> Drawing[Comparison]:
    from fxsim.report import comparison_page, save_comparison_figures

    return comparison_page, save_comparison_figures
