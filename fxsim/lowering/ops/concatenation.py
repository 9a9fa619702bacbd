"""CONCATENATION: every operand is a box of the result."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from fxsim.lowering.assembly import Assembly, Box, prepare_assembly
from fxsim.lowering.base import LOWERINGS, Lowering
from fxsim.lowering.tiling import Span
from fxsim.ops import concatenation_axis

if TYPE_CHECKING:
    from fxsim.lowering.base import Emit, Site


def prepare_concatenation(site: Site) -> Emit:
    """Lower a CONCATENATION node: one operand behind the other along the axis."""
    axis = concatenation_axis(site.net, site.node)
    shapes = [site.net.values[i].type.shape for i in site.node.inputs]
    ends = pairwise([0, *accumulate(shape[axis] for shape in shapes)])
    whole = [Span(0, size) for size in shapes[0]]
    boxes = [Box(i, (*whole[:axis], Span(*along), *whole[axis + 1 :])) for i, along in enumerate(ends)]
    return prepare_assembly(site, Assembly(site.result.shape, tuple(boxes)))


LOWERINGS.add("CONCATENATION", Lowering(prepare_concatenation))
