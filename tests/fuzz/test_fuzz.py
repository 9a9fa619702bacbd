"""Structure-aware fuzzing: mutated files, graphs, programs, hardware and data end well or in an `FxsimError`.

``FXSIM_FUZZ_MUTATIONS`` mutations (default 2,000) from seed ``FXSIM_FUZZ_SEED`` (default 0) on are run;
``FXSIM_FUZZ_LOG`` names a file that gets one JSON line per mutation.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.pipeline import reachable_errors
from tests.fuzz.pool import Answer, run_seeds
from tests.tally import RecordProperty

MUTATIONS = int(os.environ.get("FXSIM_FUZZ_MUTATIONS", "2000"))
FIRST_SEED = int(os.environ.get("FXSIM_FUZZ_SEED", "0"))
_SHOWN = 5


@pytest.mark.slow
def test_nothing_but_success_or_fxsim_errors(record_property: RecordProperty) -> None:
    answers = run_seeds(range(FIRST_SEED, FIRST_SEED + MUTATIONS))
    _log(answers)
    outcomes = Counter(answer["outcome"] for answer in answers)
    record_property("fuzz outcomes", dict(outcomes))
    failures = [answer for answer in answers if answer["outcome"] == "FAILURE"]
    assert not failures, _report(failures)
    assert outcomes.total() == MUTATIONS
    assert 2 * outcomes["success"] <= MUTATIONS, f"at least half of the mutations must end in an error: {outcomes}"
    assert reachable_errors() <= set(outcomes), f"every error class must be hit: {outcomes}"


def _report(failures: list[Answer]) -> str:
    """The first failures, and how to run them again."""
    seeds = " ".join(str(answer["seed"]) for answer in failures[:_SHOWN])
    lines = [f"{len(failures)} mutations must end well or in an FxsimError; again: python -m tests.fuzz {seeds}"]
    lines += [f"seed {a['seed']}, {a['kind']}: {a['mutation']}\n{a['message']}" for a in failures[:_SHOWN]]
    return "\n\n".join(lines)


def _log(answers: list[Answer]) -> None:
    path = os.environ.get("FXSIM_FUZZ_LOG")
    if path:
        lines = [json.dumps(answer) for answer in sorted(answers, key=lambda answer: int(answer["seed"]))]
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
