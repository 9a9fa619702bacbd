"""What LOGISTIC and TANH share: a result for each of the 256 codes, by the profile's arithmetic."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fxsim._core.errors import QuantizationError
from fxsim.graph import DType, LayerStats
from fxsim.numerics import PROFILES, Rounding, quantize_multiplier, round_real
from fxsim.ops.base import Array, Floats, Operator, Outcome
from fxsim.ops.fixed_point import Ints, divide_by_pot, high_mul
from fxsim.ops.legality import Problems, quant_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics
    from fxsim.numerics import Affine

_INPUT_BITS = 4
"""Integer bits of the argument in fixed point."""
_LEAST_SCALE = 2.0**-28
"""Smaller input steps have a right shift in TFLite Micro, and no defined range."""


@dataclass(frozen=True, slots=True)
class Curve:
    """LOGISTIC and TANH have no attributes."""


class CurveOperator(Operator):
    """y = f(x) with fixed output parameters; y has x's shape.

    Profiles compute f in gemmlowp's fixed point (TFLite Micro) or in binary32 (LiteRT), where library functions are
    taken to be correctly rounded.
    """

    attrs = Curve
    out_bits: ClassVar[int]
    """The output scale is 2**-out_bits."""
    out_zero: ClassVar[int]

    @abstractmethod
    def real(self, x: Floats) -> Floats:
        """f in binary32, step by step as the runtime rounds."""

    @abstractmethod
    def fixed(self, x: Ints) -> Ints:
        """f in Q0.31 of x in Q4.27."""

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: types, quantization."""
        found = Problems()
        x = found.unary(net, node)
        if x is None:
            return found
        y = net.results(node)[0]
        if found.tensor("input", x, (DType.INT8,)):
            found.derivable(lambda: self.table(net, node))
        if found.tensor("output", y, (DType.INT8,)):
            scale, zero = float(quant_of(y).scale[0]), int(quant_of(y).zero_point[0])
            found.expect(
                (scale, zero) == (2.0**-self.out_bits, self.out_zero),
                f"output scale and zero point must be 1/{1 << self.out_bits} and {self.out_zero}, "
                f"not {scale:.9g} and {zero}",
            )
        return found

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return the input's shape."""
        return (net.values[node.inputs[0]].type.shape,)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - no accumulator
        """Look every code up."""
        x = np.asarray(inputs[0])
        return Outcome((self.table(net, node)[x.astype(np.int64) + 128],), LayerStats.empty())

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:  # noqa: ARG002 - elementwise
        """The function, rounded as LiteRT's."""
        return self.real(np.asarray(inputs[0], np.float32))

    def table(self, net: Network, node: Node) -> NDArray[np.int8]:
        """Results of the codes -128, -127, ..., 127.

        Raises
        ------
        QuantizationError
            The input has no scale, or one too small for the fixed-point arithmetic.
        """
        quant, differences = quant_of(net.values[node.inputs[0]]), np.arange(-128, 128)
        differences = differences - int(quant.zero_point[0])
        if node.op in PROFILES[net.profile].fixed_point:
            codes = self._fixed_codes(differences, float(quant.scale[0]))
        else:
            codes = self._real_codes(differences, quant)
        return codes.clip(-128, 127).astype(np.int8)

    def _real_codes(self, differences: Ints, quant: Affine) -> Ints:
        """round(f(scale * difference) / output scale) in binary32, ties away from zero."""
        with np.errstate(over="ignore", under="ignore"):
            results = self.real(quant.scale[0] * differences.astype(np.float32))
        steps = (results * np.float32(1 << self.out_bits)).astype(np.float64)
        return round_real(steps, Rounding.TIES_AWAY).astype(np.int64) + self.out_zero

    def _fixed_codes(self, differences: Ints, scale: float) -> Ints:
        """The argument by one multiplication, f, and one rounding; saturated beyond the argument's range of +-15."""
        if not scale >= _LEAST_SCALE:
            raise QuantizationError(f"input scale of {self.name} must be at least 2**-28", got=scale)
        multiplier, shift = quantize_multiplier(scale * 2.0 ** (31 - _INPUT_BITS))
        radius = math.floor(15 * 2.0 ** (31 - _INPUT_BITS - shift))
        inside = np.abs(differences) < radius
        argument = high_mul(np.where(inside, differences, 0) << min(shift, 31), multiplier)
        codes = divide_by_pot(self.fixed(argument), 31 - self.out_bits) + self.out_zero
        return np.where(inside, codes, np.where(differences >= max(radius, 1), 127, -128))
