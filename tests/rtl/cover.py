"""Print what the runs of all machines meet: ``python -m tests.rtl.cover``.

``python -m tests.rtl.cover choose 300`` picks, for every machine, runs among the first 300 that meet every situation
that it can get into: `tests.rtl.chosen` holds them, which keeps the co-simulation short.
"""

from __future__ import annotations

import sys
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from fxsim.rtl import Coverage, coverage_table
from tests.rtl.chosen import CHOSEN
from tests.rtl.configurations import MACHINES
from tests.rtl.runs import LEAST_PROGRAMS, directed, runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fxsim.hw import Hardware
    from tests.rtl.runs import Run


def covered(hw: Hardware, played: Iterable[Run]) -> list[Coverage]:
    """What each of some runs meets; the hardware is not needed, a run that agrees with it meets the same."""
    found = []
    for run in played:
        found.append(Coverage(hw))
        found[-1].add(run.program, run.x, stalls=run.stalls)
    return found


def together(hw: Hardware, parts: Iterable[Coverage]) -> Coverage:
    """What several runs meet."""
    total = Coverage(hw)
    total.counts = sum((part.counts for part in parts), Counter())
    return total


def choose(pool: Sequence[Coverage]) -> list[int]:
    """Numbers of few runs that meet what the whole pool meets, and the first of the others to make `LEAST_PROGRAMS`."""
    met = [{name for name, count in part.counts.items() if count} for part in pool]
    open_bins, chosen = set().union(*met) & set(pool[0].bins()), list[int]()
    while open_bins:
        chosen.append(max(range(len(pool)), key=lambda number: len(met[number] & open_bins)))
        open_bins -= met[chosen[-1]]
    others = (number for number in range(len(pool)) if number not in chosen)
    return sorted([*chosen, *(next(others) for _ in range(LEAST_PROGRAMS - len(chosen)))])


def main() -> None:
    """Print the table, or a choice."""
    totals = []
    for hw in MACHINES:
        if sys.argv[1:2] == ["choose"]:
            pool = covered(hw, runs(hw, range(int(sys.argv[2]))))
            print(f'    "{hw.name}": {tuple(choose(pool))},')
        else:
            pool = covered(hw, chain(directed(hw), runs(hw, CHOSEN[hw.name])))
        totals.append(together(hw, pool))
        for name in totals[-1].missed():
            print(f"    # not met: {name}")
    print(coverage_table(totals).text())


if __name__ == "__main__":
    main()
