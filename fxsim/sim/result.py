"""`Result`: tensors, cycles, energy and accumulator statistics of one simulation."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fxsim._core.errors import InputError, TrapError
from fxsim._core.records import Records
from fxsim.energy import LayerValueEnergy, ValueEnergy
from fxsim.hw import Hardware
from fxsim.sim.roofline import Roofline, roofline_of
from fxsim.sim.storage import read_archive, write_archive
from fxsim.sim.tables import result_text

if TYPE_CHECKING:
    from fxsim.graph import Tensors


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerResult:
    """One layer of the network on the machine; cycles, bytes and energy are per sample, statistics over all samples.

    Attributes
    ----------
    macs
        Multiply-adds, padded taps included.
    cycles, compute_cycles, stall_cycles, stalls
        Length of the layer's window, cycles in which some engine computes, the others, and those by cause.
    span_cycles
        From the window's begin, or from the layer's first beat where that lies in the window of a layer before, to the
        window's end.
    utilization
        macs / (rows * cols * span_cycles), at most 1.
    dram_bytes, scratchpad_bytes
        Bytes of whole DRAM bursts; bytes read and written in the three scratchpads.
    dram_bytes_saved
        Bytes of whole DRAM bursts that operands and results in the activation scratchpad spare, each tensor once.
    energy_pj, energy_by_event
        Nominal energy, and its split over the event groups.
    acc_min, acc_max, acc_bits_needed
        Extremes of the exact prefix sums and the least signed width that holds them; None without accumulators, and in
        an estimate.
    overflow_events, overflow_count, bias_overflow_count, internal_wraps
        Rule applications that left the range, outputs with at least one, bias loads that did, internal wraps (readout);
        None in an estimate.
    inner_events
        Groups (chain: products) that left an inner accumulator; None in an estimate.
    value_energy
        Zero operands, toggles and value-aware energy of the layer's MACs; None unless asked for.
    """

    name: str
    op: str
    in_shapes: tuple[tuple[int, ...], ...]
    out_shapes: tuple[tuple[int, ...], ...]
    macs: int
    cycles: int
    span_cycles: int
    compute_cycles: int
    stall_cycles: int
    stalls: dict[str, int]
    utilization: float
    dram_bytes: int
    dram_bytes_saved: int
    scratchpad_bytes: int
    energy_pj: float
    energy_by_event: dict[str, float]
    acc_min: int | None = None
    acc_max: int | None = None
    acc_bits_needed: int | None = None
    overflow_events: int | None = None
    overflow_count: int | None = None
    bias_overflow_count: int | None = None
    internal_wraps: int | None = None
    inner_events: int | None = None
    value_energy: LayerValueEnergy | None = None


class Layers(Records[LayerResult]):
    """Layer records in execution order, by number or by name."""


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy of one sample in pJ under low, nominal and high prices; the derived share (0..1) of the nominal total."""

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
    samples
        How many the program has run on; 0 for an estimate, which has no values.
    tensors
        Name → integer array, sample first: the outputs and whatever `keep` asked for.
    cycles
        Per sample.
    layers
        `Layers` of `LayerResult`.
    trap
        The first overflow under overflow = trap as a sentence, else empty; `outputs` then raises.
    float_schemes
        Requantization schemes of the program that are floating point, hence not synthesizable as they stand.
    value_energy
        Value-aware energy, beside the data-independent `energy`; None unless asked for.
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
    float_schemes: tuple[str, ...] = ()
    value_energy: ValueEnergy | None = None

    @property
    def outputs(self) -> Tensors:
        """The network's outputs.

        Raises
        ------
        TrapError
            An accumulator trapped: the values behind it mean nothing.
        InputError
            The result is an estimate.
        """
        if not self.samples:
            raise InputError("an estimate has no values: simulate the program on samples", where=self.network)
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
    def pj_per_mac(self) -> float:
        """Nominal pJ per multiply-add: products, adder trees and accumulations, without registers and memories."""
        spent = sum(
            layer.energy_by_event[group] for layer in self.layers for group in ("multiply", "tree", "accumulate")
        )
        return spent / self.macs if self.macs else 0.0

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

    @property
    def roofline(self) -> Roofline:
        """The whole network under the roof of its hardware."""
        return roofline_of(self.macs, sum(layer.dram_bytes for layer in self.layers), self.cycles, self.hardware)

    def table(self) -> str:
        """The per-layer tables and totals as plain text."""
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
            "value_energy": None if self.value_energy is None else asdict(self.value_energy),
            "trap": self.trap,
            "float_schemes": list(self.float_schemes),
            "layers": [asdict(layer) for layer in self.layers],
        }

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=1)

    def save(self, path: str | Path) -> None:
        """Write tensors and records to one ``.npz`` file, whole or not at all."""
        write_archive(Path(path), self.to_dict(), self.tensors)

    @classmethod
    def load(cls, path: str | Path) -> Result:
        """Read a file that `save` wrote.

        Raises
        ------
        InputError
            The file is not such a file.
        """
        record, tensors = read_archive(Path(path))
        try:
            return cls._from_dict(record, tensors)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"must hold the record of a result ({error})", where=str(path)) from None

    @classmethod
    def _from_dict(cls, record: dict[str, Any], tensors: Tensors) -> Result:
        if record["schema"] != 1:
            raise InputError("schema must be 1", got=record["schema"])
        energy, valued = record["energy"], record["value_energy"]
        return cls(
            network=record["network"],
            profile=record["profile"],
            hardware=Hardware.from_dict(record["hardware"]),
            samples=record["samples"],
            tensors=tensors,
            output_names=tuple(record["outputs"]),
            cycles=record["cycles"],
            layers=Layers([_layer(layer) for layer in record["layers"]]),
            energy=Energy(**{**energy, "excluded": tuple(energy["excluded"])}),
            trap=record["trap"],
            float_schemes=tuple(record["float_schemes"]),
            value_energy=None if valued is None else ValueEnergy(**valued),
        )


def _layer(record: dict[str, Any]) -> LayerResult:
    shapes = {key: tuple(map(tuple, record[key])) for key in ("in_shapes", "out_shapes")}
    valued = record["value_energy"]
    return LayerResult(**{**record, **shapes, "value_energy": None if valued is None else LayerValueEnergy(**valued)})
