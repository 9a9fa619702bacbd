"""``python -m tests.mutation PART --sample N``: plant N faults, one at a time, and run the part's tests on each.

Kernels run interpreted (compiling all costs half a minute a fault), so tests marked slow come last.
Every job works in a copy of the tree of its own. Needs cosmic-ray (extra: mutation).
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cosmic_ray.commands import init
from cosmic_ray.modules import filter_paths, find_modules
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.testing import run_tests
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome
from tqdm import tqdm

from tests.mutation.parts import OPERATORS, PARTS
from tests.mutation.unrun import is_unrun

if TYPE_CHECKING:
    from cosmic_ray.work_item import MutationSpec

    from tests.mutation.parts import Part

ROOT = Path(__file__).resolve().parents[2]
_JUDGE = f"{sys.executable} -m pytest -x -q -p tests.mutation.quick_first"
_LONGEST_S = 1800.0
"""What all tests of a file may take; a single one is ended by `quick_first`."""
_COPIED = ("fxsim", "tests", "models", "pyproject.toml")
_ENVIRONMENT = {"HYPOTHESIS_PROFILE": "few", "PYTHONPATH": "."}


class Outcome(NamedTuple):
    """Whether the tests saw a fault, and the fault as a diff."""

    killed: bool
    text: str


def main() -> int:
    """Print the score of a sample and its survivors; 1 if fewer than 90 % were killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--sample", type=int, default=200, help="faults to plant (default: 200; 0: all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="faults that are tested side by side (default: 1)")
    args = parser.parse_args()
    part = PARTS[args.part]
    faults = sampled(part, args.sample, args.seed)
    commands = [_command(part, f.module_path) for f in faults]
    with ProcessPoolExecutor(args.jobs, initializer=_enter_copy) as pool:
        list(pool.map(_check_sound, sorted(set(commands))))
        outcomes = pool.map(_plant, faults, commands)
        killed = sum(map(reported, tqdm(outcomes, total=len(faults), unit="fault")))
    print(f"{args.part}: {killed} of {len(faults)} faults killed, {killed / max(len(faults), 1):.1%}")
    return int(killed < 0.9 * len(faults))


def _command(part: Part, path: Path) -> str:
    """What judges a fault in the file `path`."""
    interpreted = int(path.as_posix() not in part.compiled)
    return f"env NUMBA_DISABLE_JIT={interpreted} {_JUDGE} {' '.join(part.tests_of(path))}"


def reported(outcome: Outcome) -> bool:
    """Print a fault that survived; whether it was killed."""
    if not outcome.killed:
        tqdm.write(f"\n{outcome.text}", file=sys.stdout)
        sys.stdout.flush()
    return outcome.killed


def sampled(part: Part, count: int, seed: int) -> list[MutationSpec]:
    """Draw `count` faults of the part, without those in text that is never run."""
    os.chdir(ROOT)
    modules = filter_paths(find_modules([Path(path) for path in part.paths]), part.excluded)
    wanted = re.compile("|".join(f"(?:{operator})" for operator in OPERATORS))
    with tempfile.TemporaryDirectory() as folder, use_db(Path(folder) / "faults.sqlite", WorkDB.Mode.create) as work:
        init(sorted(modules), work, {})
        faults = [item.mutations[0] for item in work.work_items]
    faults = [f for f in faults if wanted.fullmatch(f.operator_name) and not is_unrun(f.module_path, f.start_pos)]
    faults.sort(key=lambda f: (str(f.module_path), f.operator_name, f.occurrence))
    return random.Random(seed).sample(faults, min(count or len(faults), len(faults)))


def _enter_copy() -> None:
    """Let the process work in a copy of the tree."""
    folder = Path(tempfile.mkdtemp(prefix="fxsim-mutation-"))
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    os.chdir(folder)
    os.environ.update(_ENVIRONMENT)


def _check_sound(command: str) -> None:
    """Tests that fail without any fault would see every one."""
    outcome, output = run_tests(command, _LONGEST_S)
    if outcome is not TestOutcome.SURVIVED:
        raise RuntimeError(f"tests must pass before a fault is planted: {output}")


def _plant(fault: MutationSpec, command: str) -> Outcome:
    result = mutate_and_test([fault], command, _LONGEST_S)
    if result.test_outcome is None or not result.diff:
        raise RuntimeError(f"{fault} must be planted and tested: {result}")
    return Outcome(result.test_outcome is TestOutcome.KILLED, str(result.diff))


if __name__ == "__main__":
    sys.exit(main())
