"""Describe a model, a program file or a hardware."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("thing", help="a .tflite model, a .fxp program, a hardware preset or a .toml file")


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    suffix = Path(args.thing).suffix
    describe = {".tflite": _model, ".fxp": _program}.get(suffix, _hardware)
    sys.stdout.write(describe(args.thing).rstrip("\n") + "\n")
    return 0


def _model(path: str) -> str:
    import fxsim
    from fxsim.graph import network_text

    return network_text(fxsim.load(path))


def _program(path: str) -> str:
    import fxsim

    program = fxsim.Program.load(Path(path))
    return "\n".join(
        [
            f"program {program.name}: profile {program.profile}, {len(program.layer_of):,} instructions, "
            f"{len(program.constants):,} bytes of constants, {program.dram_bytes:,} bytes of DRAM per sample",
            *(f"  layer {i}: {layer.op} {layer.name}" for i, layer in enumerate(program.layers)),
            program.hardware.to_toml(),
        ]
    )


def _hardware(name: str) -> str:
    import fxsim

    return str(fxsim.Hardware.load(name).to_toml())
