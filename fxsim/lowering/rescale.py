"""Lowering of element-wise requantization: QUANTIZE and the clamping activations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.errors import LoweringError
from fxsim.isa import VReq
from fxsim.lowering.flat import prepare_flat

if TYPE_CHECKING:
    from fxsim.lowering.base import Emit, Site
    from fxsim.ops import RescaleParams


def prepare_rescale(site: Site, params: RescaleParams) -> Emit:
    """Requantize in place; a profile whose scheme is a float one is refused, VREQ holds an integer multiplier."""
    if not params.scheme.synthesizable:
        raise LoweringError(
            f"scheme of {site.node.op} must be an integer one", got=params.scheme.name, where=site.where
        )
    multiplier, shift = int(params.requant.multiplier[0]), int(params.requant.shift[0])

    def compute(count: int, x_addr: int, out_addr: int) -> VReq:
        return VReq(
            count=count,
            x_addr=x_addr,
            out_addr=out_addr,
            scheme=params.scheme.code,
            multiplier=multiplier,
            shift=shift,
            in_zero=params.in_zero,
            out_zero=params.out_zero,
            clamp_lo=params.lo,
            clamp_hi=params.hi,
            x_signed=int(site.source.dtype.lo < 0),
        )

    return prepare_flat(site, (1, 1), compute)
