"""Oracles at graph level: they never import isa, kernels, lowering or sim."""

from fxsim.oracle.golden import golden, golden_stats, input_arrays, operand_arrays

__all__ = ["golden", "golden_stats", "input_arrays", "operand_arrays"]
