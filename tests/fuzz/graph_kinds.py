"""Mutations of networks as graphs, through the writer and reader, or through `build`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from fxsim.api import load
from fxsim.formats import write_tflite
from fxsim.graph import ABSENT, DType, Network, Node, Value, build
from fxsim.numerics import Affine
from fxsim.ops import OPERATORS
from tests.fuzz.bases import machines, pick_small, small_networks
from tests.fuzz.numbers import nasty_int
from tests.fuzz.pipeline import run_network
from tests.fuzz.registry import Trial, kind

_INT32 = 1 << 31
_CHOICES: dict[str, tuple[Any, ...]] = {
    "padding": ("SAME", "VALID"),
    "activation": ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT"),
    "keep_num_dims": (0, 1),
    "keep_dims": (0, 1),
}
"""Attributes of few values; the others are numbers and lists of numbers."""


@dataclass
class Draft:
    """A network coming apart."""

    values: list[Value]
    nodes: list[Node]
    inputs: list[int]
    outputs: list[int]


Change = Callable[[Random, Draft], str]


@kind("graph", 24)
def graph(rng: Random) -> Trial:
    """One to three changes of nodes, edges, shapes, types, quantization, attributes or constants."""
    net = rng.choice(small_networks()["chain"]) if rng.random() < 0.5 else pick_small(rng)
    draft = Draft(list(net.values), list(net.nodes), list(net.inputs), list(net.outputs))
    notes = [rng.choice(_CHANGES)(rng, draft) for _ in range(rng.choice((1, 1, 2, 3)))]
    fields, by_file = machines(rng), rng.random() < 0.5
    mutated = Network("fuzz", tuple(draft.values), tuple(draft.nodes), tuple(draft.inputs), tuple(draft.outputs))
    route = "file" if by_file else "build"
    return Trial(
        f"{net.name}, {route}, {fields}: {'; '.join(notes)}",
        lambda: run_network(_by_file(mutated) if by_file else _by_build(mutated), fields),
    )


def _by_file(net: Network) -> Network:
    return load(write_tflite(net))


def _by_build(net: Network) -> Network:
    return build(net.name, net.values, net.nodes, net.inputs, net.outputs)


def _edge(rng: Random, draft: Draft) -> str:
    """An operand or result becomes another value, absent, or one beyond the last; cycles and doubled producers."""
    at, count = _some_node(rng, draft), len(draft.values)
    target = rng.choice((rng.randrange(count), ABSENT, count, _INT32 - 1, -7))
    side = rng.choice(("inputs", "inputs", "outputs"))
    ids = list(getattr(draft.nodes[at], side))
    place = rng.randrange(len(ids) + 1)
    ids[place : place + 1] = [target]
    changed: dict[str, Any] = {side: tuple(ids)}
    draft.nodes[at] = dataclasses.replace(draft.nodes[at], **changed)
    return f"{side}[{place}] of node {at} -> {target}"


def _shorten(rng: Random, draft: Draft) -> str:
    """An operand list loses its end."""
    at = _some_node(rng, draft)
    draft.nodes[at] = dataclasses.replace(draft.nodes[at], inputs=draft.nodes[at].inputs[:-1])
    return f"node {at} without its last operand"


def _node_list(rng: Random, draft: Draft) -> str:
    """Nodes dropped, doubled or shuffled."""
    at, way = _some_node(rng, draft), rng.choice(("drop", "double", "shuffle"))
    if way == "drop":
        del draft.nodes[at]
    elif way == "double":
        draft.nodes.insert(at, draft.nodes[at])
    else:
        rng.shuffle(draft.nodes)
    return f"{way} node {at}"


def _ends(rng: Random, draft: Draft) -> str:
    """Inputs or outputs of the network: other values, more, fewer, repeated."""
    side = rng.choice(("inputs", "outputs"))
    ids: list[int] = getattr(draft, side)
    way = rng.choice(("clear", "add", "replace", "repeat"))
    other = rng.choice((rng.randrange(len(draft.values)), -1, len(draft.values)))
    changed = {"clear": [], "add": [*ids, other], "replace": [other, *ids[1:]], "repeat": ids + ids}[way]
    setattr(draft, side, changed)
    return f"{way} {side}: {changed}"


def _shape(rng: Random, draft: Draft) -> str:
    """A dimension, or their number."""
    at = rng.randrange(len(draft.values))
    kind_of = draft.values[at].type
    dims = list(kind_of.shape) or [1]
    place = rng.randrange(len(dims))
    if rng.random() < 0.7:
        dims[place] = max(-_INT32, min(_INT32 - 1, nasty_int(rng, dims[place], 16)))
    else:
        dims = rng.choice((dims[:-1], [1, *dims], dims[::-1], dims * 3, []))
    _replace(draft, at, type=dataclasses.replace(kind_of, shape=tuple(dims)))
    return f"shape of value {at}: {kind_of.shape} -> {tuple(dims)}"


def _grow(rng: Random, draft: Draft) -> str:
    """A dimension grows in all values that share it: shapes stay consistent more often."""
    factor = rng.choice((2, 3, 50, 1000, 65536))
    old = rng.choice([d for value in draft.values for d in value.type.shape] or [1])
    for at, value in enumerate(draft.values):
        if not value.is_constant:
            dims = tuple(min(d * factor, _INT32 - 1) if d == old else d for d in value.type.shape)
            _replace(draft, at, type=dataclasses.replace(value.type, shape=dims))
    return f"dimensions of {old} grow by {factor}"


def _dtype(rng: Random, draft: Draft) -> str:
    at, dtype = rng.randrange(len(draft.values)), rng.choice(list(DType))
    value = draft.values[at]
    data = None if value.data is None else value.data.astype(dtype.numpy)
    _replace(draft, at, type=dataclasses.replace(value.type, dtype=dtype), data=data)
    return f"value {at} becomes {dtype.value}"


def _quantization(rng: Random, draft: Draft) -> str:
    """None, another scale, another zero point, per channel along any axis."""
    at = rng.randrange(len(draft.values))
    kind_of = draft.values[at].type
    way = rng.choice(("none", "scale", "zero", "channels"))
    quant: Affine | None = None
    axis = rng.randrange(max(1, len(kind_of.shape)))
    count = kind_of.shape[axis] if kind_of.shape and 0 < kind_of.shape[axis] < 1000 else 1
    if way == "scale":
        quant = Affine(np.float32(rng.choice((1e-38, 1e-20, 1e-6, 0.37, 1.0, 1e6, 1e30))), 0)
    elif way == "zero":
        quant = Affine(np.float32(0.1), rng.choice((-128, -1, 127, 255, 1000, -(1 << 40))))
    elif way == "channels" and count > 1:
        quant = Affine(np.linspace(0.01, 0.2, count).astype(np.float32), 0, axis=axis)
    _replace(draft, at, type=dataclasses.replace(kind_of, quant=quant))
    return f"quantization of value {at}: {quant}"


def _attribute(rng: Random, draft: Draft) -> str:
    """A stride, dilation, padding, activation, filter size, shape or beta."""
    at = _some_node(rng, draft)
    attrs = draft.nodes[at].attrs
    names = [f.name for f in dataclasses.fields(attrs)]
    if not names:
        return "no attributes"
    name = rng.choice(names)
    new = _other(rng, name, getattr(attrs, name))
    draft.nodes[at] = dataclasses.replace(draft.nodes[at], attrs=dataclasses.replace(attrs, **{name: new}))
    return f"{name} of node {at}: {getattr(attrs, name)} -> {new}"


def _other(rng: Random, name: str, old: Any) -> Any:
    if name in _CHOICES or isinstance(old, str):
        return rng.choice(_CHOICES.get(name, (old,)))
    if isinstance(old, tuple):
        return rng.choice((old[::-1], (*old, -1), (-1, -1), (0, 4), (), tuple(2 * d for d in old), (1 << 20, 1 << 20)))
    if isinstance(old, float):
        return rng.choice((0.0, -1.0, 1e-30, 1e30, float("nan"), float("inf"), 0.5))
    return max(-_INT32, min(_INT32 - 1, nasty_int(rng, int(old), 16)))


def _operator(rng: Random, draft: Draft) -> str:
    """A node becomes another operator with that one's default attributes."""
    at, op = _some_node(rng, draft), rng.choice(list(OPERATORS))
    draft.nodes[at] = dataclasses.replace(draft.nodes[at], op=op, attrs=OPERATORS[op].attrs())
    return f"node {at} becomes {op}"


