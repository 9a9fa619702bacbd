"""`SweepResult`: the finished points as a table to print, as CSV and as Parquet."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fxsim._core.errors import MissingDependencyError
from fxsim._core.files import write_atomically
from fxsim._core.tables import format_table

if TYPE_CHECKING:
    from fxsim.analysis.sweep.plan import Point
    from fxsim.analysis.sweep.point import Outcome

_PRINTED = {
    "accuracy": ("accuracy %", 100.0),
    "differing": ("differing", 1),
    "sqnr_db": ("SQNR dB", 1.0),
    "overflow_count": ("overflow outputs", 1),
    "overflow_events": ("overflow events", 1),
    "cycles": ("cycles", 1),
    "energy_pj": ("uJ", 1e-6),
    "dram_bytes": ("DRAM B", 1),
}
"""Column to its heading and the factor to the unit printed."""


@dataclass(frozen=True, slots=True)
class SweepResult:
    """Every point of a sweep in the order of the plan, as flat records.

    Attributes
    ----------
    records
        Column to text, number or None: ``key``, what the sweep file chose, and what `run_point` found.
    varying
        Columns of the file's choices that differ between points.
    merged
        Points of the file that had the content of another, and are listed once.
    """

    records: tuple[dict[str, Any], ...]
    varying: tuple[str, ...]
    merged: int

    @property
    def failed(self) -> int:
        """How many points failed."""
        return sum(record["status"] == "failed" for record in self.records)

    @property
    def columns(self) -> list[str]:
        """All columns, in order of first appearance."""
        return list(dict.fromkeys(name for record in self.records for name in record))

    def table(self) -> str:
        """The points as plain text: what varies, and what came out; errors and totals below."""
        shown = [name for name in _PRINTED if any(record.get(name) is not None for record in self.records)]
        heads = [*self.varying, *(_PRINTED[name][0] for name in shown), "status"]
        rows = [
            [*(r.get(n, "") for n in self.varying), *(_cell(r, n) for n in shown), _status(r)] for r in self.records
        ]
        counts = f"{len(self.records):,} points, {self.failed:,} failed, {self.merged:,} merged with an equal one"
        errors = [f"{record['key'][:12]}: {record['error']}" for record in self.records if record["error"]]
        return "\n".join([format_table(heads, rows), "", *errors, counts])

    def to_csv(self, path: str | Path) -> None:
        """Write all columns as CSV (UTF-8, one header line, empty for None), whole or not at all."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.records)
        write_atomically(Path(path), text.getvalue().encode())

    def to_parquet(self, path: str | Path) -> None:
        """Write all columns as Parquet, whole or not at all.

        Raises
        ------
        MissingDependencyError
            pyarrow is not installed.
        """
        arrow, parquet = import_pyarrow()
        columns = {name: [record.get(name) for record in self.records] for name in self.columns}
        buffer = io.BytesIO()
        parquet.write_table(arrow.table(columns), buffer)
        write_atomically(Path(path), buffer.getvalue())


def import_pyarrow() -> tuple[Any, Any]:
    """`pyarrow` and its Parquet module; `MissingDependencyError` names the extra that brings them."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError("pyarrow must be installed: pip install 'fxsim[parquet]'") from error
    return pyarrow, pyarrow.parquet


def sweep_result(points: tuple[Point, ...], outcomes: dict[str, Outcome], merged: int) -> SweepResult:
    """The stored outcomes of `points` under their settings."""
    records = tuple({"key": p.key, **p.settings, **outcomes[p.key]} for p in points)
    names = list(dict.fromkeys(name for point in points for name in point.settings))
    varying = [name for name in names if len({point.settings.get(name) for point in points}) > 1]
    return SweepResult(records, tuple(varying), merged)


def _cell(record: dict[str, Any], name: str) -> object:
    value = record.get(name)
    return "" if value is None else value * _PRINTED[name][1]


def _status(record: dict[str, Any]) -> str:
    return "trap" if record.get("trap") else str(record["status"])
