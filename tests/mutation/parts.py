"""What is mutated, which tests must see it, and which operators make faults that somebody could make."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Part(NamedTuple):
    """Files and folders to mutate, what to leave out of them, and the tests (arguments of pytest) that run on a mutant.

    `others` has, by file, the tests of what the part's own tests do not call. Tests run interpreted, but for those of
    the files in `compiled`, which say how a compiler makes vector operations.
    """

    paths: tuple[str, ...]
    excluded: tuple[str, ...]
    tests: tuple[str, ...]
    others: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    compiled: tuple[str, ...] = ()

    def tests_of(self, path: Path) -> tuple[str, ...]:
        """Tests that judge a fault in the file `path`."""
        return self.others.get(path.as_posix(), self.tests)


_ACTIVITY = ("tests/sim/test_activity.py", "-k", "'not zeros_of_whole_networks or fold-edge'")
_WIDTHS = ("tests/analysis/test_width_sweep.py", "-k", "'not many_channels or TFL_SINGLE'")
"""Interpreted, the others of these tests take minutes."""

PARTS = {
    "numerics": Part(
        paths=("fxsim/numerics",),
        excluded=("fxsim/numerics/reference.py", "fxsim/numerics/__init__.py"),
        tests=("tests/numerics",),
    ),
    "kernels": Part(
        paths=("fxsim/kernels",),
        excluded=("fxsim/kernels/__init__.py",),
        tests=("tests/kernels", "tests/sim/test_executor.py"),
        others=MappingProxyType(
            {
                "fxsim/kernels/lanes.py": ("tests/kernels/test_lanes.py",),
                "fxsim/kernels/intrinsics.py": ("tests/kernels/test_lanes.py",),
                "fxsim/kernels/activity.py": _ACTIVITY,
                "fxsim/kernels/widths.py": _WIDTHS,
                "fxsim/kernels/widths_state.py": _WIDTHS,
            }
        ),
        compiled=("fxsim/kernels/lanes.py", "fxsim/kernels/intrinsics.py"),
    ),
    "timing": Part(
        paths=(
            "fxsim/isa/beats.py",
            *(f"fxsim/sim/timing{name}.py" for name in ("", "_costs", "_schedule", "_windows")),
        ),
        excluded=(),
        tests=(
            "tests/isa/test_beats.py",
            *(f"tests/sim/test_{name}.py" for name in ("timing", "timing_attribution", "step_twin")),
        ),
    ),
}
"""`fxsim.numerics.reference` is the oracle of the others and is no part."""

OPERATORS = (
    r"core/NumberReplacer",
    r"core/ReplaceComparisonOperator_.*",
    r"core/ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_FloorDiv|FloorDiv_Mul|Div_Mul|Mod_Mul|LShift_RShift|RShift_LShift)",
    r"core/ReplaceBinaryOperator_(BitAnd_BitOr|BitOr_BitAnd|BitXor_BitAnd|Pow_Mul)",
    r"core/ReplaceUnaryOperator_.*",
    r"core/Replace(And|Or)With.*",
    r"core/Replace(True|False)With.*",
    r"core/ReplaceBreakWithContinue|core/ReplaceContinueWithBreak",
    r"core/AddNot",
    r"core/ZeroIterationForLoop",
)
"""A sum for a power, say, is left out: any test sees it, and it would only flatter the score."""
