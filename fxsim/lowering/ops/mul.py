"""MUL on the vector engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.errors import LoweringError
from fxsim.isa import VMul
from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.binary_layer import Lines, prepare_binary
from fxsim.ops import product_params

if TYPE_CHECKING:
    from fxsim.lowering.base import Emit, Site


def prepare_mul(site: Site) -> Emit:
    """Lower a MUL node; a profile whose scheme is a float one is refused, VMUL holds an integer multiplier."""
    params = product_params(site.net, site.node)
    if not params.scheme.synthesizable:
        raise LoweringError("scheme of MUL must be an integer one", got=params.scheme.name, where=site.where)

    def compute(lines: Lines) -> VMul:
        return VMul(
            **lines,
            scheme=params.scheme.code,
            multiplier=int(params.requant.multiplier[0]),
            shift=int(params.requant.shift[0]),
            x_zero=params.zeros[0],
            y_zero=params.zeros[1],
            out_zero=params.out_zero,
            clamp_lo=params.lo,
            clamp_hi=params.hi,
        )

    return prepare_binary(site, compute)


LOWERINGS.add("MUL", Lowering(prepare_mul))
