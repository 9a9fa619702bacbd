"""Format ``readmemh``: a memory image per array, and the sizes as SystemVerilog parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.rtl.vectors.form import Format
from fxsim.rtl.vectors.names import about, numbers, title
from fxsim.rtl.vectors.words import readmemh_text

if TYPE_CHECKING:
    from fxsim.rtl.vectors.arrays import VectorArray, VectorSet

_RADIX = "hexadecimal, two's complement"
_USE = """\
Every array is a text file for `$readmemh`: `//` comments, then one memory word per line, in hexadecimal, two's
complement, the most significant digit first, padded with zeros to whole digits. A word holds one code, or the codes of
the last axis side by side (column "codes per word"): code i stands in bits `i * bits .. i * bits + bits - 1`, so lane 0
is lowest. `vectors.svh` declares sizes, columns and constants as `localparam`s to include in a module:

    `include "vectors.svh"
    reg [IFM_BITS-1:0] ifm [0:IFM_WORDS-1];
    initial $readmemh("ifm.hex", ifm);
"""


def _file_of(array: VectorArray) -> str:
    """Where an array stands."""
    return f"{array.name}.hex"


def _files(vectors: VectorSet) -> dict[str, bytes]:
    """Contents by file name."""
    declared = [f"localparam integer {name} = {number};" for name, number in numbers(vectors).items()]
    header = "\n".join([f"// {title(vectors)}", *declared]) + "\n"
    return {"vectors.svh": header.encode(), **{_file_of(array): _image(array) for array in vectors.arrays}}


def _image(array: VectorArray) -> bytes:
    lines = array.words if array.packed else array.words[:, 0]
    return ("".join(f"// {line}\n" for line in about(array)) + readmemh_text(lines, array.bits)).encode()


FORMAT = Format(_RADIX, _USE, _file_of, _files)
