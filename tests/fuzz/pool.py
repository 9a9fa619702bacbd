"""The parent's side: two child processes, replaced when they die or hang."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

from tests.fuzz.trials import kind_of, make_trial

if TYPE_CHECKING:
    from collections.abc import Iterable

WORKERS = 2
HANG_SECONDS = 30.0
"""Wall time after which a child that answers nothing is killed."""
WARM_UP_SECONDS = 300.0
_ROOT = Path(__file__).resolve().parents[2]

Answer = dict[str, Any]


def run_seeds(seeds: Iterable[int]) -> list[Answer]:
    """Run all seeds; one answer each, in any order."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for seed in seeds:
        waiting.put(seed)
    with ThreadPoolExecutor(WORKERS) as threads:
        jobs = [threads.submit(_drain, waiting) for _ in range(WORKERS)]
    return [answer for job in jobs for answer in job.result()]


def _drain(waiting: queue.SimpleQueue[int]) -> list[Answer]:
    answers: list[Answer] = []
    child = _Child()
    while True:
        try:
            seed = waiting.get_nowait()
        except queue.Empty:
            child.close()
            return answers
        answer = child.ask(seed)
        if answer is None:
            answers.append(_obituary(seed, child.epitaph()))
            child = _Child()
        else:
            answers.append(answer)


def _obituary(seed: int, message: str) -> Answer:
    """The answer of a child that cannot give it."""
    mutation = make_trial(seed).note
    return {"seed": seed, "kind": kind_of(seed), "mutation": mutation, "outcome": "FAILURE", "message": message}


class _Child:
    """One child process, warmed up."""

    def __init__(self) -> None:
        # FXSIM_FUZZ_* must not reach the fingerprint of the JIT cache
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FXSIM_FUZZ")} | {"OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.fuzz.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, cwd=_ROOT, env=environment | {"PYTHONPATH": str(_ROOT)},
        )  # fmt: skip
        ready = self._answer(WARM_UP_SECONDS)
        if ready is None:
            raise RuntimeError(f"a fuzz worker must warm up: {self.epitaph()}")

    def ask(self, seed: int) -> Answer | None:
        """The answer, or None if the child died or had to be killed."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{seed}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return None
        return self._answer(HANG_SECONDS)

    def _answer(self, seconds: float) -> Answer | None:
        assert self._process.stdout is not None
        timer = Timer(seconds, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        return json.loads(line) if line else None

    def epitaph(self) -> str:
        """How the child ended."""
        code = self.close()
        return f"the child process hung for {HANG_SECONDS} s" if code == -9 else f"the child process died with {code}"

    def close(self) -> int:
        """End the child, if it has not ended; its status."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        code = self._process.wait()
        self._process.stdout.close()
        return code
