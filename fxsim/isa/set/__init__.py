"""The instruction set: every module of this folder registers its instructions when it is imported."""
