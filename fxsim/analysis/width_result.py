"""What a sweep over accumulator widths found: counters by layer, mode and width, and what became of the results."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import InputError
from fxsim._core.tables import format_table
from fxsim.graph import LayerStats

if TYPE_CHECKING:
    from collections.abc import Mapping

Ints = NDArray[np.int64]
Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LayerErrors:
    """Every layer alone, fed the exact IFM: what its OFM lost; int64 [layers, modes, widths] but for `signal`."""

    changed: Ints
    """OFM codes that differ from the exact ones."""
    max_error: Ints
    """Greatest distance of a code from the exact one, LSB."""
    noise: Ints
    """Sum of the squared distances, LSB²."""
    signal: Ints
    """Sum of the squared exact codes less their zero point, LSB²: int64 [layers]."""
    counters: tuple[Ints, ...]
    """Per layer the counters by channel, int64 [4, modes, widths, channels]: events, outputs, bias loads, wraps."""
    extremes: tuple[Ints, ...]
    """Per layer the least and greatest exact prefix by channel, int64 [2, channels]."""

    @property
    def sqnr_db(self) -> Reals:
        """Signal to noise of every OFM, dB [layers, modes, widths]; infinite where nothing differs."""
        return decibels(self.signal[:, None, None].astype(np.float64), self.noise.astype(np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class NetworkEffects:
    """The whole network at one width in every layer; arrays are [modes, widths]."""

    outputs: Mapping[str, NDArray[np.generic]]
    """The network's outputs by name, [modes, widths, N, ...]."""
    rerun: Ints
    """Samples that a changed OFM made necessary to compute again."""
    changed: Ints
    """Elements of the outputs that differ from the exact run's."""
    samples_changed: Ints
    """Samples with such an element."""
    sqnr_db: Reals
    """Signal to noise of all outputs together, real values; infinite where nothing differs."""
    correct: Ints | None
    """Samples whose first output is greatest at the label; None without labels."""
    exact_correct: int | None
    """The same of the exact run."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One width of one mode.

    Attributes
    ----------
    width
        Accumulator bits.
    events, overflowed
        Over all layers, as `WidthSweep` has them.
    rate
        Overflowed outputs / outputs.
    layers
        Layers with an overflowed output.
    changed
        Isolated: OFM codes of all layers that differ from the exact ones; network: elements of its outputs.
    sqnr_db
        Isolated: of the worst layer; network: of its outputs.
    accuracy
        Share of samples whose first output is greatest at the label; None without labels.
    """

    width: int
    events: int
    overflowed: int
    rate: float
    layers: int
    changed: int
    sqnr_db: float
    accuracy: float | None


