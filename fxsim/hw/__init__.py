"""The hardware as data: descriptions, presets, event vocabulary, energy tables."""

from fxsim.hw.description import Numerics, Timing
from fxsim.hw.energy_table import DEFAULT_TABLE, EnergyTable, Price, energy_tables
from fxsim.hw.events import BURST_BYTES, GROUP_OF, GROUPS, Event, Kind
from fxsim.hw.hardware import DEFAULT_PRESET, Hardware, presets

__all__ = [
    "BURST_BYTES",
    "DEFAULT_PRESET",
    "DEFAULT_TABLE",
    "GROUPS",
    "GROUP_OF",
    "EnergyTable",
    "Event",
    "Hardware",
    "Kind",
    "Numerics",
    "Price",
    "Timing",
    "energy_tables",
    "presets",
]
