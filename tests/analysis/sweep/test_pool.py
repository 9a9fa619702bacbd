"""Sweeps on worker processes: workers that die, the parent that dies, interruptions."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from fxsim.analysis import run_sweep
from fxsim.analysis.sweep.plan import read_plan
from fxsim.analysis.sweep.point import run_point
from fxsim.analysis.sweep.pool import pool_outcomes
from tests.analysis.sweep.files import lethal, timeless, widths, write_sweep

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]


def test_a_point_that_kills_its_workers_fails_alone(tmp_path: Path) -> None:
    """Width 10 kills every worker that gets it, width 13 its first one; their neighbours are innocent."""
    plan = read_plan(write_sweep(tmp_path, widths(4)))
    found = list(pool_outcomes(plan.cases, plan.points, 2, partial(lethal, tmp_path / "marker", 10, 13)))
    assert (tmp_path / "marker").exists()
    assert sorted(point.key for point, _ in found) == sorted(point.key for point in plan.points)
    failed = [point.key for point, outcome in found if outcome["status"] == "failed"]
    assert sorted(failed) == sorted(p.key for p in plan.points if p.hardware.numerics.acc_bits == 10)
    for point, outcome in found:
        if outcome["status"] == "done":
            assert outcome["seen"] == [plan.cases[point.case].key, point.key]
        else:
            assert outcome["error"] == "WorkerDied: 2 worker processes died while they ran this point"


def test_a_worker_killed_from_outside_loses_no_point(tmp_path: Path) -> None:
    plan = read_plan(write_sweep(tmp_path, widths(4) + "[[data]]\nrandom = 1\nsamples = 2\n"))
    assert len(plan.cases) == 2
    found, killed = [], 0
    for point, outcome in pool_outcomes(plan.cases, plan.points, 2):
        found.append((point, outcome))
        if len(found) == 3:
            worker = multiprocessing.active_children()[0]
            os.kill(worker.pid or 0, signal.SIGKILL)
            killed += 1
    assert killed == 1
    assert sorted(p.key for p, _ in found) == sorted(p.key for p in plan.points)
    for point, outcome in found:
        assert timeless(outcome) == timeless(run_point(plan.cases[point.case], point))


def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    script = tmp_path / "script.py"
    script.write_text(f"import fxsim\nfxsim.sweep({str(path)!r}, output={str(tmp_path / 'out')!r}, workers=1)\n")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "FxsimError: worker processes must be able to start: a script that sweeps needs `if __name__" in done.stderr
    assert (tmp_path / "out" / "points.jsonl").read_text() == ""


def waits_for(condition: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether `condition` comes true in time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def stored(folder: Path) -> list[str]:
    """Keys of the whole lines."""
    file = folder / "points.jsonl"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return [json.loads(line)["key"] for line in text.splitlines(keepends=True) if line.endswith("\n")]


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    text = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(word) for word in text.split()]


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Children of a process that ignores SIGINT, as background jobs of a shell do, ignore it too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize(("how", "status", "workers"), [(signal.SIGINT, 130, 0), (signal.SIGKILL, -9, 2)])
def test_an_interrupted_sweep_goes_on_where_it_was(
    how: signal.Signals, status: int, workers: int, tmp_path: Path
) -> None:
    path, out = write_sweep(tmp_path, widths(36), samples=1000), tmp_path / "out"
    command = [sys.executable, "-m", "fxsim.cli", "sweep", str(path), "--output", str(out), "--workers", str(workers)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert waits_for(lambda: len(stored(out)) >= 3)
    helpers = children(process.pid)
    process.send_signal(how)
    printed, complaint = process.communicate(timeout=60)
    assert process.returncode == status
    assert printed == ""
    if how == signal.SIGINT:
        assert complaint == "interrupted: finished points are kept, the same command goes on from there\n"
    assert len(helpers) == workers + (workers > 0), "the workers and the tracker of their resources"
    assert waits_for(lambda: not any(map(alive, helpers))), "workers end with their parent"
    before = stored(out)
    assert 3 <= len(before) < 36
    result = run_sweep(path, output=out)
    after = stored(out)
    assert after[: len(before)] == before
    assert sorted(after) == sorted(point.key for point in read_plan(path).points)
    assert result.failed == 0
