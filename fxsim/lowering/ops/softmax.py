"""SOFTMAX on the vector engine, whole rows at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.isa import Softmax
from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.flat import prepare_flat
from fxsim.numerics import softmax_params

if TYPE_CHECKING:
    from fxsim.lowering.base import Emit, Site


def prepare_softmax(site: Site) -> Emit:
    """Rows of the last dimension in place; parameters from beta and the input scale."""
    length = site.source.shape[-1]
    multiplier, left_shift, diff_min = softmax_params(site.node.attrs.beta, site.source_quant.scale[0])

    def compute(rows: int, x_addr: int, out_addr: int) -> Softmax:
        return Softmax(
            rows=rows,
            length=length,
            x_addr=x_addr,
            out_addr=out_addr,
            multiplier=multiplier,
            left_shift=left_shift,
            diff_min=diff_min,
        )

    return prepare_flat(site, (length, length), compute)


LOWERINGS.add("SOFTMAX", Lowering(prepare_softmax))
