"""Which mechanism makes an exact integer differ from a fake-quantized one: every differing element has one cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.analysis.comparison.mechanisms import UNEXPLAINED, Mechanism
from fxsim.analysis.comparison.models import node_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from fxsim.analysis.comparison.models import Bound
    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics
    from fxsim.oracle import FakeQuant

    Array = NDArray[np.generic]
    Places = NDArray[np.intp]

CAUSES = (*(str(m) for m in Mechanism), UNEXPLAINED)
"""Causes by number, in the order in which the mechanisms are switched on."""
_NUMBER = {cause: number for number, cause in enumerate(CAUSES)}


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """The differing elements of one layer on some samples.

    Attributes
    ----------
    index
        Their flat places over (N, *output shape), ascending: [D].
    cause
        uint8 [D], the number in `CAUSES` of each element's cause: the last switch at which it goes from equal to
        different as the mechanisms are switched on one after the other.
    also
        uint16 [D], one bit per mechanism: it makes a difference when it is switched on alone.
    wrong
        Elements, differing or not, that all switches together do not reproduce: 0, or fxsim has a defect.
    """

    index: Places
    cause: NDArray[np.uint8]
    also: NDArray[np.uint16]
    wrong: int

    @property
    def causes(self) -> dict[str, int]:
        """Elements by cause, without zeros; they add up to the number of differing elements."""
        counts = np.bincount(self.cause, minlength=len(CAUSES))
        return {cause: int(n) for cause, n in zip(CAUSES, counts, strict=True) if n}

    @property
    def alone(self) -> dict[str, int]:
        """Differing elements by mechanism that makes a difference alone, without zeros; one may count several times."""
        counts = {str(m): int(np.count_nonzero(self.also >> _NUMBER[m] & 1)) for m in Mechanism}
        return {name: n for name, n in counts.items() if n}

    def also_of(self, place: int) -> tuple[str, ...]:
        """Mechanisms that make a difference alone at the differing element number `place`."""
        return tuple(str(m) for m in Mechanism if self.also[place] >> _NUMBER[m] & 1)


class Attributor:
    """One node, ready for the samples of any batch.

    Parameters
    ----------
    net, node
        A network that `fxsim.ops.validate` accepts, and one of its nodes.
    fake
        Fake quantization of the same network.
    numerics
        Of the machine in this node.
    bias
        As `fake` takes biases.
    """

    def __init__(self, net: Network, node: Node, fake: FakeQuant, numerics: Numerics, bias: str) -> None:
        self.node, self.fake = node, fake
        self.model = node_model(net, node, numerics=numerics, bias=bias)

    def bind(self, operands: Sequence[Array | None]) -> Bound:
        """The node's model on fake quantization's operands, for one attribution of each kind."""
        return self.model.bind(operands)

    def free_running(self, fake: Array, exact: Array, own: Bound, operands: Sequence[Array | None]) -> Attribution:
        """Attribute the differences of two runs of the whole network.

        Parameters
        ----------
        fake, exact
            The node's codes in both runs, (N, *output shape).
        own
            The model on fake quantization's operands.
        operands
            The exact run's, as `fxsim.oracle.operand_arrays` gives them.
        """
        inherited = self.fake.node(self.node, operands)
        return self._attribution(fake, exact, own, self.model.bind(operands), inherited)

    def isolated(self, fake: Array, exact: Array, own: Bound) -> Attribution:
        """Attribute the differences of one node that both runs give the same operands, which `own` has."""
        return self._attribution(fake, exact, own, own, None)

    def _attribution(self, fake: Array, exact: Array, own: Bound, last: Bound, inherited: Array | None) -> Attribution:
        """`own` is the model on fake quantization's operands, `last` on the exact run's."""
        index = np.flatnonzero(fake.reshape(-1) != exact.reshape(-1))
        before = fake.reshape(-1)[index]
        wrong = last.codes(frozenset(self.model.mechanisms)) != exact.reshape(-1)
        cause, also = np.zeros(0, np.uint8), np.zeros(0, np.uint16)
        if index.size:
            cause = _causes(before, self._chain(last, index, inherited))
            cause[wrong[index]] = _NUMBER[UNEXPLAINED]
            also = self._alone(before, own, index, inherited)
        return Attribution(index, cause, also, int(np.count_nonzero(wrong)))

    def _chain(self, bound: Bound, index: Places, inherited: Array | None) -> Iterator[tuple[Mechanism, Array]]:
        """Codes at `index` after every switch."""
        if inherited is not None:
            yield Mechanism.UPSTREAM, inherited.reshape(-1)[index]
        on: frozenset[Mechanism] = frozenset()
        yield Mechanism.FLOAT32, bound.codes(on, index)
        for mechanism in self.model.mechanisms:
            on |= {mechanism}
            yield mechanism, bound.codes(on, index)

    def _alone(self, before: Array, own: Bound, index: Places, inherited: Array | None) -> NDArray[np.uint16]:
        none = own.codes(frozenset(), index)
        found = {Mechanism.FLOAT32: none != before}
        if inherited is not None:
            found[Mechanism.UPSTREAM] = inherited.reshape(-1)[index] != before
        for mechanism in self.model.mechanisms:
            found[mechanism] = own.codes(frozenset((mechanism,)), index) != none
        bits = [differs.astype(np.uint16) << np.uint16(_NUMBER[m]) for m, differs in found.items()]
        return np.asarray(np.bitwise_or.reduce(bits))


def _causes(before: Array, chain: Iterator[tuple[Mechanism, Array]]) -> NDArray[np.uint8]:
    """Number of the last switch at which each element goes from equal to different."""
    cause = np.full(before.size, _NUMBER[UNEXPLAINED], np.uint8)
    differed = np.zeros(before.size, np.bool_)
    for mechanism, codes in chain:
        differs = codes != before
        cause[differs & ~differed] = _NUMBER[mechanism]
        differed = differs
    return cause
