"""House rules as programs: what a linter does not know about this project."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from statistics import median, quantiles

import pytest

import fxsim
from fxsim.isa import INSTRUCTIONS
from fxsim.numerics import SCHEMES
from fxsim.ops import OPERATORS

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "fxsim"
FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
KERNEL_HOMES = re.compile(r"fxsim/(kernels/\w+|\w+/\w+_kernels?)\.py$")
FUNCTION_LIMIT = 45
KERNEL_DECORATORS = {"kernel", "inner_kernel", "entry_kernel"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.AST) -> list[Function]:
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def is_kernel(function: Function) -> bool:
    return any(isinstance(d, ast.Name) and d.id in KERNEL_DECORATORS for d in function.decorator_list)


def lines(function: Function) -> int:
    body = function.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    return 1 if not body else (body[-1].end_lineno or 0) - body[0].lineno + 1


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_are_short(path: Path) -> None:
    count = len(path.read_text(encoding="utf-8").splitlines())
    assert count <= 400, f"{name_of(path)} has {count} lines: split it by responsibility"


def test_functions_are_short() -> None:
    sizes = [lines(f) for tree in TREES.values() for f in functions(tree)]
    assert median(sizes) <= 10
    assert quantiles(sizes, n=10)[-1] <= 30
    long = [
        f"{name_of(p)}:{f.lineno} {f.name}: {lines(f)}"
        for p, t in TREES.items()
        for f in functions(t)
        if lines(f) > FUNCTION_LIMIT
    ]
    assert not long, f"functions of more than {FUNCTION_LIMIT} lines do more than one thing: {long}"


def test_kernels_live_in_kernel_modules() -> None:
    strays = [
        f"{name_of(p)}: {f.name}"
        for p, t in TREES.items()
        for f in functions(t)
        if is_kernel(f) and not KERNEL_HOMES.search(name_of(p))
    ]
    assert not strays, f"kernels belong in fxsim/kernels or a *_kernel(s).py: {strays}"


def test_kernels_have_no_true_division() -> None:
    bad = [
        f"{name_of(p)}:{n.lineno}"
        for p, t in TREES.items()
        for f in functions(t)
        if is_kernel(f)
        for n in ast.walk(f)
        if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div)
    ]
    assert not bad, f"integer kernels must not divide into floats: {bad}"


def test_kernels_say_what_comes_out() -> None:
    silent = [
        f"{name_of(p)}: {f.name}"
        for p, t in TREES.items()
        for f in functions(t)
        if is_kernel(f) and not f.name.startswith("_") and not ast.get_docstring(f)
    ]
    assert not silent, f"public kernels need a docstring: {silent}"


@pytest.mark.parametrize("word", ["pickle", "eval(", "exec(", "fastmath=", "TODO", "FIXME", "NotImplementedError"])
def test_words_that_never_appear(word: str) -> None:
    pattern = re.compile(rf"(?<![\w.]){re.escape(word)}")
    allowed = ("allow_pickle=False",)
    hits = []
    for path in FILES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            code = line.split("#")[0]
            prose = '"""' in code or "pickled" in code
            if pattern.search(code) and not prose and not any(a in code for a in allowed):
                hits.append(f"{name_of(path)}:{number}")
    assert not hits


def test_public_names_are_documented() -> None:
    silent = [
        f"{name_of(p)}: {node.name}"
        for p, t in TREES.items()
        for node in t.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not silent


def test_no_public_function_shares_a_name_with_a_package() -> None:
    packages = {p.name for p in PACKAGE.iterdir() if p.is_dir() and (p / "__init__.py").exists()}
    assert not packages & set(fxsim.__all__)


def test_deep_imports_stay_inside_their_package() -> None:
    """Across packages only a package's door is used."""
    bad = []
    for path, tree in TREES.items():
        home = path.relative_to(PACKAGE).parts[0]
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("fxsim."):
                continue
            parts = (node.module or "").split(".")
            if parts[1] not in (home, "_core", "api") and len(parts) > (3 if parts[1] == "formats" else 2):
                bad.append(f"{name_of(path)}:{node.lineno} {node.module}")
    assert not [b for b in bad if ".reference" not in b]


@pytest.mark.parametrize("registry", [INSTRUCTIONS, SCHEMES, OPERATORS], ids=lambda r: r.kind)
def test_registered_things_are_documented(registry: object) -> None:
    for name, thing in registry.items():  # type: ignore[attr-defined]
        doc = getattr(thing, "doc", None) or thing.__doc__
        assert doc, f"{name} has no docstring"
        assert len(doc.strip()) > 10, f"{name} has no docstring"
