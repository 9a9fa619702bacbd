"""A search for network inputs that attain a layer's bound: hill climbing, seeded and bounded; it proves by example."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import InputError
from fxsim.analysis.exact import exact_run
from fxsim.analysis.extract import before
from fxsim.analysis.reach import applications
from fxsim.analysis.witness import zero_inputs
from fxsim.graph import sample_shape
from fxsim.numerics import bits_needed
from fxsim.ops import gather, mac_params, position_chunks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fxsim.analysis.witness import Witness
    from fxsim.graph import Network
    from fxsim.hw import Numerics

Ints = NDArray[np.int64]

_BATCH = 16
_FAR = 1 << 62
"""Further than any prefix."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class NetworkSearch:
    """The best network input that a search came by.

    Attributes
    ----------
    witness
        The witness searched for; network-reachable where `bits` is its width.
    bits
        Width that `x` needs in the layer, in the witness's channel: the network's own need is at least this.
    x
        Input of the network by name, one sample each.
    evaluations
        Inputs tried.
    """

    witness: Witness
    bits: int
    x: Mapping[str, NDArray[np.generic]]
    evaluations: int


def search_network(
    net: Network, witness: Witness, numerics: Numerics, *, evaluations: int = 512, seed: int = 0
) -> NetworkSearch:
    """Climb from random inputs of the network toward the prefix that `witness` of the same net and numerics attains.

    The layer's exact accumulators are computed from golden's IFM for every input tried, so what is found is verified.

    Parameters
    ----------
    evaluations
        Most inputs to try; at least 1.
    seed
        Of every random choice.

    Raises
    ------
    InputError
        `evaluations` is not positive.
    """
    if evaluations < 1:
        raise InputError("evaluations must be at least 1", got=evaluations)
    if witness.x is not None:
        return NetworkSearch(witness, witness.bits, witness.x, 0)
    climb = _Climb(net, witness, numerics, np.random.default_rng(seed))
    climb.start(min(_BATCH, evaluations))
    while climb.bits < witness.bits and climb.tried < evaluations:
        climb.step(min(_BATCH, evaluations - climb.tried))
    x = climb.x()
    found = climb.attained(witness, x) if climb.bits >= witness.bits else witness
    return NetworkSearch(found, climb.bits, x, climb.tried)


class _Climb:
    """The best input so far, and how candidates are judged."""

    def __init__(self, net: Network, witness: Witness, numerics: Numerics, rng: np.random.Generator) -> None:
        self.net, self.rng, self.head = net, rng, before(net, witness.node)
        self.rule = dataclasses.replace(numerics, bias_policy="apply")
        self.params = mac_params(net, net.nodes[witness.node], self.rule)
        self.ifm = net.values[net.nodes[witness.node].inputs[0]].name
        self.sign = 1 if witness.prefix >= 0 else -1
        first, last, self.biased = applications(len(self.params.stream), self.rule)[witness.application]
        taken = np.arange(first, last)
        self.taken = taken if self.rule.order == "canonical" else len(self.params.stream) - 1 - taken
        self.channel, self.tried = witness.channel, 0
        self.types = {self.head.values[i].name: self.head.values[i].type for i in self.head.inputs}
        self.lo, self.hi = (
            np.concatenate([np.full(t.size, getattr(t.dtype, end)) for t in self.types.values()])
            for end in ("lo", "hi")
        )
        self.best, self.prefix = np.zeros_like(self.lo), -self.sign * _FAR

    def start(self, count: int) -> None:
        """Random inputs, and random ones of extreme codes only."""
        drawn = self.rng.integers(self.lo, self.hi + 1, (count, self.lo.size))
        drawn[::2] = self._ends(drawn[::2].shape)
        self._judge(drawn)

    def step(self, count: int) -> None:
        """Give some elements of the best input extreme codes: from one in two down to a single one."""
        rate = 2.0 ** -self.rng.uniform(1, 1 + np.log2(self.lo.size), (count, 1))
        changed = self.rng.random((count, self.lo.size)) < rate
        self._judge(np.where(changed, self._ends(changed.shape), self.best))

    def _ends(self, shape: tuple[int, ...]) -> Ints:
        return np.where(self.rng.random(shape) < 0.5, self.lo, self.hi)

    def _judge(self, candidates: Ints) -> None:
        self.tried += len(candidates)
        best = (self.sign * self.prefixes(candidates)).max(axis=1)
        winner = int(best.argmax())
        if best[winner] >= self.sign * self.prefix:
            self.best, self.prefix = candidates[winner], self.sign * int(best[winner])

    def prefixes(self, candidates: Ints) -> Ints:
        """Exact prefix at every output position of every candidate: int64 [B, P]."""
        params, g = self.params, self.params.window
        images = self.codes(candidates).reshape(-1, g.in_h, g.in_w, g.channels)
        weights = params.stream[self.taken, self.channel]
        found = []
        for rows in position_chunks(
            len(images) * g.positions, params.stream.shape[0] * (g.depth_mult * g.channels or 1)
        ):
            x = gather(params, images, rows)[:, self.taken]
            found.append((x if x.ndim == 2 else x[:, :, self.channel]) @ weights)
        sums = np.concatenate(found).reshape(len(candidates), -1)
        return np.asarray(sums + self.biased * params.initial[self.channel])

    def codes(self, candidates: Ints) -> NDArray[np.generic]:
        """The layer's IFM, by golden with accumulators that nothing overflows."""
        return exact_run(self.head, self._given(candidates), self.rule)[0][self.ifm]

    def _given(self, candidates: Ints) -> dict[str, NDArray[np.generic]]:
        cuts = np.cumsum([kind.size for kind in self.types.values()])[:-1]
        parts = np.split(candidates, cuts, axis=1)
        return {
            name: part.reshape(-1, *sample_shape(kind.shape)).astype(kind.dtype.numpy)
            for part, (name, kind) in zip(parts, self.types.items(), strict=True)
        }

    def x(self) -> dict[str, NDArray[np.generic]]:
        """The best input; network inputs that the layer does not depend on are 0."""
        return zero_inputs(self.net) | self._given(self.best[None])

    @property
    def bits(self) -> int:
        return bits_needed(self.prefix, self.prefix)

    def attained(self, witness: Witness, x: Mapping[str, NDArray[np.generic]]) -> Witness:
        """`witness` with the best input `x`, which makes it network-reachable."""
        place = int((self.sign * self.prefixes(self.best[None])).argmax())
        position = divmod(place % self.params.window.positions, self.params.window.out_w)
        ifm = self.codes(self.best[None])
        return dataclasses.replace(
            witness, reach="network", x=x, position=position, prefix=self.prefix, bits=self.bits, ifm=ifm
        )
