"""Every profile against the real runtimes, operator by operator on generated models; and that the comparison bites."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from fxsim._core.errors import MissingDependencyError, UnsupportedError
from fxsim.formats import read_tflite, write_tflite
from fxsim.graph import from_samples
from fxsim.hw import Hardware
from fxsim.ops import MAC_OPERATORS, OPERATORS, validate
from fxsim.oracle import golden
from fxsim.runtimes import CERTIFIED, LITERT, TFLM, Case, Runtime, cases, certify, count_mismatches, oracle_of
from fxsim.runtimes.certification import MICRO_ONLY
from fxsim.runtimes.wheels import import_wheel, sample_count
from tests.given import require_oracles
from tests.tally import RecordProperty, tally

CASES = list(cases())


@pytest.mark.oracle
@pytest.mark.parametrize("profile", CERTIFIED)
def test_every_operator_equals_its_runtime(profile: str, record_property: RecordProperty) -> None:
    require_oracles()
    rows = certify([profile])
    assert {row.operator for row in rows} == set(OPERATORS)
    assert [row for row in rows if row.mismatches] == []
    assert all(row.elements and row.version for row in rows)
    tally(record_property, profile, sum(row.elements for row in rows))


@pytest.mark.oracle
def test_micro_runs_what_the_tflite_profile_certifies_elsewhere(record_property: RecordProperty) -> None:
    """Beyond the certificate: the two runtimes agree on convolutions, sums, averages and moves."""
    require_oracles()
    moves = ("PAD", "PADV2", "CONCATENATION", "SQUEEZE", "EXPAND_DIMS")
    for case in CASES:
        if case.micro and case.operator in (*MAC_OPERATORS, "ADD", "SUB", "MUL", "MEAN", *moves):
            elements, mismatches = compare(case, "tflite", TFLM)
            assert mismatches == 0, case.name
            tally(record_property, "tflite", elements)


@pytest.mark.oracle
def test_micro_refuses_what_the_cases_say() -> None:
    require_oracles()
    refused = [case for case in CASES if not case.micro]
    assert {case.operator for case in refused} == {"CONCATENATION", "EXPAND_DIMS"}
    for case in refused:
        with pytest.raises(RuntimeError):
            compare(case, "tflite", TFLM)


@pytest.mark.oracle
@pytest.mark.parametrize("operator", MICRO_ONLY)
def test_the_wrong_runtime_is_noticed(operator: str) -> None:
    """The models tell the profiles apart wherever they differ: LiteRT is not `tflite` in these operators."""
    require_oracles()
    differing = sum(compare(case, "tflite", LITERT)[1] for case in CASES if case.operator == operator)
    assert differing > 0


def compare(case: Case, profile: str, runtime: Runtime) -> tuple[int, int]:
    network = case.network.with_profile(profile)
    return count_mismatches(network, write_tflite(network), case.inputs, runtime)


def test_every_operator_has_at_least_six_models() -> None:
    counts = Counter(case.operator for case in CASES)
    assert set(counts) == set(OPERATORS)
    assert min(counts.values()) >= 6
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases_are_legal(case: Case) -> None:
    validate(case.network)
    read_tflite(write_tflite(case.network))
    for index, data in case.inputs.items():
        kind = case.network.values[index].type
        assert (data.shape[1:], data.dtype) == (kind.shape, kind.dtype.numpy)
        assert (data.min(), data.max()) == (kind.dtype.lo, kind.dtype.hi)


def test_cases_are_the_same_every_time() -> None:
    assert [write_tflite(case.network) for case in cases()] == [write_tflite(case.network) for case in CASES]


@pytest.mark.parametrize("operator", MAC_OPERATORS)
@pytest.mark.parametrize("scheme", ["TFL_SINGLE", "TFL_DOUBLE_UP", "TFL_DOUBLE_FP", "FP32_RNE"])
def test_the_models_tell_rounding_rules_apart(operator: str, scheme: str) -> None:
    """Inputs reach ties: another scheme would change elements of every MAC operator."""
    numerics = Hardware.load("edge-16x16").replace(requantizer=scheme, acc_bits=32).numerics
    ties = [case for case in CASES if case.operator == operator and case.name.endswith("ties")]
    assert sum(int(np.count_nonzero(run(case, None) != run(case, numerics))) for case in ties) > 0


def run(case: Case, numerics: Any) -> Any:
    values = case.network.values
    x = {values[i].name: from_samples(data, values[i].type.shape) for i, data in case.inputs.items()}
    return golden(case.network, x, numerics=numerics)["y"]


def test_a_case_that_litert_refuses_goes_to_micro() -> None:
    refused = next(case for case in CASES if not case.litert)
    assert (oracle_of("tflite", refused), oracle_of("litert", refused)) == (TFLM, None)


def test_differing_types_count_as_all_elements() -> None:
    case = CASES[0]
    wide = Runtime("wide", lambda *_: {len(case.network.values) - 1: run(case, None).astype(np.int32)}, lambda: "0")
    elements, mismatches = count_mismatches(case.network, b"", case.inputs, wide)
    assert elements == mismatches > 0


def test_flipped_bits_are_counted() -> None:
    case = next(c for c in CASES if c.operator == "DEQUANTIZE")
    theirs = run(case, None).copy()
    theirs.flat[:3] = np.nextafter(theirs.flat[:3], np.float32(np.inf), dtype=np.float32)
    near = Runtime("near", lambda *_: {1: theirs}, lambda: "0")
    assert count_mismatches(case.network, b"", case.inputs, near)[1] == 3


def test_unknown_profile() -> None:
    with pytest.raises(UnsupportedError, match=r"tflite, litert, not \['tosa'\]"):
        certify(["tosa"])


def test_missing_wheel_names_the_extra() -> None:
    with pytest.raises(MissingDependencyError, match=r"no_such_wheel must be .* 'fxsim\[oracles\]'"):
        import_wheel("no_such_wheel.interpreter")


def test_sample_counts_must_agree() -> None:
    with pytest.raises(Exception, match="same number of samples"):
        sample_count({0: np.zeros((2, 1)), 1: np.zeros((3, 1))})
