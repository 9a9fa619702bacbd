"""Points on a Dask cluster: `distributed` schedules, moves and retries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from fxsim import __version__
from fxsim._core.errors import FxsimError, MissingDependencyError
from fxsim.analysis.sweep.point import Outcome, failure, run_point

if TYPE_CHECKING:
    from fxsim.analysis.sweep.case import Case
    from fxsim.analysis.sweep.plan import Point

_LEAST_IN_FLIGHT = 16
"""Points that the scheduler has at a time, however few its threads: an adaptive cluster grows by them."""
_CONNECT_SECONDS = 30

Work = Callable[["Case", "Point"], Outcome]


def import_distributed() -> Any:
    """The package `distributed`; `MissingDependencyError` names the extra that brings it."""
    try:
        import distributed
    except ImportError as error:
        raise MissingDependencyError("distributed must be installed: pip install 'fxsim[dask]'") from error
    return distributed


def cluster_outcomes(
    cases: tuple[Case, ...], points: Sequence[Point], address: str, work: Work = run_point
) -> Iterator[tuple[Point, Outcome]]:
    """Yield every point with its outcome, as they finish on the cluster at `address`.

    A point whose worker dies runs again, as often as the cluster's ``allowed-failures`` says; then it is recorded as
    failed. The scheduler counts a death against all points that the worker had, so it is given no more than two a
    thread. A case is a task that returns itself: a worker that lost it gets it from the scheduler again.

    Raises
    ------
    FxsimError
        There is no cluster at `address`, or it goes away.
    """
    distributed = import_distributed()
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise FxsimError(f"a Dask scheduler must answer ({error})", where=address) from None
    try:
        with client:
            yield from _finished(distributed, client, cases, points, work)
    except OSError as error:
        raise FxsimError(f"the Dask cluster must stay until the sweep is finished ({error})", where=address) from None


def _finished(
    distributed: Any, client: Any, cases: tuple[Case, ...], points: Sequence[Point], work: Work
) -> Iterator[tuple[Point, Outcome]]:
    held = [client.submit(_itself, case, key=f"fxsim-case-{case.key}") for case in cases]
    waiting = iter(points)
    running: dict[Any, Point] = {}

    def submit() -> list[Any]:
        room = max(_LEAST_IN_FLIGHT, 2 * sum(client.nthreads().values())) - len(running)
        new = {
            client.submit(_perform, work, __version__, held[p.case], p, key=f"fxsim-point-{p.key}"): p
            for p in islice(waiting, max(0, room))
        }
        running.update(new)
        return list(new)

    order = distributed.as_completed(submit(), loop=client.loop)
    for future in order:
        point = running.pop(future)
        yield point, _outcome(future)
        future.release()
        order.update(submit())


def _outcome(future: Any) -> Outcome:
    if future.status == "finished":
        result: Outcome = future.result()
        return result
    if future.status == "error":
        error = future.exception()
        return failure(f"{type(error).__name__}: {error}")
    raise FxsimError("the Dask cluster must stay: it went away before the sweep was finished", got=future.status)


def _itself(case: Case) -> Case:
    return case


def _perform(work: Work, version: str, case: Case, point: Point) -> Outcome:
    """On a worker of the cluster, which may have another fxsim installed."""
    if version != __version__:
        return failure(f"FxsimError: worker must have fxsim {version}, not {__version__}")
    return work(case, point)
