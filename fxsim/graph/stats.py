"""`LayerStats`: what happened inside the accumulators of one layer, counted per output channel."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INT64 = np.iinfo(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class LayerStats:
    """Accumulator counters of one layer, summed over samples and output positions; arrays are int64 [channels].

    A layer without accumulators has arrays of length 0. A rule application is one A <- ovf(A + sum): a group (tree),
    a product (chain), a MERGE addition or the addition of a bias that comes last; loading a bias that comes first is
    counted apart. Where an inner accumulator spills into the outer one, applications are the spills; those of the inner
    accumulator are counted apart.
    """

    channel_overflow_events: NDArray[np.int64]
    """Rule applications whose exact A + sum left acc_bits (readout: outputs whose raw final value is outside it)."""
    channel_overflow_count: NDArray[np.int64]
    """Outputs with at least one such event, or one of the inner accumulator."""
    channel_bias_overflow_count: NDArray[np.int64]
    """Outputs whose bias load itself left the accumulator's range; 0 where the bias comes last: nothing is loaded."""
    channel_internal_wraps: NDArray[np.int64]
    """Rule applications that left the internal register width (readout only)."""
    channel_acc_min: NDArray[np.int64]
    """Least exact prefix sum at a rule application, the bias load included."""
    channel_acc_max: NDArray[np.int64]
    """Greatest exact prefix sum at a rule application, the bias load included."""
    channel_inner_events: NDArray[np.int64]
    """Groups (chain: products) whose exact inner sum left inner_bits."""

    @classmethod
    def empty(cls, channels: int = 0) -> LayerStats:
        """Counters before anything has happened: the neutral element of `merge`."""
        none = np.zeros(channels, np.int64)
        return cls(none, none, none, none, np.full(channels, _INT64.max), np.full(channels, _INT64.min), none)

    def merge(self, other: LayerStats) -> LayerStats:
        """Counters of both runs together: the same layer on other samples or positions."""
        return LayerStats(
            self.channel_overflow_events + other.channel_overflow_events,
            self.channel_overflow_count + other.channel_overflow_count,
            self.channel_bias_overflow_count + other.channel_bias_overflow_count,
            self.channel_internal_wraps + other.channel_internal_wraps,
            np.minimum(self.channel_acc_min, other.channel_acc_min),
            np.maximum(self.channel_acc_max, other.channel_acc_max),
            self.channel_inner_events + other.channel_inner_events,
        )

    def same_as(self, other: LayerStats) -> bool:
        """Whether every counter of every channel is equal."""
        return all(np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    @property
    def overflow_events(self) -> int:
        """Overflow events of all channels."""
        return int(self.channel_overflow_events.sum())

    @property
    def overflow_count(self) -> int:
        """Outputs with at least one overflow event."""
        return int(self.channel_overflow_count.sum())

    @property
    def bias_overflow_count(self) -> int:
        """Outputs whose bias load left the range."""
        return int(self.channel_bias_overflow_count.sum())

    @property
    def internal_wraps(self) -> int:
        """Wraps of the internal register (readout)."""
        return int(self.channel_internal_wraps.sum())

    @property
    def inner_events(self) -> int:
        """Overflow events of the inner accumulators of all channels."""
        return int(self.channel_inner_events.sum())

    @property
    def acc_min(self) -> int | None:
        """Least exact prefix sum; None for a layer without accumulators."""
        return int(self.channel_acc_min.min()) if self.channel_acc_min.size else None

    @property
    def acc_max(self) -> int | None:
        """Greatest exact prefix sum; None for a layer without accumulators."""
        return int(self.channel_acc_max.max()) if self.channel_acc_max.size else None
