"""Where networks come from: checked model readers, a .tflite writer for generated models, GEMMs by their size."""

from fxsim.formats.gemm import gemm, parse_gemm
from fxsim.formats.tflite import read_tflite, write_tflite

__all__ = ["gemm", "parse_gemm", "read_tflite", "write_tflite"]
