"""Exact rewrites: the same function with fewer or cheaper operators."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from .graph import Graph, attribute, drop_unused, set_attributes, sort_nodes

FAR = 2**30
"""Slices that end with the tensor end here or further."""

Rewrite = Callable[[ModelProto], int]
"""Changes a model in place and returns the number of places changed."""


def focus_to_convolution(model: ModelProto) -> int:
    """Four slices of every other pixel, concatenated, then a convolution: one convolution with a stride of 2.

    A tap (ky, kx) on the slice that starts at (dy, dx) is the tap (2 ky + dy, 2 kx + dx) on the image.
    """
    graph = Graph(model.graph)
    changed = 0
    for concat in list(model.graph.node):
        starts = _focus(graph, concat)
        conv = graph.only_consumer(concat.output[0]) if starts is not None else None
        weights = graph.constant(conv.input[1]) if conv is not None and conv.op_type == "Conv" else None
        if starts is None or conv is None or weights is None or not _plain(conv, weights):
            continue
        outputs, inputs, rows, columns = weights.shape
        channels = inputs // 4
        wide = np.zeros((outputs, channels, 2 * rows, 2 * columns), weights.dtype)
        for part, (dy, dx) in enumerate(starts):
            wide[:, :, dy::2, dx::2] = weights[:, part * channels : (part + 1) * channels]
        pads = [2 * pad for pad in attribute(conv, "pads", [0, 0, 0, 0])]
        conv.input[0] = _every_other(graph, concat.input[0])[0]
        conv.input[1] = f"{conv.name}_wide"
        graph.set_constant(conv.input[1], wide)
        set_attributes(conv, kernel_shape=[2 * rows, 2 * columns], pads=pads, strides=[2, 2])
        changed += 1
    drop_unused(model.graph)
    return changed


def _plain(conv: NodeProto, weights: NDArray[np.float32]) -> bool:
    ones = [1, 1]
    return (
        attribute(conv, "group", 1) == 1
        and list(attribute(conv, "strides", ones)) == ones
        and list(attribute(conv, "dilations", ones)) == ones
        and attribute(conv, "auto_pad", b"NOTSET") in (b"NOTSET", b"")
        and weights.shape[1] % 4 == 0
    )


def _focus(graph: Graph, concat: NodeProto) -> list[tuple[int, int]] | None:
    """Row and column at which each input of a Focus begins; None if it is not a Focus."""
    if concat.op_type != "Concat" or attribute(concat, "axis") != 1 or len(concat.input) != 4:
        return None
    parts = [_every_other(graph, name) for name in concat.input]
    found = [(rows, columns) for _, rows, columns in parts if rows is not None and columns is not None]
    same_source = len({source for source, _, _ in parts}) == 1
    return found if set(found) == {(0, 0), (0, 1), (1, 0), (1, 1)} and same_source else None


def _every_other(graph: Graph, name: str) -> tuple[str, int | None, int | None]:
    """The source of a slice of every other row and column up to the end, and the first row and column."""
    rows = columns = None
    while (node := graph.producer.get(name)) is not None and node.op_type == "Slice" and len(node.input) == 5:
        values = [graph.constant(field) for field in node.input[1:]]
        if any(value is None for value in values):
            break
        starts, ends, axes, steps = (value.tolist() for value in values if value is not None)
        if any(step != 2 for step in steps) or any(end < FAR for end in ends):
            break
        at = dict(zip(axes, starts, strict=True))
        if not set(at) <= {2, 3} or (2 in at and rows is not None) or (3 in at and columns is not None):
            break
        rows, columns = at.get(2, rows), at.get(3, columns)
        name = node.input[0]
    return name, rows, columns


def chain_pools(model: ModelProto) -> int:
    """Max pools of growing windows over one tensor: each over the previous one, with a smaller window."""
    graph = Graph(model.graph)
    by_source: defaultdict[str, list[NodeProto]] = defaultdict(list)
    for node in model.graph.node:
        if node.op_type == "MaxPool" and _window(node) is not None and len(node.output) == 1:
            by_source[node.input[0]].append(node)
    changed = 0
    for pools in by_source.values():
        pools.sort(key=lambda node: _window(node) or 0)
        sizes = [_window(node) or 0 for node in pools]
        for inner, outer, small, large in zip(pools, pools[1:], sizes, sizes[1:], strict=False):
            if large == small:
                continue
            # the maximum over `rest` such windows is the maximum over small + rest - 1
            rest = large - small + 1
            outer.input[0] = inner.output[0]
            set_attributes(outer, kernel_shape=[rest, rest], pads=[rest // 2] * 4)
            changed += 1
    if changed:
        sort_nodes(graph.proto)
    return changed


def _window(node: NodeProto) -> int | None:
    """Side of a square odd window that moves by one and keeps the size."""
    side, *others = attribute(node, "kernel_shape")
    keeps = list(attribute(node, "pads", [])) == [side // 2] * 4 and side % 2 == 1
    ones = [1, 1]
    moves = list(attribute(node, "strides", ones)) == ones == list(attribute(node, "dilations", ones))
    return side if others == [side] and keeps and moves else None


def convolve_before_enlarging(model: ModelProto) -> int:
    """A 1x1 convolution over [a, resized b]: one over a plus one over b, resized, since it treats all pixels alike."""
    graph = Graph(model.graph)
    changed = 0
    for conv in list(model.graph.node):
        weights = graph.constant(conv.input[1]) if conv.op_type == "Conv" else None
        concat = graph.producer.get(conv.input[0])
        if weights is None or weights.shape[2:] != (1, 1) or attribute(conv, "group", 1) != 1 or concat is None:
            continue
        if list(attribute(conv, "strides", [1, 1])) != [1, 1] or any(attribute(conv, "pads", [0])):
            continue
        split = _enlarged(graph, concat)
        if split is None or len(conv.input) < 3:
            continue
        other, resize, other_first = split
        count = _channels(graph, resize.input[0])
        if count is None or not 0 < count < weights.shape[1]:
            continue
        cut = weights.shape[1] - count if other_first else count
        parts = (weights[:, :cut], weights[:, cut:])
        high, low = parts if other_first else parts[::-1]
        model.graph.node.extend(_split_convolution(graph, conv, resize, other, high, low))
        model.graph.node.remove(conv)
        changed += 1
    if changed:
        sort_nodes(model.graph)
        drop_unused(model.graph)
    return changed


def _split_convolution(
    graph: Graph,
    conv: NodeProto,
    resize: NodeProto,
    other: str,
    high: NDArray[np.float32],
    low: NDArray[np.float32],
) -> list[NodeProto]:
    name = conv.name
    graph.set_constant(f"{name}_high_weight", high)
    graph.set_constant(f"{name}_low_weight", low)
    enlarge = NodeProto()
    enlarge.CopyFrom(resize)
    enlarge.name = f"{name}_enlarge"
    enlarge.input[0], enlarge.output[0] = f"{name}_low", f"{name}_enlarged"
    kernel = {"kernel_shape": [1, 1]}
    return [
        helper.make_node(
            "Conv",
            [resize.input[0], f"{name}_low_weight", conv.input[2]],
            [f"{name}_low"],
            name=f"{name}_low",
            **kernel,
        ),
        enlarge,
        # the part that the addition can be fused into keeps the name of the convolution
        helper.make_node("Conv", [other, f"{name}_high_weight"], [f"{name}_high"], name=name, **kernel),
        helper.make_node("Add", [f"{name}_high", f"{name}_enlarged"], [conv.output[0]], name=f"{name}_sum"),
    ]


def _enlarged(graph: Graph, concat: NodeProto) -> tuple[str, NodeProto, bool] | None:
    """For a Concat of a nearest Resize and another input: the other, the Resize, whether the other is first."""
    if concat.op_type != "Concat" or attribute(concat, "axis") != 1 or len(concat.input) != 2:
        return None
    for index, name in enumerate(concat.input):
        maker = graph.producer.get(name)
        if maker is None or maker.op_type != "Resize" or attribute(maker, "mode", b"nearest") != b"nearest":
            continue
        # sizes, a fourth input, include the channels, which the convolution changes
        if len(maker.input) == 3:
            return concat.input[1 - index], maker, index == 1
    return None


def _channels(graph: Graph, name: str) -> int | None:
    """Channels of a tensor, from the convolution that it comes from."""
    maker = graph.producer.get(name)
    if maker is None:
        return None
    if maker.op_type == "Conv":
        weights = graph.initializers.get(maker.input[1])
        return None if weights is None else weights.dims[0]
    if maker.op_type in ("Sigmoid", "HardSigmoid", "Relu", "Clip", "LeakyRelu", "HardSwish", "MaxPool", "Resize"):
        return _channels(graph, maker.input[0])
    if maker.op_type in ("Add", "Mul") or (maker.op_type == "Concat" and attribute(maker, "axis") == 1):
        parts = [_channels(graph, part) for part in maker.input]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        # for a sum or product, the wider one: a single channel is broadcast
        return sum(known) if maker.op_type == "Concat" else max(known)
    return None


EXACT: dict[str, Rewrite] = {
    "Focus slices as one strided convolution": focus_to_convolution,
    "max pools of growing windows chained": chain_pools,
}
"""Rewrites for every graph."""

FLOAT_ONLY: dict[str, Rewrite] = {
    "1x1 convolutions moved before the upsampling of their input": convolve_before_enlarging,
}
"""Exact too, but with an extra sum, which 8 bits would round once more."""
