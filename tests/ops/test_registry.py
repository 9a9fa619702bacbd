from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

import pytest
import tflite

import fxsim.ops
from fxsim.ops import ACTIVATIONS, MAC_OPERATORS, OPERATORS, PADDINGS
from tests.ops import mac_cases


def test_every_operator_has_its_file() -> None:
    stems = {path.stem for path in Path(fxsim.ops.__path__[0]).glob("*.py")}
    assert {name.lower() for name in OPERATORS} <= stems
    assert set(MAC_OPERATORS) < set(OPERATORS)


@pytest.mark.parametrize("name", OPERATORS)
def test_operator_is_documented_and_has_default_attributes(name: str) -> None:
    operator = OPERATORS[name]
    assert operator.name == name
    assert inspect.getdoc(type(operator))
    attrs = operator.attrs()
    assert attrs.__dataclass_params__.frozen
    assert all(isinstance(getattr(attrs, f.name), int | str | float | tuple) for f in dataclasses.fields(attrs))


@pytest.mark.parametrize("name", OPERATORS)
def test_importer_hook_fits_the_schema(name: str) -> None:
    hook = OPERATORS[name].tflite
    assert hook is not None
    assert hasattr(tflite.BuiltinOperator, hook.builtin)
    table = getattr(tflite, hook.options) if hook.options else None
    names = {f.name for f in dataclasses.fields(OPERATORS[name].attrs)}
    assert {f.attribute for f in hook.fields} == names
    for f in hook.fields:
        assert hasattr(table, f.accessor) or hasattr(table, f"{f.accessor}Length"), f
        assert (f.kind == "enum") == bool(f.values)


@pytest.mark.parametrize(
    ("enum", "values"),
    [
        ("Padding", PADDINGS),
        ("ActivationFunctionType", ACTIVATIONS),
        ("FullyConnectedOptionsWeightsFormat", ("DEFAULT", "SHUFFLED4x16INT8")),
    ],
)
def test_enum_codes_are_those_of_the_schema(enum: str, values: tuple[str, ...]) -> None:
    members = {k: v for k, v in vars(getattr(tflite, enum)).items() if not k.startswith("_")}
    assert {name: code for code, name in enumerate(values)} == members


@pytest.mark.parametrize("name", OPERATORS)
def test_operator_has_a_naive_twin(name: str) -> None:
    tests = Path(__file__).parent.glob("test_*.py")
    assert name in mac_cases.OPS or any(f'"{name}"' in path.read_text(encoding="utf-8") for path in tests)
