"""Every operator has a model whose switches, all on, give the operator's own codes."""

from __future__ import annotations

import numpy as np
import pytest

import fxsim
from fxsim.analysis.comparison.attribution import CAUSES
from fxsim.analysis.comparison.mechanisms import MEANINGS, Mechanism
from fxsim.analysis.comparison.models import MODELS, node_model
from fxsim.hw import Numerics
from fxsim.ops import OPERATORS
from fxsim.oracle import golden, operand_arrays
from tests.own import MODELS as FOLDER
from tests.own import images


def test_every_operator_has_a_model() -> None:
    assert set(MODELS) == set(OPERATORS)
    assert list(MEANINGS) == list(Mechanism)
    assert len(CAUSES) == len(Mechanism) + 1 <= 16


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits_fc", "digits_cnn", "digits_resnet"])
@pytest.mark.parametrize("rule", [{}, {"acc_bits": 18, "bias_policy": "apply"}])
def test_all_switches_on(name: str, rule: dict[str, object]) -> None:
    net, x = fxsim.load(FOLDER / f"{name}.tflite"), images(name, 2)
    numerics = Numerics(**rule)  # type: ignore[arg-type]
    tensors = golden(net, x, numerics=numerics)
    arrays = {
        i: np.asarray(tensors[v.name]).reshape(2, *v.type.shape) for i, v in enumerate(net.values) if v.name in tensors
    }
    for node in net.nodes:
        found = node_model(net, node, numerics=numerics, bias="float")
        codes = found.bind(operand_arrays(net, node, arrays, 2)).codes(frozenset(found.mechanisms))
        assert np.array_equal(codes, arrays[node.outputs[0]].reshape(-1)), node.name
