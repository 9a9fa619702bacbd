"""What all checkers share: the search, the answers they take, the text and the folder of a counterexample."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fxsim._core.errors import FxsimError, InputError
from fxsim.numerics.reference import ref_requantize
from fxsim.testing import MismatchError, check_kernel
from fxsim.testing.checking.answers import integers_differ, tensor_differs
from fxsim.testing.checking.source import bytes_source

EXPECTED = np.array([[1, -2], [3, 4]], np.int64)


class Broken:
    """Does not become an array."""

    def __array__(self, *_: object, **__: object) -> Any:
        raise RuntimeError("still on the device")

    def __repr__(self) -> str:
        return "<broken>"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (EXPECTED, None),
        (EXPECTED.tolist(), None),
        (EXPECTED.astype(np.int8), None),
        ([[1, -2], [3, 5]], "out[1, 1] must be 4, not 5 (1 of 4 differ)"),
        (-EXPECTED, "out[0, 0] must be 1, not -1 (4 of 4 differ)"),
        ([1, -2, 3, 4], "out must have shape (2, 2), not (4,)"),
        (EXPECTED.astype(float), "out must be integers of at most 64 bits, not float64"),
        ([[1, -2], [3]], "out must be integers of at most 64 bits, not [[1, -2], [3]]"),
        ([[1, -2], [3, 1 << 64]], "out must be integers of at most 64 bits, not [[1, -2], [3, 18446744073709551616]]"),
        (None, "out must be integers of at most 64 bits, not None"),
        ([], "out must have shape (2, 2), not (0,)"),
        (Broken(), "out must be integers of at most 64 bits, not <broken>"),
        (EXPECTED > 0, "out must be integers of at most 64 bits, not bool"),
    ],
)
def test_integers(answer: object, problem: str | None) -> None:
    assert integers_differ("out", EXPECTED, answer) == problem


def test_integers_beyond_binary64_are_compared_exactly() -> None:
    wide = np.array([(1 << 62) + 1])
    assert integers_differ("out", wide, wide.astype(np.uint64)) is None
    assert integers_differ("out", wide, np.array([1 << 62], np.uint64)) is not None
    assert integers_differ("n", np.array(3), 4) == "n must be 3, not 4 (1 of 1 differ)"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (np.array([0.5, -0.0], np.float32), None),
        (np.array([0.5, -0.0, 0.25, 1], np.float32)[:2], None),
        (np.array([0.5, 0.0], np.float32), "y[1] must be -0.0, not 0.0 (1 of 2 differ)"),
        (np.array([0.5, -0.0]), "y must be float32, not float64"),
        (np.array([[0.5, -0.0]], np.float32), "y must have shape (2,), not (1, 2)"),
    ],
)
def test_tensors_are_compared_by_their_bits(answer: object, problem: str | None) -> None:
    assert tensor_differs("y", np.array([0.5, -0.0], np.float32), answer) == problem


@pytest.mark.parametrize("data", [b"", bytes(3), b"\1", b"\0\2\0\0", bytes(range(1, 99)) + bytes(7)])
def test_bytes_are_written_whole(data: bytes) -> None:
    assert eval(bytes_source(data)) == data


def wrong(acc: Any, *_: int) -> Any:
    return np.full(len(acc), 1000)


def right(acc: Any, multiplier: int, shift: int, zero: int, lo: int, hi: int) -> Any:
    return [ref_requantize(a, multiplier, shift, 0, "TFL_DOUBLE", 32, zero, lo, hi) for a in acc.tolist()]


def caught(dut: Any, kind: str = "requantize", **arguments: Any) -> MismatchError:
    with pytest.raises(MismatchError) as found:
        check_kernel(dut, kind, **{"examples": 100, **arguments})
    return found.value


def test_the_text_holds_everything() -> None:
    error = caught(wrong)
    assert isinstance(error, FxsimError)
    text = str(error)
    assert text.startswith(f"{error.problem}\n\nAs Python, with the design called dut:\n\n    import numpy as np")
    assert "\n    # TFL_DOUBLE, accumulators of 32 bits\n" in text
    assert "    assert codes.tolist() == [0], codes\n" in text
    assert "\n    MAC pop=DMA_MAC" in text
    assert "\n    REQ " in text
    assert "act_bits" not in text
    assert text.endswith("folder=... writes both, and the numbers as $readmemh files.")
    assert error.folder is None
    assert error.files == ()


def test_the_exception_of_a_design_is_its_answer() -> None:
    def dut(acc: Any, *_: int) -> Any:
        raise ZeroDivisionError("no inverse")

    error = caught(dut)
    assert error.problem == "the design raised ZeroDivisionError: no inverse"
    assert isinstance(error.__cause__, ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        exec(error.python, {"dut": dut})


def test_a_design_that_exits_has_answered() -> None:
    def dut(*_: Any) -> Any:
        sys.exit(3)

    error = caught(dut)
    assert error.problem == "the design raised SystemExit: 3"
    assert "acc = np.array([0], np.int64)" in error.python


@pytest.mark.parametrize("kind", ["requantize", "accumulate"])
@pytest.mark.parametrize("made", [np.float64, np.bool_])
def test_the_printed_python_sees_another_type(kind: str, made: Any) -> None:
    """Also where the numbers are equal as Python compares them."""

    def dut(first: Any, *rest: Any) -> Any:
        return np.zeros(len(first) if kind == "requantize" else len(rest[0]), made)

    error = caught(dut, kind)
    assert error.problem.endswith(f"must be integers of at most 64 bits, not {np.dtype(made)}")
    with pytest.raises(AssertionError):
        exec(error.python, {"dut": dut})


def test_an_error_of_the_judge_is_not_the_design_s(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(*_: object) -> str:
        raise FxsimError("the oracle is broken")

    monkeypatch.setattr("fxsim.testing.checking.requantization.integers_differ", judge)
    with pytest.raises(FxsimError, match="the oracle is broken"):
        check_kernel(right, "requantize")


def test_an_interrupt_is_nobodys_answer() -> None:
    def dut(*_: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_kernel(dut, "requantize")


def test_a_design_that_answers_now_so_now_so() -> None:
    answers = iter(range(10**6))

    def dut(acc: Any, *rest: int) -> Any:
        return wrong(acc) if next(answers) == 7 else right(acc, *rest)

    assert caught(dut).problem.endswith("differ); asked again, the design answered otherwise")


def test_a_design_may_write_into_its_arguments() -> None:
    def dut(acc: Any, *_: int) -> Any:
        acc[:] = 99
        return wrong(acc)

    assert "acc = np.array([0], np.int64)" in caught(dut).python


def test_the_seed_decides_the_questions() -> None:
    def questions(seed: int) -> list[Any]:
        asked: list[Any] = []

        def dut(acc: Any, *rest: int) -> Any:
            asked.append((acc.tolist(), rest))
            return wrong(acc)

        with pytest.raises(MismatchError):
            check_kernel(dut, "requantize", examples=20, seed=seed)
        return asked

    assert questions(1) == questions(1)


def test_a_counterexample_replaces_an_earlier_one_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    first = caught(wrong, folder=folder)
    assert str(first).endswith(f"Files in {folder}: {', '.join(first.files)}")
    caught(wrong, folder=folder)
    (folder / "mine.txt").write_text("keep")
    asked = []

    def dut(acc: Any, *_: int) -> Any:
        asked.append(acc)
        return wrong(acc)

    with pytest.raises(InputError, match=r"hold only what its counterexample\.json lists, not \['mine\.txt'\]"):
        check_kernel(dut, "requantize", folder=folder)
    assert not asked
    assert (folder / "mine.txt").read_text() == "keep"


def test_a_design_must_be_callable() -> None:
    with pytest.raises(InputError, match="the design must be callable, not 3"):
        check_kernel(3, "requantize")  # type: ignore[arg-type]
