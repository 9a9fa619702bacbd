"""Integer formats, rounding, overflow, affine quantization, requantization schemes, profiles and prefix bounds.

Scalar kernels live in ``*_kernels.py``; `fxsim.numerics.reference` restates everything in plain Python integers and
shares no code with them.
"""

from fxsim.numerics.activation import activation_range, real_range, same_padding, valid_padding
from fxsim.numerics.affine import Affine
from fxsim.numerics.bit_kernels import (
    apply_overflow,
    average,
    overflowed,
    round_shift,
    rounding_divide_by_pot,
    rounding_half_sum,
    saturate,
    saturate_bits,
    saturating_rounding_multiply_by_pot,
    srdhm,
    srdhm16,
    wrap,
    wrap_unsigned,
    wrapping_shift_left,
)
from fxsim.numerics.bounds import overflow_array, prefix_bounds, signed_widths
from fxsim.numerics.float_kernels import convolve_floats, convolve_floats_by_channel
from fxsim.numerics.formats import IntFormat, bits_needed, saturate_array, wrap_array
from fxsim.numerics.modes import Overflow, Reduction, Rounding, SchemeCode
from fxsim.numerics.multiplier import (
    mean_multiplier,
    middle_factor,
    quantize_multiplier,
    quantize_multipliers,
    quantize_multipliers_single,
    softmax_params,
)
from fxsim.numerics.profiles import PROFILES, SUM_SHIFT, Profile
from fxsim.numerics.rounding import round_real
from fxsim.numerics.scheme import Requant, Scheme
from fxsim.numerics.scheme_kernels import requantize_scalar, rescale
from fxsim.numerics.schemes import SCHEMES, check_requant_width, monotone_limit, requantize, scheme_of
from fxsim.numerics.softmax_kernels import exp_on_negative_values, one_over_one_plus_x

__all__ = [
    "PROFILES",
    "SCHEMES",
    "SUM_SHIFT",
    "Affine",
    "IntFormat",
    "Overflow",
    "Profile",
    "Reduction",
    "Requant",
    "Rounding",
    "Scheme",
    "SchemeCode",
    "activation_range",
    "apply_overflow",
    "average",
    "bits_needed",
    "check_requant_width",
    "convolve_floats",
    "convolve_floats_by_channel",
    "exp_on_negative_values",
    "mean_multiplier",
    "middle_factor",
    "monotone_limit",
    "one_over_one_plus_x",
    "overflow_array",
    "overflowed",
    "prefix_bounds",
    "quantize_multiplier",
    "quantize_multipliers",
    "quantize_multipliers_single",
    "real_range",
    "requantize",
    "requantize_scalar",
    "rescale",
    "round_real",
    "round_shift",
    "rounding_divide_by_pot",
    "rounding_half_sum",
    "same_padding",
    "saturate",
    "saturate_array",
    "saturate_bits",
    "saturating_rounding_multiply_by_pot",
    "scheme_of",
    "signed_widths",
    "softmax_params",
    "srdhm",
    "srdhm16",
    "valid_padding",
    "wrap",
    "wrap_array",
    "wrap_unsigned",
    "wrapping_shift_left",
]
