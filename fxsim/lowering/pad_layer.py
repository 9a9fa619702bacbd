"""What PAD and PADV2 share: the operand is a box of the result, the rest is one code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.lowering.assembly import Assembly, Box, prepare_assembly
from fxsim.lowering.tiling import Span
from fxsim.ops import pad_params

if TYPE_CHECKING:
    from fxsim.lowering.base import Emit, Site


def prepare_pad(site: Site) -> Emit:
    """Lower a PAD or PADV2 node."""
    params = pad_params(site.net, site.node)
    spans = [Span(before, before + size) for (before, _), size in zip(params.pads, site.source.shape, strict=True)]
    return prepare_assembly(site, Assembly(site.result.shape, (Box(0, tuple(spans)),), params.code))
