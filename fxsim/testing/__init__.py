"""Hypothesis strategies, for users' tests as much as for our own: random hardware and random legal programs.

Needs the extra ``testing``.
"""

from fxsim.testing.machines import hardware
from fxsim.testing.programs import programs

__all__ = ["hardware", "programs"]
