"""First fit by liveness."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fxsim.lowering.allocate import Request, align, allocate

REQUESTS = st.lists(
    st.builds(
        lambda size, first, span: Request(size, first, first + span),
        st.integers(0, 200),
        st.integers(0, 8),
        st.integers(0, 8),
    ),
    max_size=20,
)


@given(REQUESTS, st.integers(0, 100), st.sampled_from([1, 4, 64]))
def test_no_two_live_requests_share_bytes(requests: list[Request], base: int, alignment: int) -> None:
    placed = allocate(requests, base=base, alignment=alignment)
    entries = list(zip(requests, placed.addresses, strict=True))
    for i, (a, at) in enumerate(entries):
        assert at >= base
        assert at % alignment == 0
        for b, other in entries[:i]:
            together = a.first <= b.last and b.first <= a.last
            assert not together or at + a.size <= other or other + b.size <= at or not a.size or not b.size
    assert placed.end == max([base, *(at + r.size for r, at in entries)])


@given(REQUESTS)
def test_every_address_is_the_lowest_possible(requests: list[Request]) -> None:
    placed = allocate(requests)
    order = sorted(range(len(requests)), key=lambda i: requests[i].first)
    for position, i in enumerate(order):
        a = requests[i]
        before = [(requests[j], placed.addresses[j]) for j in order[:position]]
        rivals = [(at, at + b.size) for b, at in before if b.size and b.last >= a.first]
        candidates = [0, *(end for _, end in rivals)]
        free = [c for c in candidates if all(c + a.size <= low or c >= high for low, high in rivals)]
        assert not a.size or placed.addresses[i] == min(free)


def test_dead_bytes_are_used_again() -> None:
    placed = allocate([Request(100, 0, 1), Request(50, 1, 2), Request(80, 2, 3), Request(30, 3, 3)], alignment=64)
    assert placed.addresses == (0, 128, 0, 128)
    assert placed.end == 178


def test_align() -> None:
    assert [align(a, 64) for a in (0, 1, 63, 64, 65)] == [0, 64, 64, 64, 128]
