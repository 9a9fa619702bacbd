"""Points on worker processes of this machine; a worker that dies takes no point with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from fxsim._core.errors import FxsimError
from fxsim.analysis.sweep.point import Outcome, failure, run_point

if TYPE_CHECKING:
    from fxsim.analysis.sweep.case import Case
    from fxsim.analysis.sweep.plan import Point

_STRIKES = 2
"""Workers that one point may kill."""

_cases: tuple[Case, ...] = ()
"""In a worker: the cases of the sweep, sent once."""

Work = Callable[["Case", "Point"], Outcome]


def pool_outcomes(
    cases: tuple[Case, ...], points: Sequence[Point], workers: int, work: Work = run_point
) -> Iterator[tuple[Point, Outcome]]:
    """Yield every point with its outcome, as they finish.

    No more points are handed out than there are workers, so that those in hand are the only suspects when one dies. The
    pool is then rebuilt and the suspects run one by one; a point that is in hand at two deaths, the second one alone,
    is recorded as failed.

    Raises
    ------
    FxsimError
        Workers cannot start.
    """
    queue, suspects = deque(points), deque(points[:0])
    strikes: Counter[str] = Counter()
    while queue or suspects:
        lone = bool(suspects)
        source = suspects if lone else queue
        with _started(cases, 1 if lone else workers) as pool:
            lost = yield from _drain(pool, source, 1 if lone else workers, work)
        strikes.update(point.key for point in lost)
        for point in lost:
            if strikes[point.key] < _STRIKES:
                suspects.append(point)
            else:
                yield point, failure(f"WorkerDied: {_STRIKES} worker processes died while they ran this point")


def _drain(
    pool: ProcessPoolExecutor, source: deque[Point], workers: int, work: Work
) -> Generator[tuple[Point, Outcome], None, list[Point]]:
    """Run `source` until it is empty or the pool breaks; returns the points that were then in hand."""
    running: dict[Future[Outcome], Point] = {}
    lost: list[Point] = []
    while not lost and (source or running):
        try:
            _fill(pool, source, running, workers, work)
        except BrokenProcessPool:
            break
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            point = running.pop(future)
            try:
                outcome = future.result()
            except BrokenProcessPool:
                lost.append(point)
            else:
                yield point, outcome
    return [*lost, *running.values()]


def _fill(
    pool: ProcessPoolExecutor, source: deque[Point], running: dict[Future[Outcome], Point], workers: int, work: Work
) -> None:
    """Hand out points until every worker has one; a point that a broken pool refuses stays in `source`."""
    while source and len(running) < workers:
        running[pool.submit(_perform, work, source[0])] = source[0]
        source.popleft()


def _started(cases: tuple[Case, ...], workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare, initargs=(cases,))
    try:
        pool.submit(os.getpid).result()
    except BrokenProcessPool:
        pool.shutdown()
        raise FxsimError(
            "worker processes must be able to start: a script that sweeps needs `if __name__ == '__main__':`"
        ) from None
    return pool


def _prepare(cases: tuple[Case, ...]) -> None:
    """In a new worker: keep the cases, leave interrupts to the parent, end with the parent."""
    global _cases  # noqa: PLW0603 - a worker process has one sweep
    _cases = cases
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _perform(work: Work, point: Point) -> Outcome:
    return work(_cases[point.case], point)
