"""Doubling rows and columns of bytes, with channels last.

ONNX Runtime runs 8-bit convolutions with channels last and moves their transpositions past a Resize, whose kernel for
that layout takes several times as long as the one for planes. Repeating each pixel and row by an Expand is what its
nearest neighbor is, to the bit.
"""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, NodeProto, helper
from onnx.shape_inference import infer_shapes

from .graph import Graph, attribute, remove_nodes, sort_nodes

DOUBLE = [1, 1, 2, 2]


def enlarge_bytes(model: ModelProto, before: ModelProto) -> int:
    """Rewrites each nearest Resize between a DequantizeLinear and a QuantizeLinear, in place; returns their number.

    `before` is the float graph, with the same names of tensors.
    """
    resizes = [node for node in model.graph.node if node.op_type == "Resize"]
    if not resizes:
        return 0
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in infer_shapes(before).graph.value_info
    }
    graph = Graph(model.graph)
    gone: list[NodeProto] = []
    for resize in resizes:
        quantize = graph.only_consumer(resize.output[0])
        source = graph.producer.get(resize.input[0])
        shape = shapes.get(resize.output[0], [])
        if quantize is None or source is None or len(shape) != 4 or 0 in shape[1:] or not _doubles(graph, resize):
            continue
        if source.op_type != "DequantizeLinear" or quantize.op_type != "QuantizeLinear":
            continue
        if not _same_bytes(graph, source, quantize):
            continue
        model.graph.node.extend(_expanded(graph, resize.name, source.input[0], quantize.output[0], shape))
        gone += [resize, quantize]
    remove_nodes(model.graph, gone)
    sort_nodes(model.graph)
    return len(gone) // 2


def _doubles(graph: Graph, resize: NodeProto) -> bool:
    """Whether each pixel becomes four of the same value."""
    scales = graph.constant(resize.input[2]) if len(resize.input) > 2 else None
    sizes = len(resize.input) > 3 and resize.input[3] != ""
    return (
        scales is not None
        and not sizes
        and scales.tolist() == DOUBLE
        and attribute(resize, "mode", b"nearest") == b"nearest"
        and attribute(resize, "coordinate_transformation_mode", b"half_pixel") == b"asymmetric"
        and attribute(resize, "nearest_mode", b"round_prefer_floor") == b"floor"
    )


def _same_bytes(graph: Graph, source: NodeProto, quantize: NodeProto) -> bool:
    pairs = zip(source.input[1:], quantize.input[1:], strict=True)
    values = [(graph.constant(one), graph.constant(other)) for one, other in pairs]
    return all(one is not None and other is not None and np.array_equal(one, other) for one, other in values)


def _expanded(graph: Graph, name: str, read: str, made: str, shape: list[int]) -> list[NodeProto]:
    _, channels, height, width = shape
    constants = {
        "apart": [0, height // 2, 1, width // 2, 1, channels],
        "twice": [1, 1, 2, 1, 2, 1],
        "joined": [0, height, width, channels],
    }
    for key, value in constants.items():
        graph.set_constant(f"{name}_{key}", np.array(value, np.int64))
    return [
        helper.make_node("Transpose", [read], [f"{name}_last"], f"{name}_last", perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", [f"{name}_last", f"{name}_apart"], [f"{name}_pixels"], f"{name}_pixels"),
        helper.make_node("Expand", [f"{name}_pixels", f"{name}_twice"], [f"{name}_repeated"], f"{name}_repeated"),
        helper.make_node("Reshape", [f"{name}_repeated", f"{name}_joined"], [f"{name}_rows"], f"{name}_rows"),
        helper.make_node("Transpose", [f"{name}_rows"], [made], f"{name}_planes", perm=[0, 3, 1, 2]),
    ]
