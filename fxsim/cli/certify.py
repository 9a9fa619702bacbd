"""Compare the profiles with the real runtimes on generated models; zero differing elements is the pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("--profile", action="append", help="profile to certify (default: all; repeatable)")


def main(args: argparse.Namespace) -> int:
    """Run the verb: 1 if any element differs."""
    from fxsim._core.tables import format_table
    from fxsim.numerics import PROFILES
    from fxsim.runtimes import certify

    rows = certify(args.profile or list(PROFILES))
    cells = [[r.profile, r.operator, r.runtime, r.version, r.models, r.elements, r.mismatches] for r in rows]
    print(format_table(["profile", "operator", "runtime", "version", "models", "elements", "mismatches"], cells))
    return int(any(row.mismatches for row in rows))
