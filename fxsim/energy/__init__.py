"""Energy: integer event counts of a program times a table of prices."""

from fxsim.energy.count import EventCounts, count_events
from fxsim.energy.mac_events import scheme_events
from fxsim.energy.report import EnergyReport, energy_report
from fxsim.energy.value import LayerValueEnergy, ValueEnergy, value_report

__all__ = [
    "EnergyReport",
    "EventCounts",
    "LayerValueEnergy",
    "ValueEnergy",
    "count_events",
    "energy_report",
    "scheme_events",
    "value_report",
]
