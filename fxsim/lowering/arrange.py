"""From emitted instructions to code: words, file order, tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import LoweringError, ProgramError
from fxsim.isa import WORD_BYTES, Instruction, decode_columns, encode, regions, with_tokens
from fxsim.lowering.accesses import listed
from fxsim.lowering.memory import is_alias
from fxsim.lowering.prefetch import Bounds, prefetch_order
from fxsim.lowering.tokens import place_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fxsim.graph import Network
    from fxsim.hw import Hardware

Layers = NDArray[np.int32]


def arrange(
    net: Network, instructions: Sequence[Instruction], layer_of: Layers, resident: Mapping[int, int], hardware: Hardware
) -> tuple[bytes, Layers]:
    """Encode, let loads run ahead where buffers are doubled, and place tokens: the code and its layers.

    `resident` holds the activation scratchpad address of every value that lives there.

    Raises
    ------
    LoweringError
        A field does not hold its value; the message names the node.
    """
    code = _encode(net, instructions, layer_of)
    columns = decode_columns(code)
    spans = regions(columns, hardware.timing.rows, hardware.timing.cols)
    touched = listed(spans, len(columns))
    if hardware.timing.double_buffering == "on":
        order = prefetch_order(columns, spans, _completed(net, layer_of, resident))
        code = np.frombuffer(code, np.uint8).reshape(-1, WORD_BYTES)[order].tobytes()
        layer_of, touched, columns = layer_of[order], [touched[i] for i in order], decode_columns(code)
    tokens = place_tokens(columns, touched)
    return with_tokens(code, tokens.pops, tokens.pushes), layer_of


def _completed(net: Network, layer_of: Layers, resident: Mapping[int, int]) -> Bounds:
    """Per instruction, the bytes of the resident tensor that it completes: the last one of the tensor's layer does."""
    ends = np.searchsorted(layer_of, np.arange(len(net.nodes)), side="right").tolist()
    lo, hi = np.zeros((2, len(layer_of)), np.int64)
    for node, end in zip(net.nodes, ends, strict=True):
        (result,) = node.outputs
        if result in resident and not is_alias(node):
            lo[end - 1] = resident[result]
            hi[end - 1] = lo[end - 1] + net.values[result].type.nbytes
    return lo, hi


def _encode(net: Network, instructions: Sequence[Instruction], layer_of: Layers) -> bytes:
    try:
        return encode(instructions)
    except ProgramError:
        _refuse(net, instructions, layer_of)
        raise


def _refuse(net: Network, instructions: Sequence[Instruction], layer_of: Layers) -> None:
    """Name the node and the field of the first instruction that cannot be encoded."""
    for instruction, layer in zip(instructions, layer_of, strict=True):
        try:
            instruction.check()
        except ProgramError as error:
            raise LoweringError(str(error), where=f"node {net.nodes[int(layer)].name!r}") from None
