"""RELU6 on the vector engine."""

from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.rescale import prepare_rescale
from fxsim.ops import clamp_params

LOWERINGS.add("RELU6", Lowering(lambda site: prepare_rescale(site, clamp_params(site.net, site.node))))
