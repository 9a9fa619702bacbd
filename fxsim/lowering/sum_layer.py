"""What ADD and SUB share: the fields of VADD."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.errors import LoweringError
from fxsim.isa import VAdd
from fxsim.lowering.binary_layer import Lines, prepare_binary
from fxsim.ops import sum_params

if TYPE_CHECKING:
    from fxsim.lowering.base import Emit, Site

SCHEME = "TFL_DOUBLE"
"""The scheme that VADD is made of."""


def prepare_sum(subtract: bool, site: Site) -> Emit:
    """Lower an ADD or SUB node; a profile whose scheme is not the instruction's is refused."""
    params = sum_params(site.net, site.node)
    if params.scheme.name != SCHEME:
        raise LoweringError(f"scheme of {site.node.op} must be {SCHEME}", got=params.scheme.name, where=site.where)
    multipliers, shifts = params.requant.multiplier.tolist(), (-params.requant.shift).tolist()

    def compute(lines: Lines) -> VAdd:
        return VAdd(
            **lines,
            subtract=int(subtract),
            x_zero=params.zeros[0],
            y_zero=params.zeros[1],
            out_zero=params.out_zero,
            x_multiplier=multipliers[0],
            y_multiplier=multipliers[1],
            out_multiplier=multipliers[2],
            x_shift=shifts[0],
            y_shift=shifts[1],
            out_shift=shifts[2],
            clamp_lo=params.lo,
            clamp_hi=params.hi,
        )

    return prepare_binary(site, compute)
