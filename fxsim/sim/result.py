"""`Result`: tensors, cycles, energy and accumulator statistics of one simulation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fxsim._core.errors import TrapError

if TYPE_CHECKING:
    from fxsim.graph import Tensors
    from fxsim.hw import Hardware


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerResult:
    """One layer of the network on the machine; cycles, bytes and energy are per sample, statistics over all samples.

    Attributes
    ----------
    macs
        Multiply-adds, padded taps included.
    cycles, compute_cycles, stall_cycles, stalls
        Length of the layer's window, cycles in which some engine computes, the others, and those by cause.
    utilization
        macs / (rows * cols * cycles).
    dram_bytes, scratchpad_bytes
        Bytes of whole DRAM bursts; bytes read and written in the three scratchpads.
    energy_pj, energy_by_event
        Nominal energy, and its split over the event groups.
    acc_min, acc_max, acc_bits_needed
        Extremes of the exact prefix sums and the least signed width that holds them; None without accumulators.
    overflow_events, overflow_count, bias_overflow_count, internal_wraps
        Rule applications that left the range, outputs with at least one, bias loads that did, internal wraps (readout).
    """

    name: str
    op: str
    in_shapes: tuple[tuple[int, ...], ...]
    out_shapes: tuple[tuple[int, ...], ...]
    macs: int
    cycles: int
    compute_cycles: int
    stall_cycles: int
    stalls: dict[str, int]
    utilization: float
    dram_bytes: int
    scratchpad_bytes: int
    energy_pj: float
    energy_by_event: dict[str, float]
    acc_min: int | None
    acc_max: int | None
    acc_bits_needed: int | None
    overflow_events: int
    overflow_count: int
    bias_overflow_count: int
    internal_wraps: int


class Layers(Sequence[LayerResult]):
    """Layer records in execution order, by number or by name."""

    def __init__(self, records: Sequence[LayerResult]) -> None:
        self._records = tuple(records)
        self._by_name = {record.name: record for record in self._records}

    def __getitem__(self, key: int | str | slice) -> Any:
        if isinstance(key, str):
            return self._by_name[key]
        return self._records[key]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[LayerResult]:
        return iter(self._records)


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy of one sample in pJ under the low, nominal and high prices; the derived share of the nominal total (0..1)."""

    low: float
    nominal: float
    high: float
    derived_share: float
    table: str
    source: str
    excluded: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Result:
    """What a program did on its hardware.

    Attributes
    ----------
    tensors
        Name → integer array, sample first: the outputs and whatever `keep` asked for.
    cycles
        Per sample.
    layers
        `Layers` of `LayerResult`.
    trap
        The first overflow under overflow = trap as a sentence, else empty; `outputs` then raises.
    """

    network: str
    profile: str
    hardware: Hardware
    samples: int
    tensors: Tensors
    output_names: tuple[str, ...]
    cycles: int
    layers: Layers
    energy: Energy
    trap: str = ""

    @property
    def outputs(self) -> Tensors:
        """The network's outputs.

        Raises
        ------
        TrapError
            An accumulator trapped: the values behind it mean nothing.
        """
        if self.trap:
            raise TrapError(f"no accumulator may overflow under overflow = trap: {self.trap}", where=self.network)
        return self.tensors.subset(self.output_names)

    @property
    def energy_pj(self) -> float:
        """Nominal energy of one sample, pJ."""
        return self.energy.nominal

    @property
    def macs(self) -> int:
        """Multiply-adds of one sample."""
        return sum(layer.macs for layer in self.layers)

    @property
    def seconds(self) -> float:
        """Time of one sample at the hardware's clock."""
        return self.cycles / (self.hardware.timing.clock_mhz * 1e6)

    @property
    def tops(self) -> float:
        """Tera-operations per second while running, one multiply-add counting as two operations."""
        return 2 * self.macs / self.seconds / 1e12 if self.cycles else 0.0

    @property
    def tops_per_watt(self) -> float:
        """Tera-operations per second and watt, equal to operations per pJ."""
        return 2 * self.macs / self.energy_pj if self.energy_pj else 0.0

    def table(self) -> str:
        """The per-layer tables and totals as plain text."""
        from fxsim.sim.tables import result_text

        return result_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the tensors as plain data (``schema = 1``)."""
        return {
            "schema": 1,
            "network": self.network,
            "profile": self.profile,
            "hardware": self.hardware.to_dict(),
            "samples": self.samples,
            "outputs": list(self.output_names),
            "cycles": self.cycles,
            "macs": self.macs,
            "seconds": self.seconds,
            "tops": self.tops,
            "tops_per_watt": self.tops_per_watt,
            "energy": asdict(self.energy),
            "trap": self.trap,
            "layers": [asdict(layer) for layer in self.layers],
        }

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        import json

        return json.dumps(self.to_dict(), indent=1)

    def save(self, path: str | Path) -> None:
        """Write tensors and records to one ``.npz`` file, whole or not at all."""
        from fxsim.sim.storage import save_result

        save_result(self, Path(path))

    @staticmethod
    def load(path: str | Path) -> Result:
        """Read a file that `save` wrote."""
        from fxsim.sim.storage import load_result

        return load_result(Path(path))
