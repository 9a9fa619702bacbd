"""Causes on random nodes of every operator: complete, unique, and those of the brute-force definition."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from fxsim.analysis.comparison.attribution import CAUSES, Attribution, Attributor
from fxsim.analysis.comparison.mechanisms import UNEXPLAINED, Mechanism
from fxsim.ops import OPERATORS
from fxsim.oracle import FakeQuant
from tests.analysis.comparison.random_nodes import OPERATORS_DRAWN, random_case
from tests.analysis.comparison.staged import Codes, On, twin

NONE: On = frozenset()


def causes(before: list[int], chain: list[tuple[str, list[int]]]) -> list[str]:
    """Per element the last switch at which its code goes from equal to different; "" where it ends equal."""
    found = []
    for place, code in enumerate(before):
        differs = [False, *(codes[place] != code for _, codes in chain)]
        turns = [name for k, (name, _) in enumerate(chain) if differs[k + 1] and not differs[k]]
        found.append(turns[-1] if differs[-1] else "")
    return found


def alone(
    before: list[int], own: Codes, mechanisms: tuple[Mechanism, ...], inherited: list[int] | None
) -> list[set[str]]:
    """Per element the mechanisms that make a difference when they are switched on alone."""
    none = own(NONE)
    ways = [(Mechanism.FLOAT32, none, before)]
    if inherited is not None:
        ways.append((Mechanism.UPSTREAM, inherited, before))
    ways += [(m, own(frozenset((m,))), none) for m in mechanisms]
    return [{str(m) for m, codes, other in ways if codes[i] != other[i]} for i in range(len(before))]


def chain_of(codes: Codes, mechanisms: tuple[Mechanism, ...]) -> list[tuple[str, list[int]]]:
    unlisted = frozenset(Mechanism) - frozenset(mechanisms)
    steps = [(str(Mechanism.FLOAT32), codes(NONE))]
    for i, mechanism in enumerate(mechanisms):
        steps.append((str(mechanism), codes(unlisted | frozenset(mechanisms[: i + 1]))))
    return steps


def check(
    found: Attribution, before: list[int], exact: list[int], chain: list[tuple[str, list[int]]], also: list[set[str]]
) -> None:
    assert chain[-1][1] == exact
    assert found.wrong == 0
    expected = causes(before, chain)
    places = [i for i, cause in enumerate(expected) if cause]
    assert found.index.tolist() == places == [i for i in range(len(exact)) if exact[i] != before[i]]
    assert [CAUSES[n] for n in found.cause] == [expected[i] for i in places]
    assert found.causes == dict(Counter(expected[i] for i in places))
    assert [set(found.also_of(k)) for k in range(len(places))] == [also[i] for i in places]
    assert found.alone == dict(Counter(name for i in places for name in also[i]))


def test_every_operator_is_drawn() -> None:
    assert set(OPERATORS_DRAWN) == set(OPERATORS)


@pytest.mark.slow
@pytest.mark.parametrize("op", list(OPERATORS))
@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
@example(323)  # MEAN's floored multiplier
@example(310)  # operands' roundings of ADD and SUB
@example(82)  # multipliers of SUB, ties of MUL
@example(603)  # multipliers of ADD
def test_causes_are_those_of_the_definition(op: str, seed: int) -> None:
    case = random_case(op, seed)
    assume(case is not None)
    assert case is not None
    net, node = case.net, case.net.nodes[0]
    fake = FakeQuant(net, bias=case.bias)
    attributor = Attributor(net, node, fake, case.numerics, case.bias)
    listed = attributor.model.mechanisms
    before, inherited = fake.node(node, case.fake), fake.node(node, case.exact)
    v0, up = (codes.ravel().tolist() for codes in (before, inherited))
    own, others = twin(case, case.fake), twin(case, case.exact)
    bound = attributor.bind(case.fake)

    exact = OPERATORS[op].run(net, node, case.fake, case.numerics).outputs[0]
    chain = chain_of(own, listed)
    check(attributor.isolated(before, exact, bound), v0, exact.ravel().tolist(), chain, alone(v0, own, listed, None))

    exact = OPERATORS[op].run(net, node, case.exact, case.numerics).outputs[0]
    chain = [(str(Mechanism.UPSTREAM), up), *chain_of(others, listed)]
    found = attributor.free_running(before, exact, bound, case.exact)
    check(found, v0, exact.ravel().tolist(), chain, alone(v0, own, listed, up))


@pytest.mark.slow
@pytest.mark.parametrize("op", list(OPERATORS))
@settings(max_examples=6)
@given(st.integers(0, 2**32 - 1), st.data())
def test_models_are_their_twins(op: str, seed: int, data: st.DataObject) -> None:
    """Any set of switches, whole or in places."""
    case = random_case(op, seed)
    assume(case is not None)
    assert case is not None
    net, node = case.net, case.net.nodes[0]
    model = Attributor(net, node, FakeQuant(net, bias=case.bias), case.numerics, case.bias).model
    on = frozenset(m for m in model.mechanisms if data.draw(st.booleans()))
    unlisted = frozenset(Mechanism) - frozenset(model.mechanisms)
    bound, codes = model.bind(case.fake), twin(case, case.fake)
    found = bound.codes(on).tolist()
    assert found == codes(on | unlisted)
    places = np.array(sorted(data.draw(st.sets(st.integers(0, len(found) - 1)))), np.intp)
    assert bound.codes(on, places).tolist() == [found[i] for i in places]


def test_what_the_model_does_not_reproduce_is_unexplained() -> None:
    """A wrong code is counted where the runs differ, and where they seem to agree."""
    case = next(case for seed in range(20) if (case := random_case("MUL", seed)) is not None)
    node = case.net.nodes[0]
    fake = FakeQuant(case.net, bias=case.bias)
    attributor = Attributor(case.net, node, fake, case.numerics, case.bias)
    before = fake.node(node, case.fake)
    exact = OPERATORS["MUL"].run(case.net, node, case.fake, case.numerics).outputs[0]
    bound = attributor.bind(case.fake)
    wrong = exact.astype(np.int64) ^ 1
    found = attributor.isolated(before, wrong, bound)
    assert found.causes == {UNEXPLAINED: int(np.count_nonzero(before != wrong))}
    assert found.wrong == exact.size
    assert attributor.isolated(wrong, wrong, bound).wrong == exact.size
