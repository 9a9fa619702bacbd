"""Golden on the given networks: equal to the stored tensors of both flavours, and to the runtimes that run here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fxsim.formats.tflite import read_tflite, reset_stray_axes, write_tflite
from fxsim.oracle import golden
from fxsim.runtimes import run_litert, run_tflm
from tests.given import NETWORKS, given_folder, require_oracles
from tests.tally import RecordProperty, tally

if TYPE_CHECKING:
    from fxsim.graph import Network, Tensors

Array = NDArray[Any]
FLAVOURS = {"tflite": "classic", "litert": "current"}


@dataclass(frozen=True)
class Given:
    """One network: its file, inputs (N, *shape) and stored expectations."""

    model: bytes
    network: Network
    card: dict[str, Any]
    arrays: dict[str, Array]

    @property
    def inputs(self) -> dict[int, Array]:
        return {index: self.arrays[f"input_{k}"] for k, index in enumerate(self.network.inputs)}

    def golden(self, profile: str) -> Tensors:
        x = self.arrays["input_0"]
        return golden(self.network.with_profile(profile), x[:, 0])


@pytest.fixture(scope="module", params=NETWORKS)
def given(request: pytest.FixtureRequest) -> Given:
    path = given_folder() / f"{request.param}.tflite"
    with np.load(path.with_suffix(".npz")) as stored:
        arrays = {name: stored[name] for name in stored.files}
    card = json.loads(path.with_suffix(".json").read_text())
    return Given(path.read_bytes(), read_tflite(path), card, arrays)


def computed(network: Network) -> list[int]:
    return [index for node in network.nodes for index in node.outputs]


def test_reader_keeps_the_indices_names_and_types_of_the_file(given: Given) -> None:
    for stored in given.card["tensors"]:
        value = given.network.values[stored["index"]]
        assert (value.name, value.type.shape) == (stored["name"], tuple(stored["shape"]))
        assert value.type.dtype.name == stored["dtype"]
        assert value.is_constant == stored["const"]
    assert [node.op for node in given.network.nodes] == [op["op"] for op in given.card["ops"]]


@pytest.mark.parametrize("profile", FLAVOURS)
def test_every_tensor_has_the_stored_hash(given: Given, profile: str, record_property: RecordProperty) -> None:
    """The cards hold one sha256 per sample of the raw C-order bytes of every operator output."""
    tensors, hashes = given.golden(profile), given.card["expected"][FLAVOURS[profile]]["tensors"]
    for index in computed(given.network):
        codes = tensors[given.network.values[index].name]
        expected = hashes[str(index)]
        assert [sha256(sample.tobytes()).hexdigest() for sample in codes[: len(expected)]] == expected
        tally(record_property, profile, codes[: len(expected)].size)


@pytest.mark.parametrize("profile", FLAVOURS)
def test_every_stored_array_is_met(given: Given, profile: str, record_property: RecordProperty) -> None:
    tensors = given.golden(profile)
    for key, index in stored_keys(given, profile).items():
        stored = given.arrays[key]
        mine = tensors[given.network.values[index].name][: len(stored)]
        assert np.count_nonzero(mine.reshape(stored.shape) != stored) == 0, (key, profile)
        tally(record_property, profile, stored.size)


def stored_keys(given: Given, profile: str) -> dict[str, int]:
    """Keys of the stored arrays of one flavour; intermediate tensors are stored for `classic` alone."""
    outputs = {f"output_{k}": index for k, index in enumerate(given.network.outputs)}
    if FLAVOURS[profile] == "current":
        return {f"current_{key}" if f"current_{key}" in given.arrays else key: i for key, i in outputs.items()}
    tensors = {f"{prefix}{index}": index for index in computed(given.network) for prefix in ("t", "s2_t")}
    return outputs | {key: index for key, index in tensors.items() if key in given.arrays}


@pytest.mark.oracle
def test_litert_agrees_on_every_tensor(given: Given, record_property: RecordProperty) -> None:
    """On a copy whose stray bias axes are 0: LiteRT 2.x refuses person_detect as it is."""
    require_oracles()
    expected = run_litert(reset_stray_axes(given.model), given.inputs, computed(given.network))
    compare(given, "litert", expected, record_property)


@pytest.mark.oracle
def test_litert_reads_what_we_write(given: Given, record_property: RecordProperty) -> None:
    """Our copy carries no stray axes, so LiteRT takes it as it is."""
    require_oracles()
    copy = write_tflite(given.network)
    compare(given, "litert", run_litert(copy, given.inputs, computed(given.network)), record_property)


@pytest.mark.oracle
def test_tflite_micro_agrees_on_every_tensor(given: Given, record_property: RecordProperty) -> None:
    require_oracles()
    compare(given, "tflite", run_tflm(given.model, given.inputs, computed(given.network)), record_property)


def compare(given: Given, profile: str, expected: dict[int, Array], record_property: RecordProperty) -> None:
    tensors = given.golden(profile)
    for index, theirs in expected.items():
        mine = tensors[given.network.values[index].name]
        assert mine.dtype == theirs.dtype
        assert np.count_nonzero(mine.reshape(theirs.shape) != theirs) == 0, given.network.values[index].name
        tally(record_property, profile, theirs.size)


def test_reset_stray_axes_changes_biases_only(given: Given) -> None:
    patched = reset_stray_axes(given.model)
    assert [v.type for v in read_tflite(patched).values] == [v.type for v in given.network.values]
    changed = sum(a != b for a, b in zip(patched, given.model, strict=True))
    assert changed == (given.card.get("patched_bias_quantized_dimension") or 0)


def test_stem_is_the_name(given: Given) -> None:
    folder: Path = given_folder()
    assert read_tflite(folder / given.card["file"]).name == Path(given.card["file"]).stem
