"""Runtime profiles: which scheme and which scale derivation each operator of one runtime uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxsim._core.errors import QuantizationError
from fxsim._core.registry import Registry
from fxsim.numerics.modes import SchemeCode
from fxsim.numerics.schemes import SCHEMES

if TYPE_CHECKING:
    from fxsim.numerics.scheme import Scheme

Steps = NDArray[np.float32]
Reals = NDArray[np.float64]
SUM_SHIFT = 20
"""Bits that the operands of ADD and SUB are shifted to the left before they are rescaled to a common step."""

Derivation = Callable[[Steps, Steps, Steps], Reals]


def _double(si: Steps, sw: Steps, so: Steps) -> Reals:
    """double(si) * double(sw) / double(so): kernel_util.cc PopulateConvolutionQuantizationParams."""
    return si.astype(np.float64) * sw.astype(np.float64) / so.astype(np.float64)


def _float_product(si: Steps, sw: Steps, so: Steps) -> Reals:
    """double(f32(si * sw)) / double(so): kernel_util.cc GetQuantizedConvolutionMultipler."""
    with np.errstate(over="ignore", under="ignore"):
        product = si * sw
    return product.astype(np.float64) / so.astype(np.float64)


def _ratio(si: Steps, sw: Steps, so: Steps) -> Reals:
    """double(si) / double(so), no weights: quantize.cc, reduce.cc; RELU of TensorFlow Lite Micro."""
    del sw
    return si.astype(np.float64) / so.astype(np.float64)


def _sum(s1: Steps, s2: Steps, so: Steps) -> Reals:
    """Factors of the two operands and of their sum, in binary64: add.cc, sub.cc."""
    first, second, out = (s.astype(np.float64) for s in (s1, s2, so))
    twice = 2 * np.maximum(first, second)
    return np.concatenate((first / twice, second / twice, twice / (out * (1 << SUM_SHIFT))))


def _float_ratio(si: Steps, sw: Steps, so: Steps) -> Reals:
    """double(f32(si / so)), no weights: activations.cc."""
    del sw
    with np.errstate(over="ignore", under="ignore"):
        return (si / so).astype(np.float64)


def _float_throughout(s1: Steps, s2: Steps, so: Steps) -> Reals:
    """f32(f32(s1 * s2) / so): mul.cc."""
    with np.errstate(over="ignore", under="ignore"):
        factor: Steps = s1 * s2 / so
    return factor.astype(np.float64)


@dataclass(frozen=True, slots=True)
class OpRule:
    """How one operator requantizes: the scheme, and the real factors per tensor and per channel.

    Operators with two computed operands have the second one's step in the place of the weights'; ADD and SUB have
    three factors: of both operands, and of the result.
    """

    scheme: SchemeCode
    per_tensor: Derivation
    per_channel: Derivation


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The numerics of one runtime.

    Attributes
    ----------
    name
        Name in the registry.
    rules
        Operator name (TFLite spelling) to rule, for the operators that requantize.
    certified
        What the profile is tested against, element by element.
    fixed_point
        Operators computed in gemmlowp's fixed point; elsewhere they are tables of binary32 reals.
    unscaled
        Activations that only clamp codes, by the input's parameters; elsewhere they requantize to the output's.
    """

    name: str
    rules: Mapping[str, OpRule]
    certified: str
    fixed_point: frozenset[str] = frozenset()
    unscaled: frozenset[str] = frozenset()

    def _rule(self, op: str) -> OpRule:
        if op not in self.rules:
            raise QuantizationError(f"operator of profile {self.name} must be one of: {', '.join(self.rules)}", got=op)
        return self.rules[op]

    def scheme(self, op: str) -> Scheme:
        """Scheme of operator `op`; `QuantizationError` if the profile has no rule for it."""
        return SCHEMES[self._rule(op).scheme.name]

    def multiplier(self, op: str, per_channel: bool, si: ArrayLike, sw: ArrayLike | None, so: ArrayLike) -> Reals:
        """Real factors float64[n] of operator `op` in the runtime's own float32 and float64 steps.

        Parameters
        ----------
        per_channel
            Whether the weights are quantized per channel.
        si, sw, so
            float32 steps of input, weights (n of them; `None` for operators without weights) and output; of ADD
            and SUB: of both operands and the output, for three factors.
        """
        rule = self._rule(op)
        derivation = rule.per_channel if per_channel else rule.per_tensor
        steps = [np.asarray(1.0 if s is None else s, dtype=np.float32).reshape(-1) for s in (si, sw, so)]
        return derivation(*steps)


PROFILES: Registry[Profile] = Registry("profile", error=QuantizationError)
"""Every profile by name."""

_CONV = OpRule(SchemeCode.TFL_DOUBLE, _double, _double)
_SUM = OpRule(SchemeCode.TFL_DOUBLE, _sum, _sum)
_RATIO = OpRule(SchemeCode.TFL_DOUBLE, _ratio, _ratio)
_ACTIVATION = OpRule(SchemeCode.TFL_DOUBLE, _float_ratio, _float_ratio)
_TFLITE_OPS = {
    "CONV_2D": _CONV,
    "DEPTHWISE_CONV_2D": _CONV,
    "FULLY_CONNECTED": OpRule(SchemeCode.TFL_DOUBLE, _float_product, _double),
    "MEAN": _RATIO,
    "QUANTIZE": _RATIO,
    "ADD": _SUM,
    "RELU": _RATIO,
    "RELU6": _ACTIVATION,
    "RELU_N1_TO_1": _ACTIVATION,
    "SUB": _SUM,
    "MUL": OpRule(SchemeCode.TFL_DOUBLE, _double, _double),
}
_LITERT_OPS = {
    **_TFLITE_OPS,
    "FULLY_CONNECTED": OpRule(SchemeCode.TFL_DOUBLE_FP, _double, _double),
    "RELU": _ACTIVATION,
    "MUL": OpRule(SchemeCode.TFL_DOUBLE, _float_throughout, _float_throughout),
}

PROFILES.add(
    "tflite",
    Profile(
        "tflite",
        MappingProxyType(_TFLITE_OPS),
        "LiteRT reference resolver; FULLY_CONNECTED, MUL, LOGISTIC, TANH, RELU and RELU6 by TensorFlow Lite Micro",
        fixed_point=frozenset({"LOGISTIC", "TANH"}),
        unscaled=frozenset({"RELU6"}),
    ),
)
PROFILES.add("litert", Profile("litert", MappingProxyType(_LITERT_OPS), "LiteRT reference resolver"))
