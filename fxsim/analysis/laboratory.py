"""`accumulators`: the whole laboratory on one network and one hardware."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from fxsim._core.errors import InputError, TrapError
from fxsim._core.records import Records
from fxsim.analysis.accumulator_report import AccumulatorReport, Bits, LayerAccumulators
from fxsim.analysis.assignment import Assignments, assign_widths
from fxsim.analysis.bit_cost import bit_costs
from fxsim.analysis.bounds import layer_bounds
from fxsim.analysis.exact import mac_nodes, widest_accumulator
from fxsim.analysis.extract import before
from fxsim.analysis.forensics import forensics
from fxsim.analysis.labels import check_labels
from fxsim.analysis.observed import observe
from fxsim.analysis.orders import compare_orders
from fxsim.analysis.search import search_network
from fxsim.analysis.width_sweep import width_sweep
from fxsim.analysis.witness import inner_width, witness
from fxsim.graph import some_samples
from fxsim.lowering import lower
from fxsim.ops import OPERATORS
from fxsim.oracle import input_arrays
from fxsim.sim import Phase, simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.analysis.bounds import LayerBounds
    from fxsim.analysis.forensics import Forensics
    from fxsim.analysis.observed import ObservedLayer
    from fxsim.analysis.witness import Witness
    from fxsim.graph import Network
    from fxsim.hw import Hardware, Numerics
    from fxsim.isa import Program

Attained = tuple["Witness | None", int | None]
"""A witness of a layer's exact bound, and the width that an input of the network is known to need."""

WIDTHS = range(8, 33)
"""What a report sweeps."""
_COST_WIDTHS = range(12, 33, 4)
_ORDER_SAMPLES = 4
_SEARCH_INPUTS, _SEARCH_LEAST, _SEARCH_MACS = 128, 16, 1 << 29
"""Most inputs tried for a layer's bound, fewest worth trying, and multiply-adds that may be spent on all layers."""


def accumulators(
    net: Network, x: Any = None, *, hw: Hardware, labels: NDArray[Any] | None = None, epsilon: float = 0.0
) -> AccumulatorReport:
    """Bounds of every accumulator; with samples also what they need, what breaks below, and where.

    Parameters
    ----------
    net
        A network that `fxsim.ops.validate` accepts.
    x, labels
        Samples, as for `fxsim.run`, and class numbers [N]; None: bounds and costs only.
    hw
        Overflow rule, order and groups are those of its numerics; its width is what the forensics look at. Everything
        at another width loads a bias that does not fit through the overflow rule, counted.
    epsilon
        Score that measured per-layer widths may lose, 0..1; see `assign_widths`.

    Raises
    ------
    InputError
        The network has no accumulators, `x` does not fit, `labels` are not one class number per sample, `epsilon` is
        outside 0..1.
    LoweringError, HardwareError, QuantizationError
        The network does not fit the hardware: a bias that its accumulators cannot hold under bias_policy = error.
    TrapError
        Under overflow = trap an accumulator overflows on `x`; the message says where, and what would be enough.
    """
    samples = _check(net, x, labels, epsilon)
    program = lower(net, hw)
    wide = _wide(net, hw.numerics)
    bounds = layer_bounds(net, wide)
    attained = [_attained(net, found.node, wide) for found in bounds]
    report = AccumulatorReport(
        network=net.name,
        profile=net.profile,
        hardware=hw,
        samples=samples,
        layers=Records([_layer(found, None, seen) for found, seen in zip(bounds, attained, strict=True)]),
        costs=bit_costs(program, {*_COST_WIDTHS, hw.numerics.acc_bits}),
    )
    if x is None:
        return report
    found = _forensics(net, program, x)
    observation = observe(net, x, hw.numerics, bounds)
    calibrated = layer_bounds(net, wide, ranges=observation.ranges)
    layers = Records([_layer(*parts) for parts in zip(calibrated, observation.layers, attained, strict=True)])
    sweeps = {} if hw.numerics.inner_bits else _sweeps(net, x, labels, hw.numerics)
    return dataclasses.replace(
        report,
        layers=layers,
        observation=observation,
        forensics=found,
        orders=tuple(compare_orders(net, some_samples(x, slice(_ORDER_SAMPLES)), hw.numerics)),
        order_samples=min(samples, _ORDER_SAMPLES),
        assignments=_assignments(program, x, layers, labels, epsilon),
        **sweeps,
    )