@dataclass(frozen=True, slots=True, eq=False)
class WidthSweep:
    """Accumulator counters of every layer, mode and width, summed over samples.

    Attributes
    ----------
    network
        Its name.
    nodes, layers, ops
        Numbers, names and operators of the nodes that accumulate.
    modes, widths
        The other two axes.
    samples
        Samples seen.
    outputs : int64 [layers]
        Accumulated outputs, over all samples.
    events, overflowed, bias_overflowed, internal_wraps : int64 [layers, modes, widths]
        As `fxsim.graph.LayerStats` counts them, all channels together.
    errors
        What each layer alone loses; None for a sweep of the whole network.
    effects
        What the network loses; None for a sweep of isolated layers.
    """

    network: str
    nodes: tuple[int, ...]
    layers: tuple[str, ...]
    ops: tuple[str, ...]
    modes: tuple[str, ...]
    widths: tuple[int, ...]
    samples: int
    outputs: Ints
    events: Ints
    overflowed: Ints
    bias_overflowed: Ints
    internal_wraps: Ints
    errors: LayerErrors | None = None
    effects: NetworkEffects | None = None

    @property
    def isolated(self) -> bool:
        """Whether every layer was fed the exact IFM."""
        return self.errors is not None

    def stats(self, layer: int, mode: str, width: int) -> LayerStats:
        """Counters by channel of the isolated layer `layer` (its place in `layers`).

        Raises
        ------
        InputError
            The sweep was of the whole network, or has no such layer, mode or width.
        """
        if self.errors is None:
            raise InputError("counters by channel must come from isolated layers", where=self.network)
        if not 0 <= layer < len(self.layers):
            raise InputError(f"layer must be in 0..{len(self.layers) - 1}", got=layer, where=self.network)
        if width not in self.widths:
            raise InputError("width must be one of the sweep's", got=width, where=self.network)
        events, outputs, bias, wraps = self.errors.counters[layer][:, self._mode(mode), self.widths.index(width)]
        least, greatest = self.errors.extremes[layer]
        return LayerStats(events, outputs, bias, wraps, least, greatest, np.zeros_like(events))

    def curve(self, mode: str) -> list[CurvePoint]:
        """Return one point per width; `InputError` for a mode that was not swept."""
        place = self._mode(mode)
        return [self._point(place, i) for i in range(len(self.widths))]

    def table(self) -> str:
        """One table per mode, one line per width."""
        heads = ["bits", "events", "overflow outputs", "rate %", "layers", "changed", "SQNR dB"]
        scope = "isolated layers" if self.isolated else "network"
        tables = []
        for mode in self.modes:
            rows = [self._row(point) for point in self.curve(mode)]
            title = f"{scope}, {mode}, {self.samples:,} samples"
            tables.append(format_table([*heads, *(["accuracy %"] if self._labelled else [])], rows, title=title))
        return "\n\n".join(tables)

    def to_dict(self) -> dict[str, Any]:
        """Plain data; infinite SQNR is None, outputs are left out."""
        found: dict[str, Any] = {
            name: list(getattr(self, name)) for name in ("nodes", "layers", "ops", "modes", "widths")
        }
        found |= {"network": self.network, "samples": self.samples, "isolated": self.isolated}
        arrays = ("outputs", "events", "overflowed", "bias_overflowed", "internal_wraps")
        found |= {name: getattr(self, name).tolist() for name in arrays}
        if self.errors is not None:
            per_layer = ("changed", "max_error", "noise", "signal")
            found["errors"] = {name: getattr(self.errors, name).tolist() for name in per_layer}
            found["errors"]["sqnr_db"] = _finite(self.errors.sqnr_db.tolist())
        if self.effects is not None:
            names = ("rerun", "changed", "samples_changed")
            found["effects"] = {name: getattr(self.effects, name).tolist() for name in names}
            found["effects"]["sqnr_db"] = _finite(self.effects.sqnr_db.tolist())
            correct = self.effects.correct
            found["effects"]["correct"] = None if correct is None else correct.tolist()
            found["effects"]["exact_correct"] = self.effects.exact_correct
        found["curves"] = {mode: [_finite(asdict(point)) for point in self.curve(mode)] for mode in self.modes}
        return found

    def touched(self) -> Ints:
        """Outputs of isolated layers with an event or a bias load that left the accumulator: [layers, modes, widths].

        A load is the same for all outputs of a channel.

        Raises
        ------
        InputError
            The sweep was of the whole network.
        """
        if self.errors is None:
            raise InputError("outputs touched must come from isolated layers", where=self.network)
        found = [np.where(bias > 0, bias, outputs).sum(axis=-1) for _, outputs, bias, _ in self.errors.counters]
        return np.stack(found)

    @property
    def _labelled(self) -> bool:
        return self.effects is not None and self.effects.correct is not None

    def _mode(self, mode: str) -> int:
        if mode not in self.modes:
            raise InputError(f"mode must be one of {', '.join(self.modes)}", got=mode, where=self.network)
        return self.modes.index(mode)

    def _point(self, mode: int, width: int) -> CurvePoint:
        overflowed, outputs = self.overflowed[:, mode, width], int(self.outputs.sum())
        changed, sqnr, accuracy = self._loss(mode, width)
        return CurvePoint(
            self.widths[width],
            int(self.events[:, mode, width].sum()),
            int(overflowed.sum()),
            int(overflowed.sum()) / outputs if outputs else 0.0,
            int(np.count_nonzero(overflowed)),
            changed,
            sqnr,
            accuracy,
        )

    def _loss(self, mode: int, width: int) -> tuple[int, float, float | None]:
        """Changed codes, SQNR, accuracy."""
        if self.errors is not None:
            worst = float(self.errors.sqnr_db[:, mode, width].min(initial=math.inf))
            return int(self.errors.changed[:, mode, width].sum()), worst, None
        if self.effects is None:
            return 0, math.inf, None
        correct = self.effects.correct
        accuracy = None if correct is None else int(correct[mode, width]) / self.samples
        return int(self.effects.changed[mode, width]), float(self.effects.sqnr_db[mode, width]), accuracy

    def _row(self, point: CurvePoint) -> list[object]:
        shown = [point.width, point.events, point.overflowed, 100 * point.rate, point.layers, point.changed]
        accuracy = [] if point.accuracy is None else [100 * point.accuracy]
        return [*shown, point.sqnr_db if math.isfinite(point.sqnr_db) else "", *accuracy]


def decibels(signal: Reals, noise: Reals) -> Reals:
    """10 log10 (signal / noise): infinite without noise, minus infinite where noise is all there is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 10 * np.log10(signal / noise)
    return np.where(noise == 0, np.inf, ratio)


def _finite(data: Any) -> Any:
    """`data` with None for infinities."""
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
