"""MEAN on the vector engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.errors import LoweringError
from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.reduce_layer import prepare_reduce
from fxsim.ops import mean_axes, mean_params

if TYPE_CHECKING:
    from fxsim.lowering.base import Emit, Site


def prepare_mean(site: Site) -> Emit:
    """Sum and requantize; a profile whose scheme is a float one is refused, REDUCE holds an integer multiplier."""
    params = mean_params(site.net, site.node)
    if not params.scheme.synthesizable:
        raise LoweringError("scheme of MEAN must be an integer one", got=params.scheme.name, where=site.where)
    return prepare_reduce(site, mean_axes(site.net, site.node), params)


LOWERINGS.add("MEAN", Lowering(prepare_mean))
