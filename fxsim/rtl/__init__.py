"""The hardware as SystemVerilog: the MAC unit and its co-simulation, one PE row and its cells, golden vectors."""

from fxsim.rtl.cells import RowCells, has_yosys, row_cells
from fxsim.rtl.coverage import Coverage, coverage_table
from fxsim.rtl.machine import machine_scheme, machine_sources
from fxsim.rtl.project import check_rtl_folder, example_program, rtl_project, write_rtl
from fxsim.rtl.row import row_verilog
from fxsim.rtl.run_files import PORTS, run_files
from fxsim.rtl.vectors import (
    FORMATS,
    VectorArray,
    VectorSet,
    check_vectors_folder,
    layer_vectors,
    readmemh_text,
    write_vectors,
)
from fxsim.rtl.verilated import Comparison, Machine, missing_tools

__all__ = [
    "FORMATS",
    "PORTS",
    "Comparison",
    "Coverage",
    "Machine",
    "RowCells",
    "VectorArray",
    "VectorSet",
    "check_rtl_folder",
    "check_vectors_folder",
    "coverage_table",
    "example_program",
    "has_yosys",
    "layer_vectors",
    "machine_scheme",
    "machine_sources",
    "missing_tools",
    "readmemh_text",
    "row_cells",
    "row_verilog",
    "rtl_project",
    "run_files",
    "write_rtl",
    "write_vectors",
]
