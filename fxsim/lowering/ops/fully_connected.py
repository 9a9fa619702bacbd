"""FULLY_CONNECTED on the MAC engine: a 1x1 window over one row of pixels, one pixel per vector."""

from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.mac_layer import mac_site_options, prepare_mac
from fxsim.ops import window_of

LOWERINGS.add("FULLY_CONNECTED", Lowering(prepare_mac, options=mac_site_options, window=window_of))
