"""Format ``vhdl``: a VHDL-2008 package of constants; long arrays as text files that its functions read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.rtl.vectors.form import Format
from fxsim.rtl.vectors.names import about, numbers, prefix, title
from fxsim.rtl.vectors.words import readmemh_text, word_digits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.rtl.vectors.arrays import VectorArray, VectorSet

_RADIX = "decimal, or hexadecimal two's complement in words"
_USE = """\
`vectors.vhd` is a VHDL-2008 package. It declares sizes, columns and constants as integers, and every array of up to
4096 words as a constant: an `integer_vector` where a word is one code of up to 31 bits, else an array of
`std_logic_vector`s. A word of several codes holds code i in bits `i * bits + bits - 1 downto i * bits`, so lane 0 is
lowest. A longer array is a text file, one word per line in hexadecimal, two's complement, padded with zeros to whole
digits; function `read_NAME` of the package reads it, given its path.
"""
_LONGEST = 4096
_INTEGER_BITS = 31
_PER_LINE = 16

_READER = """\
  impure function read_{name}(path : string := "{file}") return {name}_memory is
    file source : text open read_mode is path;
    variable from_file : line;
    variable found : {name}_memory;
  begin
    for i in found'range loop
      readline(source, from_file);
      hread(from_file, found(i));
    end loop;
    return found;
  end function;"""


def _file_of(array: VectorArray) -> str:
    """Where an array stands."""
    return f"{array.name}.txt" if _is_long(array) else "vectors.vhd"


def _files(vectors: VectorSet) -> dict[str, bytes]:
    """Contents by file name."""
    long = {_file_of(array): _text(array).encode() for array in vectors.arrays if _is_long(array)}
    return {"vectors.vhd": ("\n".join(_package(vectors)) + "\n").encode(), **long}


def _is_long(array: VectorArray) -> bool:
    return len(array.words) > _LONGEST


def _text(array: VectorArray) -> str:
    return readmemh_text(array.words, array.bits)


def _package(vectors: VectorSet) -> Iterator[str]:
    name = f"{prefix(vectors)}_vectors"
    long = [array for array in vectors.arrays if _is_long(array)]
    yield from (f"-- {title(vectors)}", "library ieee;", "use ieee.std_logic_1164.all;", "use std.textio.all;", "")
    yield f"package {name} is"
    for constant, number in numbers(vectors).items():
        yield f"  constant {constant} : integer := {number};"
    for array in vectors.arrays:
        yield ""
        yield from (f"  -- {line}" for line in about(array))
        yield from _declared(array)
    yield "end package;"
    if long:
        yield from ("", f"package body {name} is")
        yield from (_READER.format(name=array.name, file=_file_of(array)) for array in long)
        yield "end package body;"


def _declared(array: VectorArray) -> Iterator[str]:
    count, width = len(array.words), array.lanes * array.bits
    if not _is_long(array) and not array.packed and array.bits <= _INTEGER_BITS:
        yield f"  constant {array.name} : integer_vector(0 to {count - 1}) := ("
        yield from _elements([str(code) for code in array.words[:, 0].tolist()], _PER_LINE)
        return
    yield f"  type {array.name}_memory is array (0 to {count - 1}) of std_logic_vector({width - 1} downto 0);"
    if _is_long(array):
        yield f'  impure function read_{array.name}(path : string := "{_file_of(array)}") return {array.name}_memory;'
        return
    yield f"  constant {array.name} : {array.name}_memory := ("
    digits = word_digits(array.lanes, array.bits)
    per_line = max(1, _PER_LINE * 4 // digits)
    yield from _elements([f'{width}x"{word}"' for word in _text(array).splitlines()], per_line)


def _elements(words: list[str], per_line: int) -> Iterator[str]:
    """Elements of an aggregate; a single one must be named."""
    named = [f"0 => {words[0]}"] if len(words) == 1 else words
    for first in range(0, len(named), per_line):
        end = "," if first + per_line < len(named) else ");"
        yield f"    {', '.join(named[first : first + per_line])}{end}"


FORMAT = Format(_RADIX, _USE, _file_of, _files)
