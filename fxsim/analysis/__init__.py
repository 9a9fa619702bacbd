"""Accumulator widths, what overflow does, and sweeps over hardware: questions asked of whole networks."""
