"""IntervalMap against a plain list of bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fxsim.lowering.intervals import IntervalMap

SIZE = 24
EDITS = st.lists(st.tuples(st.integers(0, SIZE), st.integers(0, SIZE), st.booleans(), st.integers(1, 9)), max_size=30)


@given(EDITS, st.integers(0, SIZE), st.integers(0, SIZE))
def test_equals_an_array(edits: list[tuple[int, int, bool, int]], start: int, end: int) -> None:
    mapped, plain = IntervalMap(0), [0] * SIZE
    for low, high, assign, value in edits:
        if assign:
            mapped.assign(low, high, value)
        else:
            mapped.update(low, high, lambda old, add=value: old + add)  # type: ignore[misc]
        for i in range(low, high):
            plain[i] = value if assign else plain[i] + value
    found = mapped.overlapping(start, end)
    assert set(found) == set(plain[start:end])
    bounds = [at for at, _ in mapped]
    assert bounds == sorted(set(bounds))
    assert bounds[0] == 0


def test_assigning_merges() -> None:
    mapped = IntervalMap("")
    for start in range(0, 10, 2):
        mapped.assign(start, start + 1, str(start))
    mapped.assign(0, 10, "all")
    assert list(mapped) == [(0, "all"), (10, "")]
