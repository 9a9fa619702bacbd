"""`Tensors`: named integer results, sample first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import QuantizationError

if TYPE_CHECKING:
    from fxsim.numerics import Affine


class Tensors(Mapping[str, NDArray[np.generic]]):
    """Arrays by tensor name, sample axis first; codes in the tensor's own dtype (float32 behind a DEQUANTIZE).

    Parameters
    ----------
    arrays
        Name to array.
    quants
        Name to the per-tensor quantization of its codes; None for reals.
    """

    def __init__(self, arrays: Mapping[str, NDArray[np.generic]], quants: Mapping[str, Affine | None]) -> None:
        self._arrays = dict(arrays)
        self._quants = {name: quants.get(name) for name in self._arrays}

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        return "\n".join(["Tensors:", *(f"  {name}: {a.dtype}{list(a.shape)}" for name, a in self._arrays.items())])

    @property
    def quants(self) -> dict[str, Affine | None]:
        """Name to the quantization of its codes; None for reals."""
        return dict(self._quants)

    def subset(self, names: Iterable[str]) -> Tensors:
        """Return the tensors called `names`, in that order."""
        return Tensors({name: self._arrays[name] for name in names}, self._quants)

    def dequantize(self) -> dict[str, NDArray[np.float32]]:
        """Return the real values of every tensor, float32; `QuantizationError` for integer codes without a scale."""
        return {name: self._real(name, array) for name, array in self._arrays.items()}

    def _real(self, name: str, array: NDArray[np.generic]) -> NDArray[np.float32]:
        if np.issubdtype(array.dtype, np.floating):
            return array.astype(np.float32)
        quant = self._quants[name]
        if quant is None:
            raise QuantizationError("tensor must have a scale to be dequantized", where=f"tensor {name!r}")
        return quant.dequantize(array)
