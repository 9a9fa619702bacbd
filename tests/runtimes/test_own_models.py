"""Golden on our own networks: equal to the runtimes that run here, on every evaluation image and every tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fxsim.formats.tflite import read_tflite
from fxsim.oracle import golden
from fxsim.runtimes import run_litert, run_tflm
from tests.given import require_oracles
from tests.own import CARD, MODELS, images
from tests.tally import RecordProperty, tally

if TYPE_CHECKING:
    from collections.abc import Callable

RUNTIMES: dict[str, Callable[..., dict[int, NDArray[Any]]]] = {"litert": run_litert, "tflite": run_tflm}


@pytest.mark.oracle
@pytest.mark.parametrize("profile", RUNTIMES)
@pytest.mark.parametrize("name", sorted(CARD))
def test_runtime_agrees_on_every_tensor(name: str, profile: str, record_property: RecordProperty) -> None:
    require_oracles()
    path = MODELS / f"{name}.tflite"
    net = read_tflite(path).with_profile(profile)
    mine = golden(net, images(name))
    computed = [index for node in net.nodes for index in node.outputs]
    theirs = RUNTIMES[profile](path.read_bytes(), {net.inputs[0]: mine["image"][:, None]}, computed)
    for index in computed:
        tensor = mine[net.values[index].name]
        assert tensor.dtype == theirs[index].dtype
        assert np.count_nonzero(tensor != theirs[index].reshape(tensor.shape)) == 0, net.values[index].name
        tally(record_property, profile, tensor.size)
