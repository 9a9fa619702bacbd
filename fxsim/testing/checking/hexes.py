"""Numbers as `$readmemh` reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.rtl import readmemh_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


def hex_files(parts: Mapping[str, tuple[NDArray[np.integer], int]]) -> dict[str, bytes]:
    """Return one file per array, given with its width in bits; a comment says its shape."""
    return {
        f"{name}.hex": f"// {name}: {list(codes.shape)}, row major, {bits} bits\n".encode()
        + readmemh_text(codes.reshape(-1), bits).encode()
        for name, (codes, bits) in parts.items()
    }
