"""What a program is made of: instructions, constants, symbols and layers for one pinned hardware."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from fxsim._core.errors import ProgramError
from fxsim.isa.codec import instructions_of
from fxsim.isa.columns import Columns, decode_columns
from fxsim.isa.fields import WORD_BYTES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fxsim.hw import Hardware
    from fxsim.isa.base import Instruction

ITEM_BYTES = {"int8": 1, "uint8": 1, "int16": 2, "int32": 4, "int64": 8, "float32": 4}
"""Element types of symbols and their sizes."""
KINDS = ("input", "output", "tensor")
MEMORIES = ("DRAM", "ACT")
"""Where a symbol may live: DRAM, or the activation scratchpad (tensors between layers only)."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A tensor of the network by place.

    Attributes
    ----------
    name
        The network's own name.
    address
        Byte address in `memory`; elements are dense, row major, little-endian.
    shape
        As in the model, its first dimension included.
    dtype
        Element type by its NumPy name.
    scale, zero_point
        Quantization: empty, one entry, or one per index of dimension `axis`.
    axis
        Quantized dimension, None per tensor.
    kind
        ``input``, ``output`` or ``tensor``.
    ready, until
        The tensor is complete once `ready` instructions have run, and intact until `until` have.
    memory
        ``DRAM``, or ``ACT`` for a tensor that only ever lives in the activation scratchpad.
    """

    name: str
    address: int
    shape: tuple[int, ...]
    dtype: str
    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None
    kind: str
    ready: int
    until: int
    memory: str = "DRAM"

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor."""
        return math.prod(self.shape) * ITEM_BYTES[self.dtype]


@dataclass(frozen=True, slots=True)
class Layer:
    """One node of the network: what its instructions compute.

    Attributes
    ----------
    name, op
        The node's name and operator.
    macs
        Multiply-adds per sample, padded taps included.
    in_shapes, out_shapes
        Shapes of operands and results, absent operands left out.
    outputs
        Names of the results.
    channels
        Output channels that have accumulator statistics; 0 where the layer has no accumulators.
    dram_saved
        DRAM bytes per sample, in whole bursts, that the layer does not move because operands or results stay in the
        activation scratchpad: each such tensor once.
    """

    name: str
    op: str
    macs: int
    in_shapes: tuple[tuple[int, ...], ...]
    out_shapes: tuple[tuple[int, ...], ...]
    outputs: tuple[str, ...]
    channels: int
    dram_saved: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class Image:
    """The parts of a program; `fxsim.isa.Program` adds checks, files and text.

    Attributes
    ----------
    name, profile
        Of the network it came from.
    hardware
        The hardware that it was lowered to and that gives its instructions their meaning.
    code
        64 bytes per instruction.
    constants
        Image of DRAM from address 0: weight tiles, row records, tables. Read only, shared by all samples.
    dram_bytes
        DRAM of one sample, constants included.
    symbols
        Tensors by place.
    layers
        One per node, in order.
    layer_of
        int32 [instructions], the layer of each instruction; loads may stand among the instructions of earlier layers.
    batched
        Whether the model's first dimension is 1 and samples are independent runs.
    """

    schema: ClassVar[int] = 3

    name: str
    profile: str
    hardware: Hardware
    code: bytes
    constants: bytes
    dram_bytes: int
    symbols: tuple[Symbol, ...]
    layers: tuple[Layer, ...]
    layer_of: NDArray[np.int32]
    batched: bool

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} for {self.hardware.name}: {len(self)} instructions>"

    def __len__(self) -> int:
        return len(self.code) // WORD_BYTES

    @cached_property
    def columns(self) -> Columns:
        """The decoded fields; decoded and checked at first use."""
        return decode_columns(self.code)

    @cached_property
    def instructions(self) -> tuple[Instruction, ...]:
        """The instructions as objects; decoded at first use."""
        return tuple(instructions_of(self.columns))

    def symbol(self, name: str) -> Symbol:
        """Return the symbol called `name`; an unknown name is a `ProgramError`."""
        for symbol in self.symbols:
            if symbol.name == name:
                return symbol
        raise ProgramError(f"symbol must be one of: {', '.join(s.name for s in self.symbols)}", got=name)

    def layer_number(self, layer: int | str) -> int:
        """Find a layer by its name (of equal names the first one's) or number; an unknown one is a `ProgramError`."""
        names = [entry.name for entry in self.layers]
        if layer in names:
            return names.index(str(layer))
        if isinstance(layer, int) and 0 <= layer < len(names):
            return layer
        expected = f"layer must be one of: {', '.join(names)}, or a number in 0..{len(names) - 1}"
        raise ProgramError(expected, got=layer, where=self.name)

    def of_kind(self, kind: str) -> tuple[Symbol, ...]:
        """Symbols of one kind, in order."""
        return tuple(s for s in self.symbols if s.kind == kind)
