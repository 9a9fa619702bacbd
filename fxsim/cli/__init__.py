"""The command line, one module per verb.

Data on stdout, logs on stderr; exit status 0 fine, 1 mismatch or trap, 2 usage or bad input.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import TYPE_CHECKING

from fxsim import __version__
from fxsim._core.errors import FxsimError, TrapError

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = ("run", "estimate", "accumulators", "compare", "sweep", "lower", "trace", "asm", "disasm", "info", "ops", "isa",
         "certify", "vectors", "rtl")  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The argument parser with all verbs; building it imports no numerical library."""
    top = argparse.ArgumentParser(
        prog="fxsim", description="Bit-exact fixed-point simulator of neural-network accelerators."
    )
    top.add_argument("--version", action="version", version=f"fxsim {__version__}")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in VERBS:
        module = importlib.import_module(f"fxsim.cli.{verb}")
        first = str(module.__doc__).splitlines()[0]
        aliases = getattr(module, "ALIASES", ())
        sub = verbs.add_parser(verb, aliases=aliases, help=first, description=module.__doc__)
        module.arguments(sub)
        sub.set_defaults(main=module.main)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    args = parser().parse_args(argv)
    try:
        return int(args.main(args))
    except TrapError as error:
        print(error, file=sys.stderr)
        return 1
    except FxsimError as error:
        print(f"fxsim {args.verb}: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"fxsim {args.verb}: {error}", file=sys.stderr)
        return 2
