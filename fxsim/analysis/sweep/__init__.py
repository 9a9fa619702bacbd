"""Sweeps described in TOML: models x hardware fields x data, resumable, on one process, many, or a cluster."""

from fxsim.analysis.sweep.plan import Plan, Point, read_plan
from fxsim.analysis.sweep.run import run_sweep
from fxsim.analysis.sweep.store import Store
from fxsim.analysis.sweep.table import SweepResult, import_pyarrow

__all__ = ["Plan", "Point", "Store", "SweepResult", "import_pyarrow", "read_plan", "run_sweep"]
