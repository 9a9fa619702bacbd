"""fxsim_requantize.sv equals the kernels and the plain-int twin: every case of 8 bits, the edges of the wide ones.

The kernel gives the expected code of every case, the twin `ref_requantize` that of every `TWIN_STEP`-th.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.rtl.instances import Instance, Instances, Ints
from tests.rtl.requant_cases import CLAMPS, SCHEME_NAMES, Cases, Config, drawn, exhaustive, words
from tests.rtl.requant_mutants import MUTANTS, SOURCE
from tests.rtl.tools import require_rtl

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
DRAWN = 200_000 if NIGHTLY else 3_000
TWIN_STEP = 97
ICARUS = 100

SMALL = [Config(name, 8, bits) for name in SCHEME_NAMES for bits in (4, 32)]
WIDTHS = ((4, 24), (8, 8), (18, 16), (32, 2), (32, 32), (33, 24), (48, 24), (48, 32))
WIDE = [Config(name, *widths) for name in SCHEME_NAMES for widths in WIDTHS] + [Config("REVEN_SHIFT", 62, 32)]
CONFIGS = SMALL + WIDE
needs_iverilog = pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")
needs_yosys = pytest.mark.skipif(shutil.which("yosys") is None, reason="yosys is not installed")


@pytest.fixture(scope="module")
def requantizers(tmp_path_factory: pytest.TempPathFactory) -> Instances:
    """One build of all configurations and all mutants."""
    require_rtl()
    folder = tmp_path_factory.mktemp("requantizers")
    sources, instances = [SOURCE], [config.instance() for config in CONFIGS]
    for i, mutant in enumerate(MUTANTS):
        module = f"fxsim_requantize_mutant_{i}"
        sources.append(folder / f"{module}.sv")
        sources[-1].write_text(mutant.source(module), encoding="utf-8")
        instances.append(mutant.config.instance(module))
    built = Instances(folder, instances, sources)
    built.build()
    return built


@pytest.fixture(scope="module")
def edges(requantizers: Instances) -> tuple[list[Cases], list[Ints]]:
    """Drawn cases of each configuration; its codes, then those of each mutant for its configuration's cases."""
    rng = np.random.default_rng(None if NIGHTLY else 6)
    cases = [drawn(config, DRAWN, rng) for config in CONFIGS]
    inputs = [one.records() for one in cases]
    inputs += [inputs[CONFIGS.index(mutant.config)] for mutant in MUTANTS]
    return cases, [codes[:, 0] for codes in requantizers.evaluate(inputs)]


def check(cases: Cases, found: Ints) -> None:
    expected = cases.expected()
    different = np.flatnonzero(found != expected)
    assert not different.size, (cases.config, cases.records()[different[0]], found[different[0]])
    assert cases.expected_by_twin(TWIN_STEP) == expected[::TWIN_STEP].tolist(), cases.config


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(len(CLAMPS) if NIGHTLY else 1))
def test_every_case_of_8_bits(requantizers: Instances, turn: int) -> None:
    cases = [exhaustive(config, words(config), turn) for config in SMALL]
    for one, codes in zip(cases, requantizers.evaluate([one.records() for one in cases]), strict=True):
        check(one, codes[:, 0])


def test_edges_of_all_widths(edges: tuple[list[Cases], list[Ints]]) -> None:
    cases, found = edges
    for one, codes in zip(cases, found, strict=False):
        check(one, codes)


def test_every_planted_fault_shows(edges: tuple[list[Cases], list[Ints]]) -> None:
    cases, found = edges
    of_config = [cases[CONFIGS.index(mutant.config)] for mutant in MUTANTS]
    planted = zip(MUTANTS, of_config, found[len(CONFIGS) :], strict=True)
    assert [mutant for mutant, one, codes in planted if np.array_equal(codes, one.expected())] == []


@needs_iverilog
def test_icarus_finds_the_same(edges: tuple[list[Cases], list[Ints]], tmp_path: Path) -> None:
    cases, found = edges
    built = Instances(tmp_path, [config.instance() for config in CONFIGS], [SOURCE])
    codes = built.evaluate_icarus([one.records()[:ICARUS] for one in cases])
    for one, by_icarus, by_verilator in zip(cases, codes, found, strict=False):
        assert np.array_equal(by_icarus[:, 0], by_verilator[:ICARUS]), one.config


@needs_yosys
@needs_iverilog
def test_yosys_makes_the_same_of_every_scheme(tmp_path: Path) -> None:
    configs = [Config(name, 18, 16) for name in SCHEME_NAMES]
    instances, script = [], []
    for i, config in enumerate(configs):
        made = config.instance()
        given = " ".join(f"-chparam {name} {value}" for name, value in made.parameters.items())
        script += [f"read_verilog -sv {SOURCE}", f"hierarchy -top fxsim_requantize {given}", "prep"]
        script += ["check -assert", f"rename -top gates_{i}", f"write_verilog -noattr gates_{i}.v", "design -reset"]
        instances.append(Instance(f"gates_{i}", {}, made.inputs, made.outputs))
    subprocess.run(["yosys", "-q", "-p", "; ".join(script)], cwd=tmp_path, check=True)
    built = Instances(tmp_path, instances, [tmp_path / f"gates_{i}.v" for i in range(len(configs))])
    cases = [drawn(config, ICARUS, np.random.default_rng(6)) for config in configs]
    for one, codes in zip(cases, built.evaluate_icarus([one.records() for one in cases]), strict=True):
        assert codes[:, 0].tolist() == one.expected_by_twin(1), one.config