def _assignments(
    program: Program, x: Any, layers: Records[LayerAccumulators], labels: NDArray[Any] | None, epsilon: float
) -> Assignments | None:
    """Widths layer by layer; None where an inner accumulator may overflow, which no outer width makes good."""
    if not all(layer.inner_fits for layer in layers):
        return None
    overflow = program.hardware.numerics.overflow
    proved = {layer.name: layer.proved(overflow) for layer in layers}
    return assign_widths(program, x, proved=proved, labels=labels, epsilon=epsilon)


def _forensics(net: Network, program: Program, x: Any) -> Forensics:
    """What overflows; under overflow = trap it is an error."""
    found = forensics(program, x, net=net)
    trapped = _trap(program, x, found) if program.hardware.numerics.overflow == "trap" else ""
    if trapped:
        raise TrapError(f"no accumulator may overflow under overflow = trap: {trapped}", where=net.name)
    return found


def _trap(program: Program, x: Any, found: Forensics) -> str:
    """What a trap says, empty if there is none: events of inner accumulators may come before it, and do not trap."""
    if found.first is None or found.first.phase is not Phase.INNER:
        return "" if found.first is None else found.first.sentence
    return simulate(program, x).trap


def _sweeps(net: Network, x: Any, labels: NDArray[Any] | None, numerics: Numerics) -> dict[str, Any]:
    return {
        "layer_sweep": width_sweep(net, x, numerics=numerics, widths=WIDTHS, isolated=True),
        "network_sweep": width_sweep(net, x, numerics=numerics, widths=WIDTHS, labels=labels),
    }


def _check(net: Network, x: Any, labels: NDArray[Any] | None, epsilon: float) -> int:
    """Number of samples; what does not fit is refused before the work starts."""
    if not mac_nodes(net):
        raise InputError("network must have layers with accumulators", where=net.name)
    if not 0 <= epsilon <= 1:
        raise InputError("epsilon must be in 0..1", got=epsilon)
    if x is None:
        if labels is not None:
            raise InputError("labels must come with samples", where=net.name)
        return 0
    _, samples = input_arrays(net, x)
    if labels is not None:
        check_labels(labels, samples, net)
    return samples


def _wide(net: Network, numerics: Numerics) -> Numerics:
    """Accumulators that no layer leaves, as far as the requantizers admit: propagated widths then hold all together."""
    needed = max((int(found.exact_saturate.max()) for found in layer_bounds(net, numerics)), default=2)
    bits = max(numerics.acc_bits, min(needed, widest_accumulator(net, numerics)))
    return dataclasses.replace(numerics, acc_bits=bits, acc_internal_bits=max(bits, numerics.acc_internal_bits))


def _attained(net: Network, number: int, numerics: Numerics) -> Attained:
    """A witness of the layer's exact bound, and what width a network input is known to need.

    None where the inner accumulators may overflow.
    """
    if inner_width(net, number, numerics) > numerics.inner_bits:
        return None, None
    found = witness(net, number, numerics)
    if found.x is not None:
        return found, found.bits
    head = before(net, number)
    macs = sum(OPERATORS[node.op].macs(head, node) for node in head.nodes)
    evaluations = min(_SEARCH_INPUTS, _SEARCH_MACS // (len(mac_nodes(net)) * max(macs, 1)))
    if evaluations < _SEARCH_LEAST:
        return found, None
    searched = search_network(net, found, numerics, evaluations=evaluations)
    return searched.witness, searched.bits


def _layer(found: LayerBounds, seen: ObservedLayer | None, attained: Attained) -> LayerAccumulators:
    channels = Bits(
        type=found.type,
        a2q_type=found.a2q_type,
        l1=found.l1,
        a2q_l1=found.a2q_l1,
        exact_wrap=found.exact_wrap,
        exact_saturate=found.exact_saturate,
        propagated_wrap=found.propagated_wrap,
        propagated=found.propagated_saturate,
        calibrated_wrap=None if found.calibrated is None else found.calibrated.final_bits,
        calibrated=None if found.calibrated is None else found.calibrated.every_bits,
        observed=None if seen is None else seen.bits,
        output_equal=None if seen is None else seen.output_equal,
        inner=found.inner,
        inner_observed=None if seen is None else seen.inner_bits,
    )
    return LayerAccumulators(
        found.node, found.name, found.op, found.depth, channels.widest(), channels, *attained, found.inner_fits
    )
