"""Format ``c``: one header and one source file with arrays of <stdint.h> types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.rtl.vectors.form import Format
from fxsim.rtl.vectors.names import about, numbers, prefix, title

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from fxsim.rtl.vectors.arrays import VectorArray, VectorSet

_RADIX = "decimal"
_USE = """\
`vectors.h` declares every array and, as macros, sizes, columns and constants; `vectors.c` holds the numbers. Compile it
with your test as C99 or later. All names begin with the layer's number, so that several layers of a program link
together. An array has one dimension, row major, the last axis of the table's shape fastest; where a memory word would
hold several codes it has two, words and codes.
"""
_LEAST = -(1 << 63)
_PER_LINE = 16


def _file_of(_: VectorArray) -> str:
    """Where an array stands."""
    return "vectors.c"


def _files(vectors: VectorSet) -> dict[str, bytes]:
    """Contents by file name."""
    return {
        "vectors.h": ("\n".join(_header(vectors)) + "\n").encode(),
        "vectors.c": ("\n".join(_source(vectors)) + "\n").encode(),
    }


def _header(vectors: VectorSet) -> Iterator[str]:
    guard = f"FXSIM_{prefix(vectors).upper()}_VECTORS_H"
    yield from (f"// {title(vectors)}", f"#ifndef {guard}", f"#define {guard}", "", "#include <stdint.h>", "")
    for name, number in numbers(vectors).items():
        yield f"#define {prefix(vectors).upper()}_{name} {f'({number})' if number < 0 else number}"
    for array in vectors.arrays:
        yield ""
        yield from (f"// {line}" for line in about(array))
        yield f"extern {_declaration(vectors, array)};"
    yield from ("", "#endif")


def _source(vectors: VectorSet) -> Iterator[str]:
    yield from (f"// {title(vectors)}", '#include "vectors.h"')
    for array in vectors.arrays:
        yield from ("", f"{_declaration(vectors, array)} = {{")
        yield from _rows(array) if array.packed else _lines(array.words[:, 0], array.signed)
        yield "};"


def _declaration(vectors: VectorSet, array: VectorArray) -> str:
    lanes = f"[{array.lanes}]" if array.packed else ""
    return f"const {array.dtype}_t {prefix(vectors)}_{array.name}[{len(array.words)}]{lanes}"


def _rows(array: VectorArray) -> Iterator[str]:
    for row in array.words.tolist():
        yield f"  {{{', '.join(_literal(code, array.signed) for code in row)}}},"


def _lines(codes: NDArray[np.int64], signed: bool) -> Iterator[str]:
    for first in range(0, len(codes), _PER_LINE):
        part = codes[first : first + _PER_LINE].tolist()
        yield f"  {', '.join(_literal(code, signed) for code in part)},"


def _literal(code: int, signed: bool) -> str:
    if signed:
        return "INT64_MIN" if code == _LEAST else str(code)
    return f"{code % (1 << 64)}u"


FORMAT = Format(_RADIX, _USE, _file_of, _files)
