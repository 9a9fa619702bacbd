"""For users' tests as much as for our own: hypothesis strategies (random hardware, random legal programs), networks.

Needs the extra ``testing``.
"""

from fxsim.testing.machines import hardware
from fxsim.testing.mobilenet import mobilenet_v1
from fxsim.testing.programs import programs, programs_with_data

__all__ = ["hardware", "mobilenet_v1", "programs", "programs_with_data"]
