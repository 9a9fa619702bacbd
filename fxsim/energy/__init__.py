"""Energy: integer event counts of a program times a table of prices."""

from fxsim.energy.count import EventCounts, count_events
from fxsim.energy.report import EnergyReport, energy_report

__all__ = ["EnergyReport", "EventCounts", "count_events", "energy_report"]
