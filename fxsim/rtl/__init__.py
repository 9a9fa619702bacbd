"""The hardware as Verilog: one PE row, and what it costs in cells; golden vectors of single layers."""

from fxsim.rtl.cells import RowCells, has_yosys, row_cells
from fxsim.rtl.row import row_verilog
from fxsim.rtl.vectors import (
    FORMATS,
    VectorArray,
    VectorSet,
    check_vectors_folder,
    layer_vectors,
    readmemh_text,
    write_vectors,
)

__all__ = [
    "FORMATS",
    "RowCells",
    "VectorArray",
    "VectorSet",
    "check_vectors_folder",
    "has_yosys",
    "layer_vectors",
    "readmemh_text",
    "row_cells",
    "row_verilog",
    "write_vectors",
]
