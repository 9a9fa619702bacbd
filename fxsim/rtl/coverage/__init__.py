"""Functional coverage of the machine: situations that runs meet."""

from fxsim.rtl.coverage.count import Coverage, coverage_table

__all__ = ["Coverage", "coverage_table"]
