"""Options that several verbs share, spelled once."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fxsim._core.errors import AssemblyError, HardwareError, InputError

if TYPE_CHECKING:
    import argparse

    import numpy as np
    from numpy.typing import NDArray

    from fxsim.graph import Network
    from fxsim.hw import Hardware
    from fxsim.isa import Program
    from fxsim.sim import Result


class Report(Protocol):
    """What can be printed."""

    def table(self) -> str:
        """Plain text."""

    def to_json(self) -> str:
        """The numbers."""


_ASSEMBLY_LIMIT = 1 << 30

R = TypeVar("R", bound=Report)
Drawing = tuple[Callable[[R], str], Callable[[R, str], list[Path]]]
"""What makes a report's HTML page, and what saves its figures in a folder."""


def add_model(parser: argparse.ArgumentParser, *, help: str = "a .tflite file", required: bool = True) -> None:
    """A model file, or ``--gemm`` in its place."""
    source = parser.add_mutually_exclusive_group(required=required)
    source.add_argument("model", nargs="?", help=help)
    source.add_argument(
        "--gemm",
        metavar="MxKxN",
        help="instead of a file: one int8 layer, an M x K matrix times constant K x N weights",
    )


def add_program(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """A model file with ``--gemm``, ``--hw``, ``--set`` and ``--profile``, or a lowered program, which pins them."""
    add_model(parser, help="a .tflite file, or a lowered program (.fxp, or assembly .fxs)", required=required)
    add_hardware(parser)
    add_profile(parser)
    parser.set_defaults(hw=None, profile=None)


def add_hardware(parser: argparse.ArgumentParser) -> None:
    """``--hw`` and ``--set``."""
    parser.add_argument("--hw", default="edge-16x16", metavar="PRESET|FILE.toml", help="hardware (default: edge-16x16)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        dest="changes",
        help="change one hardware field, e.g. --set acc_bits=18 (repeatable)",
    )


def add_profile(parser: argparse.ArgumentParser) -> None:
    """``--profile``."""
    parser.add_argument("--profile", default="tflite", help="whose arithmetic: tflite (default) or litert")


def add_reports(parser: argparse.ArgumentParser) -> None:
    """``--json`` and ``--figures``."""
    parser.add_argument(
        "--json", metavar="RESULT.json", help="save the records as JSON (-: print them instead of the tables)"
    )
    parser.add_argument("--figures", metavar="FOLDER", help="save figures: cycles, energy, utilization, roofline (PNG)")


def add_page(parser: argparse.ArgumentParser) -> None:
    """``--json``, ``--html`` and ``--figures`` of a report with a page of its own."""
    parser.add_argument("--json", metavar="REPORT.json", help="save the report as JSON (-: print it instead of tables)")
    parser.add_argument("--html", metavar="REPORT.html", help="save the report with its figures as one HTML file")
    parser.add_argument("--figures", metavar="FOLDER", help="save the figures (PNG)")


def add_samples(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """``--input`` or ``--random``, ``--samples`` and ``--labels``."""
    add_sample(parser, required=required)
    parser.add_argument("--samples", type=int, default=1, metavar="N", help="how many random samples (default: 1)")
    parser.add_argument("--labels", metavar="Y.npy", help="class numbers, one per sample: accuracy is printed")


def add_sample(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """``--input`` or ``--random``."""
    source = parser.add_mutually_exclusive_group(required=required)
    source.add_argument(
        "--input",
        action="append",
        metavar="[NAME=]X.npy",
        help="samples, first axis N; NAME= where the model has several inputs (repeatable)",
    )
    source.add_argument("--random", type=int, metavar="SEED", help="random codes over the inputs' whole range")


def network(args: argparse.Namespace) -> Network:
    """The network that the model file or ``--gemm`` and ``--profile`` describe."""
    from fxsim.api import load
    from fxsim.formats import parse_gemm

    if args.gemm is not None:
        return parse_gemm(args.gemm).with_profile(args.profile)
    return load(args.model, profile=args.profile)


def hardware(args: argparse.Namespace) -> Hardware:
    """The hardware that ``--hw`` and ``--set`` describe."""
    from fxsim.hw import Hardware

    base = Hardware.load(args.hw)
    changes: dict[str, Any] = {}
    for text in args.changes:
        name, equals, value = text.partition("=")
        if not equals:
            raise HardwareError("--set must be FIELD=VALUE", got=text)
        changes[name] = int(value) if re.fullmatch("-?[0-9]{1,20}", value) else value
    return base.replace(**changes) if changes else base


def program(args: argparse.Namespace) -> Program:
    """The program file that is given, or the model, lowered."""
    suffix = Path(args.model or "").suffix
    if suffix not in (".fxp", ".fxs"):
        from fxsim.api import lower

        args.hw, args.profile = args.hw or "edge-16x16", args.profile or "tflite"
        return lower(network(args), hardware(args))
    given = [f"--{name}" for name in ("hw", "profile") if getattr(args, name)] + ["--set"] * bool(args.changes)
    if given:
        raise InputError(f"a program pins what {', '.join(given)} would say", got=args.model)
    from fxsim.isa import Program

    return Program.load(Path(args.model)) if suffix == ".fxp" else assembly(Path(args.model))


def assembly(path: Path) -> Program:
    """The program that an assembly text describes."""
    from fxsim.isa import assemble

    if path.stat().st_size > _ASSEMBLY_LIMIT:
        raise AssemblyError("assembly text must be smaller than 1 GiB", where=str(path))
    try:
        return assemble(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise AssemblyError(f"assembly text must be UTF-8: {error}", where=str(path)) from None


def layer_of(program: Program, text: str) -> int:
    """Number of the layer called `text`; where none is, `text` may be its number."""
    known = any(layer.name == text for layer in program.layers)
    number = text.isdecimal() and text.isascii() and not known
    return program.layer_number(int(text) if number else text)


def sample(args: argparse.Namespace, program: Program) -> dict[str, NDArray[np.generic]]:
    """The sample that ``--input`` or ``--random`` describes, by input name."""
    from fxsim.sim import random_inputs

    if args.random is not None:
        return random_inputs(program, args.random)
    return _given_samples(args, [symbol.name for symbol in program.of_kind("input")])


def samples(args: argparse.Namespace, net: Network) -> dict[str, NDArray[np.generic]]:
    """The samples that ``--input`` or ``--random`` describe, by input name."""
    if args.random is not None:
        from fxsim.api import random_samples

        if not 1 <= args.samples <= 1_000_000:
            raise InputError("--samples must be in 1..1,000,000", got=args.samples)
        return random_samples(net, args.random, args.samples)
    return _given_samples(args, [net.values[i].name for i in net.inputs])


def _given_samples(args: argparse.Namespace, names: list[str]) -> dict[str, NDArray[np.generic]]:
    out = {}
    for text in args.input:
        name, path = _split_input(text, names)
        if name in out:
            raise InputError("--input must be given once for every input", got=text)
        out[name] = load_npy(path)
    return out


def given_labels(args: argparse.Namespace, count: int) -> NDArray[np.generic] | None:
    """The class numbers that ``--labels`` names, one for each of `count` samples."""
    if args.labels is None:
        return None
    from fxsim.analysis import check_labels

    return check_labels(load_npy(args.labels), count, where=args.labels)


def _split_input(text: str, names: list[str]) -> tuple[str, str]:
    """``NAME=x.npy`` for a known NAME, else the path of the only input."""
    for name in names:
        if text.startswith(f"{name}="):
            return name, text[len(name) + 1 :]
    if len(names) != 1:
        raise InputError(f"--input must be NAME=X.npy with NAME one of {', '.join(names)}", got=text)
    return names[0], text


def check_figures(*wanted: str | None) -> None:
    """Refuse figures without the packages that draw them, before anything is computed."""
    if any(path is not None for path in wanted):
        import fxsim.report  # noqa: F401


def write_figures(args: argparse.Namespace, result: Result) -> None:
    """Write what ``--figures`` asks for."""
    if args.figures is not None:
        from fxsim.report import save_figures

        for path in save_figures(result, args.figures):
            print(path, file=sys.stderr)


def write_report(args: argparse.Namespace, report: R, drawing: Callable[[], Drawing[R]]) -> None:
    """Print a report, and write what `add_page` declares; `drawing` imports what makes its page and its figures."""
    if args.json and args.json != "-":
        write_output(args.json, (report.to_json() + "\n").encode())
    if args.html or args.figures:
        page, save = drawing()
        if args.html:
            write_output(args.html, page(report).encode())
        for path in save(report, args.figures) if args.figures else []:
            print(path, file=sys.stderr)
    sys.stdout.write((report.to_json() if args.json == "-" else report.table()) + "\n")


def load_npy(path: str) -> NDArray[np.generic]:
    """As `fxsim.graph.load_npy`, which is imported when it is needed."""
    from fxsim import graph

    return graph.load_npy(path)


def write_output(path: str, data: bytes) -> None:
    """Write `data` whole or not at all; folders on the way are made, as for figures."""
    from fxsim._core.files import write_atomically

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(Path(path), data)
