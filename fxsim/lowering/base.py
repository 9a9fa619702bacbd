"""What a lowering rule is: it prepares constants and tiles of one node, then emits its instructions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim._core.errors import LoweringError, UnsupportedError
from fxsim._core.registry import Registry
from fxsim.isa import Instruction
from fxsim.lowering.allocate import DRAM_ALIGNMENT, align

if TYPE_CHECKING:
    from fxsim.graph import Network, Node, TensorType
    from fxsim.hw import Hardware
    from fxsim.lowering.buffers import Buffers
    from fxsim.lowering.mac_choice import Option
    from fxsim.lowering.tiling import Span
    from fxsim.numerics import Affine
    from fxsim.ops import Window

INSTRUCTION_LIMIT = 1 << 22
"""Longest program; a layer that needs more is refused before anything is emitted."""

Emit = Callable[[tuple[int, ...], int], Iterator[Instruction]]
"""(DRAM addresses of the operands, 0 for constants and absent ones; of the result) → instructions without tokens."""


class ConstantPool:
    """The DRAM image of everything constant, from address 0."""

    def __init__(self) -> None:
        self._image = bytearray()

    def add(self, data: bytes) -> int:
        """Append `data` at the next burst boundary; its address."""
        address = align(len(self._image), DRAM_ALIGNMENT)
        self._image += bytes(address - len(self._image)) + data
        return address

    def image(self) -> bytes:
        """Everything added so far."""
        return bytes(self._image)


@dataclass(frozen=True, slots=True)
class Homes:
    """Which tensors of a node live in the activation scratchpad as a whole, and what is left for tiles there.

    Attributes
    ----------
    operands
        Per operand, the activation scratchpad address of its byte 0; None where it comes from DRAM (or is a constant).
    result
        The same for the result; None where it goes to DRAM.
    room
        Activation scratchpad bytes that the layer's own tiles may use.
    """

    operands: tuple[int | None, ...]
    result: int | None
    room: Span


@dataclass(frozen=True, slots=True)
class Site:
    """One node to be lowered: network, hardware with the node's own numerics, constants so far, homes, buffers."""

    net: Network
    node: Node
    hardware: Hardware
    constants: ConstantPool
    homes: Homes
    buffers: Buffers

    def tiles(self, size: int, count: int, behind: int) -> deque[int]:
        """Addresses of `count` buffers of `size` bytes in the layer's room, `behind` bytes after its start."""
        first = self.homes.room.start + behind
        return deque(first + size * i for i in range(count))

    @property
    def double(self) -> bool:
        """Whether tiles get two buffers each, so that one is filled while the other is in use."""
        return self.hardware.timing.double_buffering == "on"

    @property
    def where(self) -> str:
        """The node, for messages."""
        return f"node {self.node.name!r}"

    @property
    def source(self) -> TensorType:
        """Type of the first operand."""
        return self.net.values[self.node.inputs[0]].type

    @property
    def source_quant(self) -> Affine:
        """Quantization of the first operand."""
        if self.source.quant is None:
            raise LoweringError("operand must be quantized", where=self.where)
        return self.source.quant

    @property
    def result(self) -> TensorType:
        """Type of the result."""
        return self.net.values[self.node.outputs[0]].type

    def check_length(self, instructions: int) -> None:
        """Refuse a layer of so many instructions; `LoweringError` names the node."""
        if instructions > INSTRUCTION_LIMIT:
            raise LoweringError(
                f"a layer must need at most {INSTRUCTION_LIMIT} instructions", got=instructions, where=self.where
            )


@dataclass(frozen=True, slots=True)
class Lowering:
    """How one operator is lowered.

    `prepare` validates the node against the hardware, chooses tiles, adds constants, and returns the emitter. An
    `alias` has no instructions: its result is the first operand's bytes under another name. `options` lists the ways
    to run the node, the one that `prepare` takes first; None where there is only one. `window` is how the node's
    instructions see the images of its first operand; None where they take it as lines of bytes.
    """

    prepare: Callable[[Site], Emit]
    alias: bool = False
    options: Callable[[Site], list[Option]] | None = None
    window: Callable[[Network, Node], Window] | None = None


LOWERINGS: Registry[Lowering] = Registry("lowering rule", folder="fxsim.lowering.ops", error=UnsupportedError)
"""Lowering rules by operator name; one file each in ``fxsim/lowering/ops``, same stem as in ``fxsim/ops``."""
