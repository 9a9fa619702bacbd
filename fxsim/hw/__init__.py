"""The hardware as data: descriptions, presets, event vocabulary, energy tables."""

from fxsim.hw.description import Numerics, Timing
from fxsim.hw.hardware import DEFAULT_PRESET, Hardware, presets

__all__ = ["DEFAULT_PRESET", "Hardware", "Numerics", "Timing", "presets"]
