"""The public functions, from load and lower to compare and sweep.

Paths and names are accepted everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import InputError, MissingDependencyError, ModelFormatError
from fxsim.analysis import AccumulatorReport, Comparison, compare_network, study_requantizers
from fxsim.analysis import accumulators as accumulator_report
from fxsim.analysis import run_sweep as sweep
from fxsim.formats import gemm
from fxsim.formats.tflite import read_tflite
from fxsim.graph import Network, Tensors, random_samples
from fxsim.hw import DEFAULT_PRESET, Hardware, Numerics
from fxsim.lowering import lower as lower_network
from fxsim.oracle import fake_quant as fake_quant_network
from fxsim.oracle import golden as golden_network
from fxsim.oracle import input_arrays
from fxsim.rtl import has_yosys, row_cells, row_verilog
from fxsim.runtimes import runtime_column
from fxsim.sim import Result, simulate
from fxsim.sim import estimate as estimate_program

if TYPE_CHECKING:
    from fxsim.isa import Program

Array = NDArray[np.generic]
Samples = Array | Mapping[str, Array]
Model = Network | str | Path | bytes

__all__ = [
    "Difference",
    "accumulators",
    "compare",
    "differences",
    "estimate",
    "fake_quant",
    "gemm",
    "golden",
    "load",
    "lower",
    "random_samples",
    "run",
    "simulate",
    "sweep",
]


def load(source: str | Path | bytes, *, profile: str = "tflite") -> Network:
    """Read a quantized network.

    Parameters
    ----------
    source
        Path of a ``.tflite`` file, or its bytes.
    profile
        Whose arithmetic the network follows: ``"tflite"`` or ``"litert"``.

    Raises
    ------
    ModelFormatError, GraphError, QuantizationError, UnsupportedError
        The file is damaged, the graph or its quantization is illegal, or operators are not supported (all are listed).
    """
    if not isinstance(source, bytes) and Path(source).suffix != ".tflite":
        raise ModelFormatError("model must be a .tflite file", got=str(source))
    return read_tflite(source).with_profile(profile)


def lower(
    net: Model, hw: Hardware | str | Path = DEFAULT_PRESET, *, layers: Mapping[str, Mapping[str, object]] | None = None
) -> Program:
    """Lower a network to the instruction stream of a MAC unit.

    Parameters
    ----------
    net
        A network, or the path or bytes of a model file.
    hw
        Hardware, preset name or ``.toml`` path.
    layers
        Numerics that differ in single layers: ``{"conv1": {"acc_bits": 20}}``.

    Raises
    ------
    HardwareError, LoweringError
        The hardware cannot hold one tile, or a layer does not fit the instruction set.
    """
    return lower_network(_network(net), Hardware.load(hw), layers=layers)


def run(
    net: Model,
    x: Samples,
    *,
    hw: Hardware | str | Path = DEFAULT_PRESET,
    keep: str | Sequence[str] = "outputs",
    layers: Mapping[str, Mapping[str, object]] | None = None,
    value_energy: bool = False,
) -> Result:
    """Load, lower and simulate in one step; arguments as for `load`, `lower` and `simulate`."""
    return simulate(lower(net, hw, layers=layers), x, keep=keep, value_energy=value_energy)


def estimate(
    net: Model, hw: Hardware | str | Path = DEFAULT_PRESET, *, layers: Mapping[str, Mapping[str, object]] | None = None
) -> Result:
    """Cycles, bytes and energy without any data: what `run` reports, but for tensors and accumulator statistics.

    Arguments as for `lower`. Nothing is compiled; neither cycles nor energy depend on values.
    """
    return estimate_program(lower(net, hw, layers=layers))


def golden(
    net: Model,
    x: Samples,
    *,
    numerics: Numerics | None = None,
    layers: Mapping[str, Mapping[str, object]] | None = None,
) -> Tensors:
    """Every tensor by graph-level integer arithmetic that knows no tiles and no instructions.

    Parameters
    ----------
    net, x
        As for `run`.
    numerics
        None: 32-bit wrapping accumulators, as the runtime of the network's profile. Else ``hw.numerics``: widths,
        overflow mode, grouping and order of a hardware.
    layers
        Numerics that differ in single layers, as for `lower`; only together with `numerics`.
    """
    return golden_network(_network(net), x, numerics=numerics, layers=layers)


def fake_quant(net: Model, x: Samples, *, bias: str = "float") -> Tensors:
    """Every tensor in binary32 on the quantized grid: what fake-quantized training evaluates.

    Quantization is PyTorch's fake_quantize bit for bit, per tensor and per channel; sums run in a fixed order, each
    product and sum rounded to binary32.

    Parameters
    ----------
    net, x
        As for `run`.
    bias
        ``"float"``: biases are real numbers; ``"grid"``: rounded to int32 codes of step input scale * weight scale.

    Raises
    ------
    InputError
        `x` does not fit, or `bias` is neither of the two.
    """
    return fake_quant_network(_network(net), x, bias=bias)


def accumulators(
    net: Model,
    x: Samples | None = None,
    *,
    hw: Hardware | str | Path = DEFAULT_PRESET,
    labels: Array | None = None,
    epsilon: float = 0.0,
    cells: bool = False,
) -> AccumulatorReport:
    """How many accumulator bits a network needs, what breaks with fewer, where, and what a bit costs.

    Parameters
    ----------
    net, x
        As for `run`; without `x` only what holds for every input, and costs.
    hw
        Hardware, preset name or ``.toml`` path. Its overflow rule, order and groups hold at every width; its own width
        is what the forensics look at.
    labels
        Class numbers [N]: scores are then accuracies, else shares of samples whose outputs do not change at all.
    epsilon
        Score that the measured per-layer widths may lose, 0..1.
    cells
        Whether to synthesize one PE row at several widths, with ``yosys``; some seconds each.

    Raises
    ------
    InputError
        `x` or `labels` do not fit, or `epsilon` is outside 0..1.
    LoweringError, HardwareError, QuantizationError
        The network does not fit the hardware; a bias that its accumulators cannot hold under bias_policy = error;
        `cells` with inner accumulators.
    TrapError
        Under overflow = trap an accumulator overflows on `x`.
    MissingDependencyError
        `cells` without yosys.
    """
    hardware = Hardware.load(hw)
    if cells and not has_yosys():
        raise MissingDependencyError("yosys must be installed to count cells")
    if cells:
        row_verilog(hardware)
    report = accumulator_report(_network(net), x, hw=hardware, labels=labels, epsilon=epsilon)
    if not cells:
        return report
    return replace(report, cells=tuple(row_cells(hardware, [cost.acc_bits for cost in report.costs.costs])))


def compare(
    net: Model,
    x: Samples,
    *,
    hw: Hardware | str | Path = DEFAULT_PRESET,
    layers: Mapping[str, Mapping[str, object]] | None = None,
    labels: Array | None = None,
    bias: str = "float",
    requant: bool = False,
    runtimes: Sequence[str] = (),
    quiet: bool = True,
) -> Comparison:
    """Fake quantization against exact integers: where they differ, by how much, and which mechanism makes it.

    Parameters
    ----------
    net, x, hw, layers
        As for `run`. The float run takes floating `x` as it is; the others quantize it alike.
    labels
        Class numbers [N]: accuracies, and the interval of their difference.
    bias
        Biases of fake quantization: ``"float"``, or ``"grid"`` for int32 codes of step input scale * weight scale.
    requant
        Whether to try other requantizers: schemes, narrow multipliers, none at all, no rounding.
    runtimes
        Deployed runtimes to check the exact run against: ``"litert"`` (reference kernels), ``"litert-optimized"``,
        ``"xnnpack"`` (its default delegate), ``"tflm"``.
    quiet
        No progress bar on stderr.

    Raises
    ------
    InputError
        `x`, `labels`, `bias` or a name in `runtimes` do not fit; `requant` without layers with accumulators.
    LoweringError, HardwareError, QuantizationError
        The network does not fit the hardware.
    TrapError
        Under overflow = trap an accumulator overflows on `x`.
    MissingDependencyError, UnsupportedError
        A runtime is not installed, or refuses the network.
    """
    from tqdm import tqdm

    network, hardware = _network(net), Hardware.load(hw)
    columns = {name: runtime_column(network, name) for name in runtimes}
    samples = input_arrays(network, x)[1]
    with tqdm(total=(1 + requant) * samples, unit="sample", disable=True if quiet else None) as bar:
        shared: dict[str, Any] = {"labels": labels, "layers": layers, "progress": bar.update}
        study = study_requantizers(network, x, hardware, **shared) if requant else None
        found = compare_network(network, x, hw=hardware, bias=bias, runtimes=columns, **shared)
    return replace(found, requantizers=study)


@dataclass(frozen=True, slots=True)
class Difference:
    """Elements compared and elements that differ in one tensor; the first differing index, sample first."""

    name: str
    elements: int
    mismatches: int
    first: tuple[int, ...] | None


def differences(expected: Tensors, actual: Tensors) -> list[Difference]:
    """Compare the tensors that both mappings hold, element by element."""
    out = []
    for name in expected:
        if name not in actual:
            continue
        a, b = expected[name], actual[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            raise InputError(f"tensor {name!r} must be {a.dtype}{a.shape}", got=f"{b.dtype}{b.shape}")
        wrong = np.argwhere(a.view(_bits(a)) != b.view(_bits(b)))
        out.append(Difference(name, a.size, len(wrong), tuple(map(int, wrong[0])) if len(wrong) else None))
    return out


def _bits(array: Array) -> Any:
    """Floats are compared by their bits."""
    return np.int32 if array.dtype == np.float32 else array.dtype


def _network(net: Model) -> Network:
    return net if isinstance(net, Network) else load(net)
