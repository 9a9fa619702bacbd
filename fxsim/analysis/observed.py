"""What samples say about accumulators, and how little that proves.

Observed widths hold for the samples seen. A half of the samples (the even ones) calibrates, the other is held out: how
many of the held-out samples would have overflowed the calibrated width is the honest price of trusting observations.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.tables import Table, short_name
from fxsim.analysis.exact import exact_run, mac_nodes
from fxsim.numerics import requantize, signed_widths
from fxsim.ops import accumulate_outputs, gather, mac_params, position_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fxsim.analysis.bounds import LayerBounds
    from fxsim.graph import Network
    from fxsim.hw import Numerics
    from fxsim.ops import Accumulated, MacParams

Ints = NDArray[np.int64]

_LEAST = 2
_WIDEST_INNER = 63
_CONFIDENCE = 0.05
_INT64 = np.iinfo(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class ObservedLayer:
    """One layer, alone, fed the exact IFM of the samples; int64 [N] by channel.

    Attributes
    ----------
    node, name
        Number and name.
    low, high
        Extremes of the exact prefixes at rule applications, the bias as loaded included.
    bits
        Width that holds them.
    output_equal
        Least width at which, and at every greater one, no OFM code of the channel differs from the exact one, under the
        layer's overflow rule. The internal register of readout is as wide as the hardware's, or as that width; an inner
        accumulator spills exact sums.
    calibrated
        Width of the layer on the calibration half.
    exceeding
        Held-out samples with a prefix outside the calibrated width.
    inner_bits
        Width at which the inner accumulator spills exact sums; None where there is none.
    """

    node: int
    name: str
    low: Ints
    high: Ints
    bits: Ints
    output_equal: Ints
    calibrated: int
    exceeding: int
    inner_bits: Ints | None


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """All layers, and how many samples stand behind them.

    Attributes
    ----------
    samples, held_out
        Samples seen, and those of them not used for calibration.
    proved
        Per layer and channel, the width that every prefix is proved to fit.
    ranges
        Least and greatest code of every IFM, by the tensor's name.
    """

    samples: int
    held_out: int
    layers: tuple[ObservedLayer, ...]
    proved: tuple[Ints, ...]
    ranges: dict[str, tuple[int, int]]

    @property
    def bound(self) -> float:
        """With 95 % confidence, the share of samples of this kind that leave the observed range is below this."""
        return zero_event_bound(self.samples)

    @property
    def sentence(self) -> str:
        """What the numbers are worth, in words."""
        return (
            f"On {self.samples:,} samples, no proof: no event in {self.samples:,} independent samples allows, at 95 % "
            f"confidence, up to {100 * self.bound:.3g} % of all samples to leave the observed widths. "
            f"Calibrated on {self.samples - self.held_out:,} samples (even), held against {self.held_out:,} (odd)."
        )

    def margins(self, number: int) -> Ints:
        """Proved less observed width of every channel of a layer, bits."""
        return self.proved[number] - self.layers[number].bits

    def table(self) -> Table:
        """One line per layer."""
        heads = ["#", "layer", "acc min", "acc max", "observed bits", "least margin", "greatest margin",
                 "calibrated bits", "held-out samples beyond"]  # fmt: skip
        rows: list[list[object]] = []
        for number, layer in enumerate(self.layers):
            margins = self.margins(number)
            ends = (int(layer.low.min()), int(layer.high.max()), int(layer.bits.max()))
            spare = (int(margins.min()), int(margins.max()))
            rows.append([layer.node, short_name(layer.name), *ends, *spare, layer.calibrated, layer.exceeding])
        inner = [int(layer.inner_bits.max()) for layer in self.layers if layer.inner_bits is not None]
        if inner:
            heads.append("inner bits")
            rows = [[*row, bits] for row, bits in zip(rows, inner, strict=True)]
        remark = "Margin: bits of a channel between what is proved for every prefix and what was observed."
        return Table(f"Observed on {self.samples:,} samples", heads, rows, f"{remark}\n{self.sentence}")

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "samples": self.samples,
            "held_out": self.held_out,
            "zero_event_bound": self.bound,
            "layers": [
                {
                    "node": layer.node,
                    "name": layer.name,
                    **{key: getattr(layer, key).tolist() for key in ("low", "high", "bits", "output_equal")},
                    "margins": self.margins(number).tolist(),
                    "calibrated": layer.calibrated,
                    "exceeding": layer.exceeding,
                    "inner_bits": None if layer.inner_bits is None else layer.inner_bits.tolist(),
                }
                for number, layer in enumerate(self.layers)
            ],
        }


def zero_event_bound(samples: int) -> float:
    """Largest event probability per sample that zero events in independent `samples` allow at 95 % confidence.

    The p with (1 - p)^n = 0.05, exact for a binomial (Clopper and Pearson, Biometrika 1934); about 3 / n.
    """
    return float(1 - _CONFIDENCE ** (1 / samples))


def observe(net: Network, x: object, numerics: Numerics, bounds: Sequence[LayerBounds]) -> Observation:
    """Run samples `x` exactly and look into every accumulator.

    Parameters
    ----------
    net, x
        As for `fxsim.golden`.
    numerics
        Groups, order, parts and overflow rule; its widths play no part.
    bounds
        Of the same network and numerics: what is proved.

    Raises
    ------
    InputError
        `x` does not fit.
    LoweringError
        A sum fits no accumulator.
    """
    tensors, wide = exact_run(net, x, numerics)
    rule = dataclasses.replace(numerics, bias_policy="apply")
    ifms = {number: _ifm(net, number) for number in mac_nodes(net)}
    layers = [_Looker(net, number, rule, wide, tensors[name]).look() for number, name in ifms.items()]
    samples = len(next(iter(tensors.values())))
    proved = tuple(found.exact_saturate for found in bounds)
    ranges = {name: (int(tensors[name].min()), int(tensors[name].max())) for name in ifms.values()}
    return Observation(samples, samples // 2, tuple(layers), proved, ranges)


def _ifm(net: Network, number: int) -> str:
    return net.values[net.nodes[number].inputs[0]].name


class _Looker:
    """One layer and its IFM."""

    def __init__(self, net: Network, number: int, rule: Numerics, wide: int, ifm: NDArray[Any]) -> None:
        self.number, self.name = number, net.nodes[number].name
        self.internal = rule.acc_internal_bits
        rule = dataclasses.replace(rule, inner_bits=_WIDEST_INNER if rule.inner_bits else 0)
        self.rule = dataclasses.replace(rule, acc_bits=wide, acc_internal_bits=max(wide, rule.acc_internal_bits))
        self.params: MacParams = mac_params(net, net.nodes[number], self.rule)
        self.wide, self.samples = wide, len(ifm)
        window = self.params.window
        self.images = ifm.reshape(-1, window.in_h, window.in_w, window.channels)
        self.positions = len(self.images) * window.positions

    def look(self) -> ObservedLayer:
        """Extremes of every sample, then the widths that follow."""
        lows = np.full((self.samples, self.params.channels), _INT64.max)
        highs = np.full((self.samples, self.params.channels), _INT64.min)
        equal, inner = np.full((2, self.params.channels), _LEAST)
        for rows, x in self._operands():
            found = accumulate_outputs(self.params, x, self.rule)
            here, cuts = self._samples_of(rows)
            lows[here] = np.minimum(lows[here], np.minimum.reduceat(found.low, cuts, axis=0))
            highs[here] = np.maximum(highs[here], np.maximum.reduceat(found.high, cuts, axis=0))
            self._raise(equal, x, found)
            inner = np.maximum(inner, signed_widths(found.inner_low, found.inner_high).max(axis=0))
        return self._record(lows, highs, equal, inner)

    def _record(self, lows: Ints, highs: Ints, equal: Ints, inner: Ints) -> ObservedLayer:
        low, high = lows.min(axis=0), highs.max(axis=0)
        needed = signed_widths(lows, highs).max(axis=1)
        calibrated = int(needed[::2].max())
        exceeding = int(np.count_nonzero(needed[1::2] > calibrated))
        return ObservedLayer(
            self.number,
            self.name,
            low,
            high,
            signed_widths(low, high),
            equal,
            calibrated,
            exceeding,
            inner if self.rule.inner_bits else None,
        )

    def _operands(self) -> Iterator[tuple[slice, Ints]]:
        depth, channels = self.params.stream.shape
        for rows in position_chunks(self.positions, max(depth * (channels if self.params.depthwise else 1), channels)):
            yield rows, gather(self.params, self.images, rows)

    def _samples_of(self, rows: slice) -> tuple[slice, Ints]:
        """The samples that own output positions `rows`, and where in `rows` each begins."""
        share = self.positions // self.samples
        first, last = rows.start // share, (rows.stop - 1) // share
        return slice(first, last + 1), np.maximum(np.arange(first, last + 1) * share - rows.start, 0)

    def _raise(self, equal: Ints, x: Ints, found: Accumulated) -> None:
        """Raise every channel of `equal` above the greatest width at which an OFM code of these outputs differs."""
        needed, exact = signed_widths(found.low, found.high), self._codes(found.exact, self.wide, slice(None))
        widest = needed.max(axis=0)
        for bits in range(int(widest.max()) - 1, _LEAST - 1, -1):
            channels = np.flatnonzero((bits < widest) & (bits >= equal))
            rows = np.flatnonzero((needed[:, channels] > bits).any(axis=1))
            if not rows.size:
                continue
            narrow = dataclasses.replace(self.rule, acc_bits=bits, acc_internal_bits=max(bits, self.internal))
            value = accumulate_outputs(self.params, x[rows], narrow, channels).value
            differ = (self._codes(value, bits, channels) != exact[np.ix_(rows, channels)]).any(axis=0)
            equal[channels[differ]] = bits + 1

    def _codes(self, acc: Ints, bits: int, channels: Ints | slice) -> Ints:
        p = self.params
        clamp = {"zero": p.out_zero, "lo": p.clamp_lo, "hi": p.clamp_hi}
        return requantize(acc, p.requant.take(channels), p.scheme, **clamp, acc_bits=bits)
