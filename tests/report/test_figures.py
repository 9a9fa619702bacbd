"""Figures: what is drawn is what the result says, legible, the same bytes every time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import fxsim
from fxsim._core.errors import FxsimError
from fxsim.graph import DType, Network, Node, TensorType, Value, build
from fxsim.hw import GROUPS, presets
from fxsim.numerics import Affine
from fxsim.ops import OPERATORS
from fxsim.report import cycles_figure, energy_figure, roofline_figure, save_figures, utilization_figure
from fxsim.sim import Result
from fxsim.testing import mobilenet_v1
from tests.report.drawn import collisions, texts

CNN = Path(__file__).resolve().parents[2] / "models" / "digits" / "digits_cnn.tflite"
ALL = (cycles_figure, energy_figure, utilization_figure, roofline_figure)


@pytest.fixture(scope="module")
def small() -> Result:
    result: Result = fxsim.estimate(CNN)
    return result


@pytest.fixture(scope="module")
def large() -> Result:
    """31 layers with long names."""
    result: Result = fxsim.estimate(mobilenet_v1(0.25, 96), "server-128x128")
    return result


def bars(axes: Axes) -> dict[str, list[float]]:
    """Width of every bar, by series and layer."""
    return {str(c.get_label()): [bar.get_width() for bar in c] for c in axes.containers}


@pytest.mark.parametrize("result", ["small", "large"])
def test_cycles_are_stacked_by_cause(result: str, request: pytest.FixtureRequest) -> None:
    found: Result = request.getfixturevalue(result)
    drawn = bars(cycles_figure(found).axes[0])
    assert drawn.pop("compute") == [layer.compute_cycles for layer in found.layers]
    expected = {cause: [layer.stalls[cause] for layer in found.layers] for cause in found.layers[0].stalls}
    assert drawn == {cause: cycles for cause, cycles in expected.items() if any(cycles)}


@pytest.mark.parametrize("result", ["small", "large"])
def test_energy_is_stacked_by_group_with_and_without_dram(result: str, request: pytest.FixtureRequest) -> None:
    found: Result = request.getfixturevalue(result)
    figure = energy_figure(found)
    everything, chip = (bars(axes) for axes in figure.axes)
    groups = [group for group in GROUPS if any(layer.energy_by_event[group] for layer in found.layers)]
    assert list(everything) == groups
    assert list(chip) == [group for group in groups if group != "dram"]
    for axes, drawn in zip(figure.axes, (everything, chip), strict=True):
        unit = axes.get_xlabel().removesuffix(" per sample").split(", ")[1]
        scale = {"pJ": 1, "nJ": 1e3, "uJ": 1e6}[unit]
        for group, widths in drawn.items():
            wanted = [layer.energy_by_event[group] for layer in found.layers]
            assert np.allclose(np.array(widths) * scale, wanted, rtol=1e-12)


def test_utilization(small: Result) -> None:
    (drawn,) = bars(utilization_figure(small).axes[0]).values()
    assert np.allclose(drawn, [100 * layer.utilization for layer in small.layers], rtol=1e-12)


def test_roofline_dots(small: Result) -> None:
    axes = roofline_figure(small).axes[0]
    lines = {str(line.get_label()): line for line in axes.lines}
    wanted: dict[str, list[tuple[float, float]]] = {}
    for layer in small.layers:
        if layer.macs:
            wanted.setdefault(layer.op, []).append((layer.macs / layer.dram_bytes, layer.macs / layer.cycles))
    for op, spots in wanted.items():
        assert np.allclose(np.array(lines[op].get_data()).T, spots, rtol=1e-12)
    traffic = sum(layer.dram_bytes for layer in small.layers)
    assert np.allclose(
        np.array(lines["network"].get_data()), [[small.macs / traffic], [small.macs / small.cycles]], rtol=1e-12
    )
    x, y = (np.asarray(values) for values in axes.lines[0].get_data())
    assert y[1] == y[2] == 256
    assert (x[1], y[0] / x[0]) == (32, 8)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (cycles_figure, ["cycles per sample", "compute", "token_dma", "1  conv2", "5,115"]),
        (energy_figure, ["energy, uJ per sample", "energy without DRAM, nJ per sample", "requantize", "3  conv3"]),
        (utilization_figure, ["utilization, % of MACs per cycle", "0  conv1"]),
        (
            roofline_figure,
            ["operational intensity, MACs per DRAM byte", "MACs per cycle", "CONV_2D", "network", "conv3"],
        ),
    ],
)
def test_units_and_names(draw: object, words: list[str], small: Result) -> None:
    written = [text.get_text() for text in texts(draw(small))]  # type: ignore[operator]
    assert any(line.startswith("digits_cnn on edge-16x16: ") for line in written)
    if draw is cycles_figure:
        words = [f"{small.layers['conv2'].cycles:,}" if word == "5,115" else word for word in words]
    assert [word for word in words if word not in written] == []


@pytest.mark.slow
@pytest.mark.parametrize("draw", ALL)
@pytest.mark.parametrize("preset", presets())
def test_no_text_lies_on_another_or_off_the_page(draw: object, preset: str) -> None:
    for net in (fxsim.load(CNN), mobilenet_v1(0.25, 96)):
        figure: Figure = draw(fxsim.estimate(net, preset))  # type: ignore[operator]
        assert collisions(figure) == []


def test_files_are_the_same_every_time_whatever_the_settings(small: Result, tmp_path: Path) -> None:
    first = save_figures(small, tmp_path / "a" / "b")
    assert [path.name for path in first] == ["cycles.png", "energy.png", "utilization.png", "roofline.png"]
    with mpl.rc_context({"font.size": 20.0, "axes.facecolor": "black", "savefig.dpi": 30}):
        before = dict(mpl.rcParams)
        second = save_figures(small, tmp_path)
        assert dict(mpl.rcParams) == before
    for one, two in zip(first, second, strict=True):
        data = one.read_bytes()
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        assert data == two.read_bytes()


def copy_network() -> Network:
    """One MAX_POOL_2D: no MACs."""
    kind = TensorType((1, 4, 4, 2), DType.INT8, Affine(0.5, 0))
    half = TensorType((1, 2, 2, 2), DType.INT8, Affine(0.5, 0))
    attrs = OPERATORS["MAX_POOL_2D"].attrs(filter_h=2, filter_w=2, stride_h=2, stride_w=2)
    return build("copy", [Value("x", kind), Value("y", half)], [Node("MAX_POOL_2D", "y", (0,), (1,), attrs)], [0], [1])


def test_a_network_without_macs_has_no_roofline(tmp_path: Path) -> None:
    result = fxsim.estimate(copy_network())
    assert [path.stem for path in save_figures(result, tmp_path)] == ["cycles", "energy", "utilization"]
    assert "roofline" not in result.table()


def test_no_global_state_of_matplotlib() -> None:
    code = f"""
import sys, tempfile, fxsim
from fxsim.report import save_figures
save_figures(fxsim.estimate({str(CNN)!r}), tempfile.mkdtemp())
print("matplotlib.pyplot" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_without_matplotlib(tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["matplotlib"] = None
from fxsim.cli import main
sys.exit(main(["estimate", {str(CNN)!r}, "--figures", {str(tmp_path / "figures")!r}]))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    message = "matplotlib must be installed: pip install 'fxsim[plot]'"
    assert done.stderr == f"fxsim estimate: MissingDependencyError: {message}\n"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_a_file(small: Result, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises((OSError, FxsimError)):
        save_figures(small, tmp_path / "file")
