"""Oracles at graph level: they never import isa, kernels, lowering or sim."""

from fxsim.oracle.fake_quant import BIASES, FakeQuant, FloatRun, fake_quant, float_run, real_bias
from fxsim.oracle.golden import golden, golden_stats, input_arrays, operand_arrays

__all__ = [
    "BIASES",
    "FakeQuant",
    "FloatRun",
    "fake_quant",
    "float_run",
    "golden",
    "golden_stats",
    "input_arrays",
    "operand_arrays",
    "real_bias",
]
