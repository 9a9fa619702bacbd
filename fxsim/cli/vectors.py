"""Write golden vectors of one layer: tensors, weights, every accumulator and output by cycle.

The folder explains itself: README.md for people, vectors.json for programs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fxsim.cli.options import add_program, add_sample, layer_of, program, sample

if TYPE_CHECKING:
    import argparse

    from fxsim.rtl import VectorSet

_FORMATS = ("readmemh", "vhdl", "c", "npy")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_program(parser)
    parser.add_argument("--layer", required=True, metavar="NAME", help="name of the layer, or its number")
    add_sample(parser)
    parser.add_argument(
        "--format", choices=_FORMATS, default="readmemh", help="how arrays are written (default: readmemh)"
    )
    parser.add_argument(
        "--out", required=True, metavar="FOLDER", help="folder to write; one with earlier vectors is replaced"
    )


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    from fxsim.rtl import check_vectors_folder, layer_vectors, write_vectors

    check_vectors_folder(args.out)
    lowered = program(args)
    vectors = layer_vectors(lowered, sample(args, lowered), layer_of(lowered, args.layer))
    write_vectors(vectors, args.out, args.format)
    sys.stdout.write(_text(vectors, args.format))
    return 0


def _text(vectors: VectorSet, name: str) -> str:
    """Where the layer's cycles lie, and the arrays with their files."""
    from fxsim._core.tables import format_table
    from fxsim.rtl import FORMATS

    layer, cycles = vectors.program.layers[vectors.layer], vectors.cycles
    end = cycles["layer_begin"] + cycles["layer_cycles"]
    window = f"cycles {cycles['layer_begin']:,} to {end:,} of {cycles['program']:,}"
    rows = [
        [array.name, FORMATS[name].file_of(array), " x ".join(map(str, array.codes.shape)), array.bits, array.meaning]
        for array in vectors.arrays
    ]
    title = f"Layer {vectors.layer} {layer.name!r} ({layer.op}), {window}"
    return format_table(["array", "file", "shape", "bits", "content"], rows, title=title) + "\n"
