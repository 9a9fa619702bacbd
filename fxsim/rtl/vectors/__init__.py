"""Golden vectors of one layer: what goes in, what the array holds at every cycle, what comes out."""

from fxsim.rtl.vectors.arrays import VectorArray, VectorSet
from fxsim.rtl.vectors.layer import layer_vectors
from fxsim.rtl.vectors.words import readmemh_text
from fxsim.rtl.vectors.write import FORMATS, check_vectors_folder, write_vectors

__all__ = [
    "FORMATS",
    "VectorArray",
    "VectorSet",
    "check_vectors_folder",
    "layer_vectors",
    "readmemh_text",
    "write_vectors",
]
