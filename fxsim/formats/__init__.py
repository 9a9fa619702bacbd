"""Model formats: checked readers into `Network`, and a .tflite writer for generated models."""

from fxsim.formats.tflite import read_tflite, write_tflite

__all__ = ["read_tflite", "write_tflite"]
