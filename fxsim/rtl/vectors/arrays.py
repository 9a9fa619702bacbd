"""`VectorSet`: the golden vectors of one layer as named arrays, and what is the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fxsim.isa import Program


@dataclass(frozen=True, slots=True, eq=False)
class VectorArray:
    """One array of golden vectors.

    Attributes
    ----------
    name
        A legal identifier in C, Verilog and VHDL.
    meaning
        One line for its reader.
    codes : int64
        Row major, the last axis fastest.
    axes
        Names of the axes.
    bits, signed
        Width of a code, and whether it is two's complement.
    columns
        Names of the last axis' places where that is a table's line, else empty.
    packed
        Whether the last axis stands side by side in one memory word, place 0 in the lowest bits.
    """

    name: str
    meaning: str
    codes: NDArray[np.int64]
    axes: tuple[str, ...]
    bits: int
    signed: bool = True
    columns: tuple[str, ...] = ()
    packed: bool = False

    @property
    def lanes(self) -> int:
        """Codes in one memory word."""
        return self.codes.shape[-1] if self.packed else 1

    @property
    def words(self) -> NDArray[np.int64]:
        """The codes word by word, int64 [words, lanes]."""
        return self.codes.reshape(-1, self.lanes)

    @property
    def item_bits(self) -> int:
        """Width of the integer type of 8, 16, 32 or 64 bits that holds a code."""
        return max(8, 1 << (self.bits - 1).bit_length())

    @property
    def dtype(self) -> str:
        """That type by its NumPy name."""
        return f"{'' if self.signed else 'u'}int{self.item_bits}"


@dataclass(frozen=True, slots=True, eq=False)
class VectorSet:
    """Golden vectors of one layer of `program`.

    Attributes
    ----------
    program
        What was run.
    layer
        Number of the layer.
    cycles
        ``program``: cycles of the whole program; ``layer_begin``, ``layer_cycles``: the layer's window.
    rule
        Numbers and modes that all instructions of the layer share; empty without MACs.
    geometry
        Window of a layer with MACs; empty without.
    tensors
        Array name of every tensor → its name, scale and zero point in the model.
    arrays
        In the order in which a reader needs them.
    """

    program: Program
    layer: int
    cycles: Mapping[str, int]
    rule: Mapping[str, int | str]
    geometry: Mapping[str, int]
    tensors: Mapping[str, Mapping[str, Any]]
    arrays: tuple[VectorArray, ...]

    def __getitem__(self, name: str) -> VectorArray:
        for array in self.arrays:
            if array.name == name:
                return array
        raise KeyError(name)


def table(name: str, meaning: str, columns: Mapping[str, NDArray[np.int64]], axis: str) -> VectorArray:
    """Columns of equal length side by side, signed, 32 bits wide each, or 64 where a number needs them."""
    codes = np.stack(list(columns.values()), axis=1)
    wide = codes.size and (codes.min() < -(1 << 31) or codes.max() >= 1 << 31)
    return VectorArray(name, meaning, codes, (axis, "column"), 64 if wide else 32, columns=tuple(columns), packed=True)
