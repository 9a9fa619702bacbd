"""The child process: reads seeds, one per line, and answers each with one JSON line."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

from fxsim._core.errors import FxsimError
from tests.fuzz.pipeline import warm_up
from tests.fuzz.trials import kind_of, make_trial

if TYPE_CHECKING:
    from types import FrameType

MEMORY = 4 << 30
"""Bytes of address space."""
SECONDS = 1.0
"""Processor time of one trial; waiting for other processes does not count."""
_LONGEST_MESSAGE = 8_000


class TooSlowError(BaseException):
    """A trial used up its time; not an `Exception`, so that nothing on the way catches it."""


def main() -> None:
    """Answer ``ready`` once everything is compiled, then seed by seed."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGPROF, _too_slow)
    with os.fdopen(os.dup(1), "w", buffering=1) as answers:
        os.dup2(2, 1)
        warm_up()
        print(json.dumps({"outcome": "ready"}), file=answers)
        for line in sys.stdin:
            print(json.dumps(run_seed(int(line))), file=answers)


def run_seed(seed: int, seconds: float = SECONDS) -> dict[str, Any]:
    """Outcome of one seed: ``success``, an error class, or ``FAILURE`` with what the product let through."""
    answer: dict[str, Any] = {"seed": seed, "kind": kind_of(seed)}
    trial = make_trial(seed)
    answer["mutation"] = trial.note[:1000]
    started = time.process_time()
    try:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            trial.run()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        answer |= {"outcome": "success", "message": ""}
    except FxsimError as error:
        answer |= _judge(error)
    except BaseException:  # whatever it is, it is the finding
        answer |= {"outcome": "FAILURE", "message": traceback.format_exc()[-3000:]}
    answer["seconds"] = round(time.process_time() - started, 4)
    return answer


def _judge(error: FxsimError) -> dict[str, str]:
    """An error must be of a subclass, and say something of readable length."""
    message = str(error)
    if type(error) is FxsimError or not 10 <= len(message) <= _LONGEST_MESSAGE:
        text = f"{type(error).__name__} with {len(message)} characters: {message[:500]}"
        return {"outcome": "FAILURE", "message": text}
    return {"outcome": type(error).__name__, "message": message}


def _too_slow(_number: int, _frame: FrameType | None) -> None:
    raise TooSlowError


if __name__ == "__main__":
    main()
