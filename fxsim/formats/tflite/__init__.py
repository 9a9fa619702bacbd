"""TFLite: checked reader, structural verifier, writer."""

from fxsim.formats.tflite.patch import reset_stray_axes
from fxsim.formats.tflite.reader import read_tflite
from fxsim.formats.tflite.verifier import verify
from fxsim.formats.tflite.writer import write_tflite

__all__ = ["read_tflite", "reset_stray_axes", "verify", "write_tflite"]
