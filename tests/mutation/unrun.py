"""Places of a source file whose text is never run: a fault there is none."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Place = tuple[int, int]
"""Line from 1, column from 0."""


def is_unrun(path: Path, place: Place) -> bool:
    """Whether `place` of a file lies in an annotation, a decorator or a block for type checkers."""
    return any(start <= place < stop for start, stop in _ranges(path))


@cache
def _ranges(path: Path) -> list[tuple[Place, Place]]:
    return [_range(node) for node in _nodes(ast.parse(path.read_text(encoding="utf-8")))]


def _nodes(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (node.returns,) if node.returns else ()
            yield from node.decorator_list
        elif isinstance(node, ast.ClassDef):
            yield from node.decorator_list
        elif (isinstance(node, ast.arg) and node.annotation) or isinstance(node, ast.AnnAssign):
            assert node.annotation
            yield node.annotation
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield node


def _range(node: ast.AST) -> tuple[Place, Place]:
    assert isinstance(node, ast.stmt | ast.expr)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
