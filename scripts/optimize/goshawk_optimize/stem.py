"""The first convolution in 8 bits, reading four pixels as one.

Three channels are too few for int8 kernels: packing the taps costs more than the products. Pixels of a row are
contiguous, so [height, width, 3] is also [height, width / 4, 12] without moving a byte. Over such blocks, a convolution
of stride 2 becomes one of stride (2, 1) that computes two columns together, as twice the channels, and
[height / 2, width / 4, 2 C] is [height / 2, width / 2, C] again. The result is identical to the bit: the weights are
the same, at other positions, between zeros. If a kernel covers fewer blocks when they begin elsewhere, the image gets
columns of zeros in front: 6 taps, 2 of them left of the image, cover two blocks that begin 2 pixels before it, and
otherwise three.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from .graph import Graph, attribute, remove_nodes, set_attributes, sort_nodes
from .ranges import is_image

BLOCK = 4
"""pixels per block"""
COLUMNS = 2
"""output columns per block at a stride of 2"""


def shift_of(columns: int, pad_left: int) -> int:
    """Columns of zeros in front of the image with which a kernel covers the fewest blocks; 0 if none helps."""
    last = 2 * (COLUMNS - 1) - pad_left + columns - 1
    # the columns in front add one block to read
    shifts = [shift for shift in range(BLOCK) if shift == 0 or last + shift >= BLOCK]
    return min(shifts, key=lambda shift: ((last + shift) // BLOCK - (shift - pad_left) // BLOCK, shift))


def spread(weights: NDArray[Any], pad_left: int) -> tuple[NDArray[Any], int, int]:
    """Weights [C, 3, kh, kw] of pixels as [2 C, 12, kh, blocks] of blocks, and the blocks of padding left and right.

    The blocks are those of an image with `shift_of` columns in front.
    """
    count, channels, rows, columns = weights.shape
    start = shift_of(columns, pad_left) - pad_left
    places = [(j, k, 2 * j + start + k) for j in range(COLUMNS) for k in range(columns)]
    first = min(place // BLOCK for _, _, place in places)
    last = max(place // BLOCK for _, _, place in places)
    wide = np.zeros((COLUMNS * count, BLOCK * channels, rows, last - first + 1), weights.dtype)
    for j, k, place in places:
        block, pixel = divmod(place, BLOCK)
        wide[j * count : (j + 1) * count, pixel * channels : (pixel + 1) * channels, :, block - first] = weights[
            :, :, :, k
        ]
    return wide, -first, last


def block_order(shape: tuple[int, ...], pad_left: int) -> list[NDArray[np.intp]]:
    """For each column of a block, the positions of a channel's weights [C, 3, kh, kw] in the order of the products.

    A position is an index into a row of `shape[1:]`, or that row's length for the zeros in between.
    """
    size = int(np.prod(shape[1:]))
    places = np.arange(1, size + 1).reshape(1, *shape[1:])
    wide, _, _ = spread(places, pad_left)
    orders = wide.transpose(0, 2, 3, 1).reshape(COLUMNS, -1)
    return [np.where(order == 0, size, order - 1).astype(np.intp) for order in orders]


def reads_blocks(graph: Graph, conv: NodeProto) -> bool:
    """Whether `widen_stem` would rewrite this convolution."""
    return _stem_of(graph, conv) is not None


@dataclass(frozen=True)
class _Stem:
    """The first convolution and the nodes around it."""

    dequantize: NodeProto
    transpose: NodeProto
    weight_node: NodeProto
    weights: NDArray[np.int8]
    quantize: NodeProto
    per_channel: list[NodeProto]
    size: tuple[int, int]
    pads: list[int]


def widen_stem(model: ModelProto) -> bool:
    """Rewrites the first convolution of a quantized graph in place; False if it has another shape."""
    graph = Graph(model.graph)
    for conv in model.graph.node:
        if conv.op_type == "Conv" and _rewrite(graph, conv):
            sort_nodes(model.graph)
            return True
    return False


def _stem_of(graph: Graph, conv: NodeProto) -> _Stem | None:
    dequantize = graph.producer.get(conv.input[0])
    if dequantize is None or dequantize.op_type != "DequantizeLinear":
        return None
    transpose = graph.producer.get(dequantize.input[0])
    if transpose is None or transpose.op_type != "Transpose" or not is_image(graph, transpose.input[0]):
        return None
    weight_node = graph.producer.get(conv.input[1])
    weights = graph.constant(weight_node.input[0]) if weight_node is not None else None
    quantize = _quantized_by(graph, conv)
    if weight_node is None or weights is None or weights.dtype != np.int8 or quantize is None:
        return None
    size = _image_size(graph, transpose.input[0])
    pads = list(attribute(conv, "pads", [0, 0, 0, 0]))
    plain = (
        list(attribute(conv, "strides", [1, 1])) == [2, 2]
        and list(attribute(conv, "dilations", [1, 1])) == [1, 1]
        and attribute(conv, "group", 1) == 1
        and attribute(conv, "auto_pad", b"NOTSET") == b"NOTSET"
    )
    if not plain or size is None or size[1] % BLOCK or not _halves(size, weights.shape[2:], pads):
        return None
    per_channel = [node for node in (weight_node, *_bias_nodes(graph, conv)) if node is not None]
    if any(len(graph.consumers[node.output[0]]) > 1 for node in per_channel):
        return None
    return _Stem(dequantize, transpose, weight_node, weights, quantize, per_channel, size, pads)


def _rewrite(graph: Graph, conv: NodeProto) -> bool:
    stem = _stem_of(graph, conv)
    if stem is None:
        return False
    dequantize, transpose, weight_node, quantize = stem.dequantize, stem.transpose, stem.weight_node, stem.quantize
    pads = stem.pads
    height, width = stem.size
    count = stem.weights.shape[0]
    wide, left, right = spread(stem.weights, pads[1])
    shift = shift_of(stem.weights.shape[3], pads[1])
    graph.set_constant(weight_node.input[0], wide)
    _double(graph, stem.per_channel, weight_node, count)
    set_attributes(
        conv,
        kernel_shape=list(wide.shape[2:]),
        strides=[2, 1],
        pads=[pads[0], left, pads[2], right - (shift > 0)],
    )
    name = conv.name
    blocks_wide = width // BLOCK + (shift > 0)
    graph.set_constant(f"{name}_blocks", np.array([0, height, blocks_wide, 3 * BLOCK], np.int64))
    graph.set_constant(f"{name}_columns", np.array([0, height // 2, width // 2, count], np.int64))
    image, blocked = transpose.input[0], f"{name}_blocked"
    padding = []
    if shift > 0:
        # the zeros in front replace padding, and so do those at the end, which fill the last block
        graph.set_constant(f"{name}_margins", np.array([0, 0, shift, 0, 0, 0, BLOCK - shift, 0], np.int64))
        padding = [helper.make_node("Pad", [image, f"{name}_margins"], [f"{name}_framed"], f"{name}_frame")]
        image = f"{name}_framed"
    blocks = helper.make_node("Reshape", [image, f"{name}_blocks"], [blocked], f"{name}_to_blocks")
    planes = helper.make_node("Transpose", [blocked], [f"{blocked}_planes"], f"{name}_planes", perm=[0, 3, 1, 2])
    dequantize.input[0] = planes.output[0]
    made = quantize.output[0]
    steps = [
        helper.make_node("Transpose", [made], [f"{made}_rows"], f"{name}_rows", perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", [f"{made}_rows", f"{name}_columns"], [f"{made}_columns"], f"{name}_to_columns"),
        helper.make_node("Transpose", [f"{made}_columns"], [f"{made}_wide"], f"{name}_back", perm=[0, 3, 1, 2]),
    ]
    for reader in graph.consumers[made]:
        for index, tensor in enumerate(reader.input):
            if tensor == made:
                reader.input[index] = steps[-1].output[0]
    if not [node for node in graph.consumers[transpose.output[0]] if node.name != dequantize.name]:
        remove_nodes(graph.proto, [transpose])
    stale = {conv.output[0], made, dequantize.output[0]}
    kept = [value for value in graph.proto.value_info if value.name not in stale]
    del graph.proto.value_info[:]
    graph.proto.value_info.extend(kept)
    graph.proto.node.extend([*padding, blocks, planes, *steps])
    return True


def _quantized_by(graph: Graph, conv: NodeProto) -> NodeProto | None:
    """The QuantizeLinear after the convolution and its ReLU or clip; None if anything else reads it."""
    node = graph.only_consumer(conv.output[0])
    if node is not None and node.op_type in ("Relu", "Clip"):
        node = graph.only_consumer(node.output[0])
    return node if node is not None and node.op_type == "QuantizeLinear" else None


def _bias_nodes(graph: Graph, conv: NodeProto) -> list[NodeProto | None]:
    return [graph.producer.get(conv.input[2])] if len(conv.input) > 2 else []


def _double(graph: Graph, nodes: list[NodeProto], weight_node: NodeProto, count: int) -> None:
    """Repeats the per-channel values: scales, zero points and the bias."""
    for node in nodes:
        for index, tensor in enumerate(node.input):
            if node is weight_node and index == 0:
                continue
            value = graph.constant(tensor)
            if value is None or value.shape != (count,):
                continue
            doubled = f"{tensor}_of_{COLUMNS}_columns"
            graph.set_constant(doubled, np.tile(value, COLUMNS))
            node.input[index] = doubled


def _image_size(graph: Graph, name: str) -> tuple[int, int] | None:
    for value in graph.proto.input:
        if value.name == name:
            dims = value.type.tensor_type.shape.dim
            return dims[1].dim_value, dims[2].dim_value
    return None


def _halves(size: tuple[int, int], kernel: tuple[int, ...], pads: list[int]) -> bool:
    """Whether the output is exactly half as high and half as wide as the image."""
    return all(
        side % 2 == 0 and (side + pads[axis] + pads[axis + 2] - kernel[axis]) // 2 + 1 == side // 2
        for axis, side in enumerate(size)
    )
