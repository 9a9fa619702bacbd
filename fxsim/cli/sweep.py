"""Run a sweep that a TOML file describes: models x hardware fields x data, stored point by point, resumable."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

_INTERRUPTED = 130


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("sweep", metavar="SWEEP.toml", help="models, hardware fields and data")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--workers", type=int, default=0, metavar="N", help="worker processes (default: this process)")
    place.add_argument("--dask", metavar="ADDRESS", help="scheduler of a Dask cluster that runs the points")
    parser.add_argument(
        "--output", metavar="FOLDER", help="where finished points are kept (default: output/ and the file's stem)"
    )
    parser.add_argument("--retry-failed", action="store_true", help="run stored points again that failed")
    parser.add_argument("--csv", metavar="TABLE.csv", help="save all columns")
    parser.add_argument("--parquet", metavar="TABLE.parquet", help="save all columns (extra: parquet)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def main(args: argparse.Namespace) -> int:
    """Run the verb: 0 when every point is done, 1 when one failed, 130 when interrupted."""
    import fxsim
    from fxsim.analysis import import_pyarrow

    if args.parquet:
        import_pyarrow()
    places = {"output": args.output, "workers": args.workers, "dask": args.dask}
    try:
        result = fxsim.sweep(args.sweep, **places, retry_failed=args.retry_failed, quiet=args.quiet)
    except KeyboardInterrupt:
        print("interrupted: finished points are kept, the same command goes on from there", file=sys.stderr)
        return _INTERRUPTED
    if args.csv:
        result.to_csv(args.csv)
    if args.parquet:
        result.to_parquet(args.parquet)
    sys.stdout.write(result.table() + "\n")
    return int(result.failed > 0)
