"""Networks of one operator with their inputs, and whole networks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from fxsim.graph import DType, Network, input_specs, sample_shape
from fxsim.numerics import IntFormat
from fxsim.ops import MAC_OPERATORS, mac_params, window_operands
from fxsim.testing.integers import tensors
from fxsim.testing.quantization import affines
from fxsim.testing.steps import RANKS, STEPS, DrawnChain, older_operand, older_part, step_of, tail
from fxsim.testing.sums import aimed_biases

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WINDOWED = ("MAX_POOL_2D", "AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D")
_BETWEEN = (
    [older_operand, step_of("PAD"), step_of("PADV2"), older_part],
    [step_of(op) for op in ("RELU", "RELU6", "RELU_N1_TO_1", "LOGISTIC", "TANH")],
)
_BIAS = IntFormat(31)
"""Biases that stay 32-bit numbers when a zero point is folded into them."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A network and what to run it on.

    Attributes
    ----------
    network
        One that `fxsim.ops.validate` accepts.
    x
        Input name -> codes, sample axis first, as `fxsim.golden` and `fxsim.simulate` take them.
    """

    network: Network
    x: dict[str, NDArray[Any]]


def layers(op: str | None = None, *, profile: str = "tflite", acc_bits: int = 32) -> st.SearchStrategy[Case]:
    """Networks of one operator, any by default, with one or two samples.

    Shapes are small; strides, dilation, padding, kernels that exceed the input, fused activations, broadcasting and
    missing biases are all drawn. Data are `tensors`, steps and zero points `affines`. Of a MAC operator's biases most
    are solved for one output's sum: it lies on an end of accumulators of `acc_bits` or 1 beside, or on a tie of the
    requantizer or 1 beside. Shrinks towards shapes of ones, steps of 1 and zeros.

    Parameters
    ----------
    op
        Name in `fxsim.ops.OPERATORS`.
    profile
        Name in `fxsim.numerics.PROFILES`.
    acc_bits
        Width whose ends the sums of MAC operators seek. Biases of at most 31 bits do so; a bias itself may leave
        narrower accumulators.

    Raises
    ------
    GraphError
        No strategy draws `op`.
    """
    if op is not None:
        step_of(op)
    return _layers(st.sampled_from(sorted(STEPS)) if op is None else st.just(op), profile, acc_bits)


@st.composite
def _layers(draw: st.DrawFn, ops: st.SearchStrategy[str], profile: str, acc_bits: int) -> Case:
    op = draw(ops)
    chain = draw(_chains(op))
    step_of(op)(chain)
    net = chain.build(profile=profile)
    x = draw(samples(net))
    return Case(draw(_aimed(net, x["x"], acc_bits)) if op in MAC_OPERATORS else net, x)


@st.composite
def networks(draw: st.DrawFn, *, profile: str | None = None) -> Network:
    """Networks of one or two windowed layers with other operators between them and behind.

    One input of four dimensions, int8, or uint8 and quantized first; every operator of `layers` but SQUEEZE and
    EXPAND_DIMS; operands of ADD, SUB, MUL and CONCATENATION are older tensors, so that tensors live long, or constants.
    Data and quantization parameters are drawn as for `layers`; `samples` draws inputs. Shrinks towards one pooling of
    one pixel.

    Parameters
    ----------
    profile
        Name in `fxsim.numerics.PROFILES`; tflite or litert by default.
    """
    chain = draw(_chains("CONV_2D"))
    if draw(st.booleans()):
        chain = draw(_chains("CONV_2D", unsigned=True))
        chain.quantize(DType.INT8, *chain.quant())
    for _ in range(draw(st.integers(1, 2))):
        step_of(draw(st.sampled_from(_WINDOWED)))(chain)
        for more in _BETWEEN:
            if draw(st.booleans()):
                draw(st.sampled_from(more))(chain)
    if draw(st.booleans()):
        tail(chain)
    return chain.build(profile=draw(st.sampled_from(("tflite", "litert"))) if profile is None else profile)


@st.composite
def samples(draw: st.DrawFn, net: Network) -> dict[str, NDArray[Any]]:
    """One or two samples for the inputs of a network of integers: name -> codes, sample axis first.

    Codes are `tensors` near the input's zero point. Shrinks towards one sample of zeros.
    """
    count = draw(st.integers(1, 2))
    found = {}
    for spec in input_specs(net):
        near = () if spec.quant is None else (int(spec.quant.zero_point[0]),)
        codes = draw(tensors((count, *sample_shape(spec.shape)), IntFormat.of(spec.dtype.numpy), *near))
        found[spec.name] = codes.astype(spec.dtype.numpy)
    return found


@st.composite
def _chains(draw: st.DrawFn, op: str, *, unsigned: bool = False) -> DrawnChain:
    """Chains that hold an input for `op`."""
    lo, hi = RANKS.get(op, (1, 4))
    rank = draw(st.integers(lo, hi))
    batch = draw(st.sampled_from((1, 1, 2)))
    rest = draw(st.lists(st.integers(1, 6), min_size=rank - 1, max_size=rank - 1))
    unsigned = unsigned or (op in ("QUANTIZE", "DEQUANTIZE") and draw(st.booleans()))
    quant = draw(affines(IntFormat(8, not unsigned)))
    return DrawnChain(
        (batch, *rest),
        scale=float(quant.scale[0]),
        zero_point=int(quant.zero_point[0]),
        dtype=DType.UINT8 if unsigned else DType.INT8,
        draw=draw,
    )


@st.composite
def _aimed(draw: st.DrawFn, net: Network, x: NDArray[Any], acc_bits: int) -> Network:
    """Return the network with biases for the sums of one position of one sample, where it has a bias."""
    (node,) = net.nodes
    if node.inputs[2] < 0:
        return net
    params = mac_params(net, node)
    window = params.window
    images = x.reshape(-1, window.in_h, window.in_w, window.channels)
    position = draw(st.integers(0, len(images) * window.positions - 1))
    taken = window_operands(window, images, slice(position, position + 1), np.int64(params.x_zero))[0]
    stream = (taken - params.x_zero).reshape(len(taken), -1) * params.stream
    register = IntFormat(acc_bits)
    factors = np.resize(params.requant.real, stream.shape[1])
    biases = [
        draw(aimed_biases([total], register, stored=_BIAS, factor=factor))
        for total, factor in zip(stream.sum(axis=0).tolist(), factors.tolist(), strict=True)
    ]
    values = list(net.values)
    values[node.inputs[2]] = replace(values[node.inputs[2]], data=np.array(biases, np.int32))
    return replace(net, values=tuple(values))
