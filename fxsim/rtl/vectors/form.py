"""`Format`: one way to write arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fxsim.rtl.vectors.arrays import VectorArray, VectorSet


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write arrays.

    Attributes
    ----------
    radix
        How numbers are written.
    use
        Markdown for the reader of the files.
    file_of
        The file in which an array stands.
    files
        Contents by file name; text is ASCII.
    """

    radix: str
    use: str
    file_of: Callable[[VectorArray], str]
    files: Callable[[VectorSet], dict[str, bytes]]
