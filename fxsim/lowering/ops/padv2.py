"""PADV2 by DMA copies and fills."""

from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.pad_layer import prepare_pad

LOWERINGS.add("PADV2", Lowering(prepare_pad))
