"""What the tests of generated hardware need besides Python: Verilator, g++ and make."""

from __future__ import annotations

import shutil

from fxsim.rtl import missing_tools
from tests.given import absent


def require_rtl() -> None:
    """Skip the test where hardware cannot be built (FXSIM_REQUIRE_RTL=1: fail)."""
    missing = missing_tools() or ("" if shutil.which("make") else "make is not installed")
    if missing:
        absent(missing, "FXSIM_REQUIRE_RTL")
