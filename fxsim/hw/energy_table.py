"""Energy tables as data: rules with sources, and the price of one event on one hardware."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from fxsim._core.errors import EnergyError
from fxsim.hw.events import BURST_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fxsim.hw.events import Event
    from fxsim.hw.hardware import Hardware

DEFAULT_TABLE = "horowitz-45nm"


@dataclass(frozen=True, slots=True)
class Price:
    """pJ of one event: nominal with its bounds, whether the figure is derived, and its source."""

    low: float
    nominal: float
    high: float
    derived: bool
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class EnergyTable:
    """One table: rules (formula coefficients with sources) and the rule of every kind of event."""

    name: str
    source: str
    excluded: tuple[str, ...]
    rules: Mapping[str, Mapping[str, Any]]
    kinds: Mapping[str, Mapping[str, Any]]

    @classmethod
    def load(cls, name: str = DEFAULT_TABLE) -> EnergyTable:
        """Load a table that ships with fxsim by name."""
        return _shipped(name)

    def price(self, event: Event, hardware: Hardware) -> Price:
        """pJ of one `event` on `hardware`.

        Raises
        ------
        EnergyError
            The table does not price this kind of event.
        """
        entry = self.kinds.get(event.kind.value)
        if entry is None:
            raise EnergyError("every active event must have a price", got=event.kind.value, where=f"table {self.name}")
        rule = self.rules[entry["rule"]]
        price = _RULES[entry["rule"]](rule, event, _capacity(entry, hardware))
        return _banded(price.nominal, rule, published=False) if entry.get("derived", False) else price

    def price_per_toggle(self, event: Event, hardware: Hardware) -> Price:
        """pJ of one operand bit of `event` that toggles: its price is taken for that of random operands."""
        price, rule = self.price(event, hardware), self.rules["activity"]
        bits = rule["random"] * (event.bits + event.other_bits)
        low, high = rule["derived_low"] * price.low, rule["derived_high"] * price.high
        return Price(low / bits, price.nominal / bits, high / bits, True, rule["source"])


@cache
def _shipped(name: str) -> EnergyTable:
    if name not in energy_tables():
        raise EnergyError(f"energy table must be one of: {', '.join(energy_tables())}", got=name)
    data = tomllib.loads((resources.files("fxsim.hw") / "tables" / f"{name}.toml").read_text(encoding="utf-8"))
    return EnergyTable(data["name"], data["source"], tuple(data["excluded"]), data["rules"], data["kinds"])


def energy_tables() -> tuple[str, ...]:
    """Names of the tables that ship with fxsim."""
    folder = resources.files("fxsim.hw") / "tables"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def _capacity(entry: Mapping[str, Any], hardware: Hardware) -> int:
    """Bytes of one half of the memory an entry speaks of (0: none)."""
    memory = entry.get("memory")
    return 0 if memory is None else max(1, int(getattr(hardware.timing, f"{memory}_spad_bytes")) // 2)


def _banded(value: float, rule: Mapping[str, Any], published: bool) -> Price:
    if published:
        return Price(value, value, value, False, rule["source"])
    return Price(value * rule["derived_low"], value, value * rule["derived_high"], True, rule["source"])


def _multiply(rule: Mapping[str, Any], event: Event, _capacity: int) -> Price:
    a, b = event.bits, event.other_bits
    value = rule["ab"] * a * b + rule["half_sum"] * (a + b) / 2
    return _banded(value, rule, [a, b] in rule["published"])


def _add(rule: Mapping[str, Any], event: Event, _capacity: int) -> Price:
    return _banded(rule["base"] + rule["slope"] * event.bits, rule, event.bits in rule["published"])


def _sram(rule: Mapping[str, Any], _event: Event, capacity: int) -> Price:
    """One byte of a 64-bit access at `capacity` bytes."""
    return _banded(sram_access(rule["bytes"], rule["access64"], capacity) / 8, rule, capacity in rule["bytes"])


def sram_access(sizes: list[int], energies: list[float], capacity: int) -> float:
    """pJ per 64-bit access: log-log between the points and beyond the last, square root below the first."""
    if capacity <= sizes[0]:
        return energies[0] * math.sqrt(capacity / sizes[0])
    i = next((i for i in range(1, len(sizes)) if capacity <= sizes[i]), len(sizes) - 1)
    slope = math.log(energies[i] / energies[i - 1]) / math.log(sizes[i] / sizes[i - 1])
    return float(energies[i] * (capacity / sizes[i]) ** slope)


def _dram(rule: Mapping[str, Any], _event: Event, _capacity: int) -> Price:
    accesses = BURST_BYTES // 8
    return Price(rule["low"] * accesses, rule["nominal"] * accesses, rule["high"] * accesses, False, rule["source"])


def _per_bit(rule: Mapping[str, Any], event: Event, _capacity: int) -> Price:
    return Price(
        rule["low"] * event.bits, rule["nominal"] * event.bits, rule["high"] * event.bits, True, rule["source"]
    )


def _fp_add(rule: Mapping[str, Any], event: Event, _capacity: int) -> Price:
    value = rule["points"].get(str(event.bits), rule["points"]["32"])
    return Price(value, value, value, False, rule["source"])


def _fp_multiply(rule: Mapping[str, Any], event: Event, _capacity: int) -> Price:
    value = rule["points"].get(str(event.bits))
    if value is not None:
        return Price(value, value, value, False, rule["source"])
    return _banded(rule["points"]["32"] * (53 / rule["square_above"]) ** 2, rule, published=False)


_RULES: dict[str, Callable[[Mapping[str, Any], Event, int], Price]] = {
    "multiply": _multiply,
    "add": _add,
    "sram": _sram,
    "dram": _dram,
    "register": _per_bit,
    "bank": _per_bit,
    "fp_add": _fp_add,
    "fp_multiply": _fp_multiply,
}
