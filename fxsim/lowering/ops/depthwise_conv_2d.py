"""DEPTHWISE_CONV_2D on the MAC engine, private x: every row reads its own input channel."""

from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.mac_layer import mac_site_options, prepare_mac
from fxsim.ops import window_of

LOWERINGS.add("DEPTHWISE_CONV_2D", Lowering(prepare_mac, options=mac_site_options, window=window_of))
