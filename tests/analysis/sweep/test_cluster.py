"""Sweeps on a real local Dask cluster."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import distributed
import pytest

from fxsim import __version__
from fxsim._core.errors import FxsimError
from fxsim.analysis import run_sweep
from fxsim.analysis.sweep import cluster as cluster_module
from fxsim.analysis.sweep.cluster import cluster_outcomes
from fxsim.analysis.sweep.plan import read_plan
from fxsim.analysis.sweep.point import run_point
from tests.analysis.sweep.files import lethal, timeless, widths, write_sweep

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two worker processes under nannies that start another where one dies; kernels are compiled before, once."""
    path = write_sweep(tmp_path_factory.mktemp("warm"), widths(1))
    plan = read_plan(path)
    run_point(plan.cases[0], plan.points[0])
    start: Any = distributed.LocalCluster
    with start(n_workers=2, threads_per_worker=1, dashboard_address=None) as local:
        yield local


def test_a_killed_worker_loses_and_doubles_no_point(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "_LEAST_IN_FLIGHT", 2)
    plan = read_plan(write_sweep(tmp_path, widths(6) + "[[data]]\nrandom = 1\nsamples = 2\n"))
    found = []
    for point, outcome in cluster_outcomes(plan.cases, plan.points, cluster.scheduler_address):
        found.append((point, outcome))
        if len(found) == 3:
            os.kill(cluster.workers[0].pid, signal.SIGKILL)
    assert len(plan.cases) == 2
    assert sorted(p.key for p, _ in found) == sorted(p.key for p in plan.points)
    for point, outcome in found:
        assert timeless(outcome) == timeless(run_point(plan.cases[point.case], point))


def test_a_point_that_kills_its_workers_is_recorded(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    plan = read_plan(write_sweep(tmp_path, widths(1)))
    work = partial(lethal, tmp_path / "marker", 10, 0)
    ((point, outcome),) = cluster_outcomes(plan.cases, plan.points, cluster.scheduler_address, work)
    assert point == plan.points[0]
    assert outcome["status"] == "failed"
    assert outcome["error"].startswith("KilledWorker: ")


def test_another_version_on_the_workers_is_recorded(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "__version__", "9.9")
    plan = read_plan(write_sweep(tmp_path, widths(2)))
    outcomes = [o for _, o in cluster_outcomes(plan.cases, plan.points, cluster.scheduler_address)]
    error = f"FxsimError: worker must have fxsim 9.9, not {__version__}"
    assert outcomes == [{"status": "failed", "error": error}] * 2


def test_the_cluster_stores_what_one_process_does(cluster: Any, tmp_path: Path) -> None:
    path = write_sweep(tmp_path, widths(3))
    here = run_sweep(path, output=tmp_path / "here")
    there = run_sweep(path, output=tmp_path / "there", dask=cluster.scheduler_address)
    assert list(map(timeless, there.records)) == list(map(timeless, here.records))
    assert len((tmp_path / "there" / "points.jsonl").read_text().splitlines()) == 3


def test_nobody_at_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "_CONNECT_SECONDS", 1)
    with pytest.raises(FxsimError, match="tcp://127.0.0.1:9: a Dask scheduler must answer"):
        run_sweep(write_sweep(tmp_path), output=tmp_path / "out", dask="tcp://127.0.0.1:9")
