"""PAD by DMA copies and fills."""

from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.pad_layer import prepare_pad

LOWERINGS.add("PAD", Lowering(prepare_pad))
