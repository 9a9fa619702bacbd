"""List the supported operators and the requantization scheme each profile gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb has no arguments."""
    del parser


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    from fxsim._core.tables import format_table
    from fxsim.numerics import PROFILES
    from fxsim.ops import OPERATORS

    del args
    profiles = list(PROFILES.values())
    rows = []
    for name, operator in OPERATORS.items():
        doc = (type(operator).__doc__ or "").strip().splitlines()[0]
        rows.append([name, *(p.scheme(name).name if name in p.rules else "-" for p in profiles), doc])
    print(format_table(["operator", *(p.name for p in profiles), "meaning"], rows))
    return 0
