"""Timelines and waveforms as files for viewers: `save_perfetto` (JSON), `save_vcd` (needs the extra ``waves``)."""

from fxsim.waves.perfetto import save_perfetto
from fxsim.waves.vcd import check_vcd, save_vcd

__all__ = ["check_vcd", "save_perfetto", "save_vcd"]
