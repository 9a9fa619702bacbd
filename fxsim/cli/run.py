"""Simulate a model: accuracy, comparison with golden, per-layer tables, totals."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from fxsim.cli.options import (
    add_hardware,
    add_model,
    add_profile,
    add_reports,
    add_samples,
    check_figures,
    given_labels,
    hardware,
    network,
    samples,
    write_figures,
    write_output,
)

if TYPE_CHECKING:
    import argparse

    import numpy as np
    from numpy.typing import NDArray

    from fxsim.api import Difference
    from fxsim.sim import Result


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_model(parser)
    add_hardware(parser)
    add_profile(parser)
    add_samples(parser)
    parser.add_argument("--output", metavar="RESULT.npz", help="save tensors and records")
    add_reports(parser)
    parser.add_argument(
        "--value-energy",
        action="store_true",
        help="report energy by values too: zero operands gate their multiplier, toggling bits are counted",
    )


def main(args: argparse.Namespace) -> int:
    """Run the verb: 0 when every element equals golden, 1 on a difference or a trap."""
    import fxsim

    check_figures(args.figures)
    net = network(args)
    hw = hardware(args)
    x = samples(args, net)
    labels = given_labels(args, len(next(iter(x.values()))))
    result = fxsim.run(net, x, hw=hw, keep="all", value_energy=args.value_energy)
    compared = {
        f"golden, numerics of {hw.name}": _compare(fxsim.golden(net, x, numerics=hw.numerics), result),
        f"golden, runtime profile {net.profile}": _compare(fxsim.golden(net, x), result),
    }
    report: dict[str, Any] = {title: _summary(rows) for title, rows in compared.items()}
    if labels is not None and not result.trap:
        report["accuracy"] = _accuracy(result, labels)
    if args.output:
        result.save(args.output)
    write_figures(args, result)
    text = json.dumps({**result.to_dict(), "checks": report}, indent=1) + "\n"
    if args.json and args.json != "-":
        write_output(args.json, text.encode())
    sys.stdout.write(text if args.json == "-" else _text(result, report))
    exact = next(iter(compared.values()))
    return int(bool(result.trap) or any(row.mismatches for row in exact))


def _compare(expected: Any, result: Result) -> list[Difference]:
    from fxsim.api import differences

    return differences(expected, result.tensors)


def _summary(rows: list[Difference]) -> dict[str, Any]:
    wrong = next((row for row in rows if row.mismatches), None)
    return {
        "tensors": len(rows),
        "elements": sum(row.elements for row in rows),
        "mismatches": sum(row.mismatches for row in rows),
        "first": None if wrong is None or wrong.first is None else {"tensor": wrong.name, "index": list(wrong.first)},
    }


def _accuracy(result: Result, labels: NDArray[np.generic]) -> dict[str, Any]:
    scores = result.tensors[result.output_names[0]]
    right = int((scores.reshape(len(labels), -1).argmax(axis=1) == labels).sum())
    return {"correct": right, "samples": len(labels), "top1": right / len(labels)}


def _text(result: Result, report: dict[str, Any]) -> str:
    lines = [result.table(), ""]
    accuracy = report.pop("accuracy", None)
    if accuracy is not None:
        lines.append(
            f"accuracy      {100 * accuracy['top1']:.2f} % ({accuracy['correct']:,} of {accuracy['samples']:,})"
        )
    for title, row in report.items():
        lines.append(
            f"{title}: {row['mismatches']:,} of {row['elements']:,} elements differ in {row['tensors']} tensors"
        )
        if row["first"] is not None:
            lines.append(f"  first difference: tensor {row['first']['tensor']!r} at {tuple(row['first']['index'])}")
    if result.trap:
        lines.append(f"trap: {result.trap}")
    return "\n".join(lines) + "\n"
