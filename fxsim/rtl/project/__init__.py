"""A machine as a folder for a designer: SystemVerilog, a run to compare with, and how to build and run both."""

from fxsim.rtl.project.example import example_program
from fxsim.rtl.project.write import check_rtl_folder, rtl_project, write_rtl

__all__ = ["check_rtl_folder", "example_program", "rtl_project", "write_rtl"]
