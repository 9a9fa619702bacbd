"""Run single seeds in this process: ``python -m tests.fuzz 17 18``; a failure's traceback is shown."""

from __future__ import annotations

import signal
import sys

from tests.fuzz.pipeline import warm_up
from tests.fuzz.trials import kind_of, make_trial
from tests.fuzz.worker import run_seed

signal.signal(signal.SIGPROF, signal.SIG_IGN)
warm_up()
for seed in map(int, sys.argv[1:]):
    sys.stdout.write(f"{seed} {kind_of(seed)}\n{make_trial(seed).note}\n")
    answer = run_seed(seed, 1e6)
    sys.stdout.write(f"{answer['outcome']} after {answer['seconds']} s\n{answer['message']}\n")
