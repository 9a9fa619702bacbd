"""How a program is cut into kernel calls."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fxsim.isa import Mac, Merge, Program, Unit
from fxsim.sim.decode import plan
from tests.isa.strategies import legal_programs


@given(legal_programs(30), st.data())
def test_runs_are_as_long_as_proofs_and_cuts_allow(program: Program, data: st.DataObject) -> None:
    """Steps cover the program; a border stands at a cut, beside a vector instruction, or where sums change."""
    count = len(program)
    proved = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    cuts = data.draw(st.sets(st.integers(0, count)))
    code = program.instructions
    sums = [isinstance(i, Mac | Merge) for i in code]
    vector = [i.unit is Unit.VEC for i in code]
    plain = [not s or p for s, p in zip(sums, proved, strict=True)]
    steps = plan(program, np.array(plain, np.bool_), cuts)
    assert [i for step in steps for i in range(step.start, step.stop)] == list(range(count))
    for step in steps:
        inside = range(step.start, step.stop)
        assert (step.vector is not None) == vector[step.start]
        assert step.vector is None or len(inside) == 1
        assert len({plain[i] for i in inside if sums[i]}) <= 1
        assert not cuts & set(inside[1:])
    for step in steps[1:]:
        border = step.start
        before = [plain[i] for i in range(border) if sums[i]]
        changes = sums[border] and before and before[-1] != plain[border]
        assert border in cuts or vector[border - 1] or vector[border] or changes
