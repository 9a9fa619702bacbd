"""`run_sweep`: every point of a sweep file once, here, on worker processes or on a Dask cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fxsim._core.errors import InputError
from fxsim.analysis.sweep.cluster import cluster_outcomes, import_distributed
from fxsim.analysis.sweep.plan import read_plan
from fxsim.analysis.sweep.point import run_point
from fxsim.analysis.sweep.pool import pool_outcomes
from fxsim.analysis.sweep.store import Store
from fxsim.analysis.sweep.table import sweep_result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fxsim.analysis.sweep.case import Case
    from fxsim.analysis.sweep.plan import Plan, Point
    from fxsim.analysis.sweep.point import Outcome
    from fxsim.analysis.sweep.table import SweepResult

_WORKER_LIMIT = 1024


def run_sweep(
    source: str | Path,
    *,
    output: str | Path | None = None,
    workers: int = 0,
    dask: str | None = None,
    retry_failed: bool = False,
    quiet: bool = False,
) -> SweepResult:
    """Run the points of a sweep file that are not stored yet, and return all of them.

    Parameters
    ----------
    source
        A ``.toml`` file: ``schema = 1``; tables ``[[models]]`` (``path``, ``profile``); ``[hardware]`` (``base``, and
        any hardware field with a value or a list of values); ``[layers.NAME]`` (numerics of one layer, likewise);
        ``[[data]]`` (``input`` or ``random``, ``samples``, ``labels``, ``model``). Paths are relative to the file.
    output
        Folder of ``points.jsonl``, where every finished point is appended at once; by default ``output/STEM`` in the
        working directory. Points found there are not run again.
    workers
        0: in this process; else how many worker processes.
    dask
        Address of a Dask scheduler that runs the points instead.
    retry_failed
        Whether stored points that failed are run again.
    quiet
        No progress bar; there is none either where stderr is no terminal.

    Raises
    ------
    FxsimError
        The file or anything it names is not as it must be (before any work starts), another process writes to
        `output`, or the workers cannot be reached. What goes wrong inside one point is recorded with it.
    """
    _check_place(workers, dask)
    plan = read_plan(source)
    folder = Path("output") / Path(source).stem if output is None else Path(output)
    with Store(folder) as store:
        finished = {key for key, o in store.outcomes.items() if not (retry_failed and o["status"] == "failed")}
        missing = [point for point in plan.points if point.key not in finished]
        for point, outcome in _shown(_outcomes(plan.cases, missing, workers, dask), plan, len(missing), quiet):
            store.add(point.key, point.settings, outcome)
        return sweep_result(plan.points, store.outcomes, plan.merged)


def _check_place(workers: int, dask: str | None) -> None:
    if not 0 <= workers <= _WORKER_LIMIT:
        raise InputError(f"workers must be an integer in 0..{_WORKER_LIMIT}", got=workers)
    if dask is None:
        return
    if workers:
        raise InputError("a sweep must run either on workers or on a Dask cluster", got=workers)
    import_distributed()


def _outcomes(
    cases: tuple[Case, ...], points: Sequence[Point], workers: int, dask: str | None
) -> Iterator[tuple[Point, Outcome]]:
    if not points:
        return iter(())
    if dask is not None:
        return cluster_outcomes(cases, points, dask)
    if workers:
        return pool_outcomes(cases, points, workers)
    return ((point, run_point(cases[point.case], point)) for point in points)


def _shown(
    outcomes: Iterable[tuple[Point, Outcome]], plan: Plan, missing: int, quiet: bool
) -> Iterable[tuple[Point, Outcome]]:
    """`outcomes` behind a progress bar on stderr."""
    from tqdm import tqdm

    total = len(plan.points)
    bar: Iterable[tuple[Point, Outcome]] = tqdm(
        outcomes, total=total, initial=total - missing, unit="point", disable=True if quiet else None
    )
    return bar
