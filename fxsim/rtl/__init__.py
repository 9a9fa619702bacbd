"""The hardware as Verilog: one PE row, and what it costs in cells."""

from fxsim.rtl.cells import RowCells, has_yosys, row_cells
from fxsim.rtl.row import row_verilog

__all__ = ["RowCells", "has_yosys", "row_cells", "row_verilog"]
