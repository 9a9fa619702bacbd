"""QUANTIZE on the vector engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.rescale import prepare_rescale
from fxsim.ops import rescale_params

if TYPE_CHECKING:
    from fxsim.lowering.base import Emit, Site


def prepare_quantize(site: Site) -> Emit:
    """Requantize by the ratio of the scales."""
    return prepare_rescale(site, rescale_params(site.net, site.node))


LOWERINGS.add("QUANTIZE", Lowering(prepare_quantize))
