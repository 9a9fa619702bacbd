"""The difference of two accuracies on the same samples, with an interval that knows they are the same samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

METHOD = "Newcombe (Statistics in Medicine 17, 1998), method 10: paired Wilson score intervals"
_Z = 1.959963984540054
"""Normal quantile of 97.5 %."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Accuracy of a second run less that of a first one.

    Attributes
    ----------
    both, first_only, second_only, neither
        Samples that both, one or none of the runs gets right.
    """

    both: int
    first_only: int
    second_only: int
    neither: int

    @property
    def samples(self) -> int:
        """All of them."""
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def difference(self) -> float:
        """Accuracy of the second run less that of the first, -1..1."""
        return (self.second_only - self.first_only) / self.samples

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the 95 % interval of the difference, by `METHOD`, cut at -1 and 1."""
        n = self.samples
        first, second = (self.both + self.first_only) / n, (self.both + self.second_only) / n
        (low1, high1), (low2, high2) = _wilson(first, n), _wilson(second, n)
        phi = self._correlation()
        below = _distance(second - low2, high1 - first, phi)
        above = _distance(high2 - second, first - low1, phi)
        return max(self.difference - below, -1.0), min(self.difference + above, 1.0)

    def _correlation(self) -> float:
        """Phi coefficient of the two runs' successes, with Newcombe's continuity correction where it is positive."""
        a, b, c, d = self.both, self.first_only, self.second_only, self.neither
        margins = (a + b) * (c + d) * (a + c) * (b + d)
        if not margins:
            return 0.0
        excess = a * d - b * c
        return (max(excess - self.samples / 2, 0) if excess > 0 else excess) / math.sqrt(margins)


def _wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of one proportion (JASA 22, 1927)."""
    centre, spread = share + _Z**2 / (2 * n), _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    scale = 1 + _Z**2 / n
    return (centre - spread) / scale, (centre + spread) / scale


def _distance(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(one**2 - 2 * phi * one * other + other**2, 0))
