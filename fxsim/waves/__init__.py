"""Timelines and waveforms as files for viewers: `save_perfetto` (JSON), `save_vcd` (needs the extra ``waves``)."""

from fxsim.waves.perfetto import save_perfetto

__all__ = ["save_perfetto"]
