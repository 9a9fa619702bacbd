"""The figure of a requantizer study: dots, ranks and front are the record's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import fxsim
from fxsim._core.records import Records
from fxsim.analysis import (
    OWN,
    Comparison,
    Differences,
    Fidelity,
    LayerComparison,
    RequantizerAssignment,
    RequantizerRun,
    RequantizerStudy,
)
from fxsim.report import comparison_figures, comparison_page, png, requantizers_figure
from tests.report.drawn import collisions, texts


def study(*spots: tuple[str, float, int], best: float) -> RequantizerStudy:
    """Requantizers by rank: name, energy, elements that differ."""
    runs = [RequantizerRun(name, {}, 10**6, count, 10, 0, 0, 7, 7, None, pj, 1e3) for name, pj, count in spots]
    return RequantizerStudy(
        network="net",
        hardware=fxsim.Hardware.load("edge-16x16"),
        samples=7,
        runs=Records(runs),
        refused={},
        layers=Records([]),
        assignment=RequantizerAssignment({}, best, 1e3),
    )


def usual() -> RequantizerStudy:
    return study(
        (OWN, 4.0, 0), ("same", 4.0, 0), ("dearer", 8.0, 3), ("near", 3.0, 20), ("far", 2.0, 900), ("worse", 2.5, 1000),
        ("twin", 4.0, 0), best=3.5,
    )  # fmt: skip


def lines(figure: Figure) -> dict[str, list[tuple[float, float]]]:
    found = {str(line.get_label()): np.array(line.get_data(), np.float64) for line in figure.axes[0].lines}
    return {label: list(zip(*points.tolist(), strict=True)) for label, points in found.items()}


def test_dots_are_the_requantizers() -> None:
    drawn = lines(requantizers_figure(usual()))
    assert drawn["requantizer"] == [(run.requant_pj, run.mismatches) for run in usual().runs]
    assert drawn["the hardware's own"] == [(4, 0)]
    assert drawn["cheapest equal one, layer by layer"] == [(3.5, 0)]


def test_nothing_lies_under_the_front() -> None:
    assert lines(requantizers_figure(usual()))["front"] == [(2, 900), (3, 900), (3, 20), (3.5, 20), (3.5, 0), (8, 0)]


def test_ranks_stand_at_the_dots_and_beside_the_names() -> None:
    axes, names = requantizers_figure(usual()).axes
    assert {text.xy: text.get_text() for text in axes.texts} == {  # type: ignore[attr-defined]
        (4, 0): "1-2, 7", (8, 3): "3", (3, 20): "4", (2, 900): "5", (2.5, 1000): "6",
    }  # fmt: skip
    listed = [text.get_text() for text in names.texts]
    assert dict(zip(listed[::2], listed[1::2], strict=True)) == {
        str(rank): run.name for rank, run in enumerate(usual().runs, 1)
    }


def only_equal() -> RequantizerStudy:
    return study((OWN, 4.0, 0), best=4.0)


def crowd() -> RequantizerStudy:
    """32 requantizers in narrow bands, free ones among them."""
    names = [OWN, *(f"TFL_SINGLE, {bits} bits" for bits in range(2, 33))]
    return study(*((name, 4.0 - 0.1 * n, 100_000 * (n // 8)) for n, name in enumerate(names)), best=2.0)


@pytest.mark.parametrize("make", [usual, only_equal, crowd])
def test_it_draws_with_no_text_on_another(make: Any) -> None:
    figure = requantizers_figure(make())
    assert collisions(figure) == []
    assert "net on edge-16x16: requantizers, 7 samples" in [text.get_text() for text in texts(figure)]
    assert png(figure).startswith(b"\x89PNG")


def test_requantizers_without_energy_stand_at_the_edge() -> None:
    """A log scale has no place for 0 pJ."""
    axes = requantizers_figure(study((OWN, 4.0, 0), ("free", 0.0, 5), best=4.0)).axes[0]
    left = axes.get_xlim()[0]
    assert (left, 5.0) in lines(axes.figure)["requantizer"]  # type: ignore[arg-type]


def test_a_comparison_with_requantizers_shows_them() -> None:
    pairs = np.diag(np.full(256, 2))
    equal, fidelity = Differences(pairs, -128, 0), Fidelity(30.0, 1.0)
    layer = LayerComparison(0, "conv", "y", "CONV_2D", 1.0, equal, equal, {"fake_quant": fidelity, "exact": fidelity})
    found = Comparison(
        network="net",
        profile="tflite",
        hardware=usual().hardware,
        samples=7,
        bias="float",
        layers=Records([layer]),
        end=None,
        requantizers=usual(),
    )
    assert list(comparison_figures(found)) == ["differences", "fidelity", "causes", "requantizers"]
    page = comparison_page(found)
    assert all(table.html() in page for table in usual().tables())
    assert page.index("<h2>Other requantizers") < page.index('alt="net on edge-16x16: requantizers, 7 samples"')