def _constant(rng: Random, draft: Draft) -> str:
    """A constant loses its data, gets extreme data, or an activation becomes a constant."""
    at = rng.randrange(len(draft.values))
    value = draft.values[at]
    if value.data is not None and rng.random() < 0.5:
        _replace(draft, at, data=None)
        return f"value {at} without data"
    shape, dtype = value.type.shape, value.type.dtype
    if not 0 <= value.type.size <= 1 << 16 or any(d < 0 for d in shape):
        return "no data for an absurd shape"
    fill = rng.choice((dtype.lo, dtype.hi)) if dtype.is_integer else 1
    _replace(draft, at, data=np.full(shape, fill, dtype.numpy))
    return f"value {at} full of {fill}"


def _name(rng: Random, draft: Draft) -> str:
    at, name = rng.randrange(len(draft.values)), rng.choice(("", draft.values[0].name, "\x00", "ü" * 50, "a#1", 'q"\n'))
    _replace(draft, at, name=name)
    return f"value {at} is called {name!r}"


def _some_node(rng: Random, draft: Draft) -> int:
    if not draft.nodes:
        draft.nodes.append(Node("RESHAPE", "spare", (0,), (0,), OPERATORS["RESHAPE"].attrs()))
    return rng.randrange(len(draft.nodes))


def _replace(draft: Draft, at: int, **fields: Any) -> None:
    draft.values[at] = dataclasses.replace(draft.values[at], **fields)


_CHANGES: tuple[Change, ...] = (
    _edge, _edge, _shorten, _node_list, _ends, _shape, _grow, _dtype, _quantization, _quantization, _attribute,
    _attribute, _operator, _constant, _constant, _name,
)  # fmt: skip
