"""Bias correction: removes the mean error of 8 bits (Nagel et al. 2019, section 4.2, on images)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto

from .graph import Graph
from .request import Report, ignore
from .sessions import open_session, run_images, with_outputs


def correct_biases(
    exact: ModelProto,
    quantized: ModelProto,
    layers: list[str],
    images: NDArray[np.uint8],
    report: Report = ignore,
) -> int:
    """Corrects the mean of each output channel of these convolutions to that of `exact`, in place; returns the count.

    It corrects one convolution after the other, so that each sees the effect of earlier corrections. `exact` and
    `quantized` are the same graph except for QuantizeLinear and DequantizeLinear; nodes are matched by name.
    """
    wanted = {node.name: node.output[0] for node in exact.graph.node if node.name in set(layers)}
    graph = Graph(quantized.graph)
    nodes = [node for node in quantized.graph.node if node.name in wanted and node.op_type == "Conv"]
    if not nodes:
        return 0
    truth = _means(exact, [wanted[node.name] for node in nodes], images)
    changed = 0
    for done, (node, mean) in enumerate(zip(nodes, truth, strict=True), 1):
        found = _means(quantized, [node.output[0]], images)[0]
        changed += _add(graph, node, mean - found)
        report(done, len(nodes))
    return changed


def _means(model: ModelProto, names: list[str], images: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    """Mean of each channel of NCHW tensors over all images."""
    session = open_session(with_outputs(model, names))
    sums = None
    for values in run_images(session, images):
        means = [value.mean(axis=(0, 2, 3), dtype=np.float64) for value in values]
        sums = means if sums is None else [a + b for a, b in zip(sums, means, strict=True)]
    return [total / len(images) for total in sums or []]


def _add(graph: Graph, conv: NodeProto, change: NDArray[np.float64]) -> int:
    """Adds to a bias in float, or in int32 before a DequantizeLinear; returns 1 if the bias is not shared."""
    if len(conv.input) < 3:
        return 0
    maker = graph.producer.get(conv.input[2])
    name = conv.input[2] if maker is None else maker.input[0]
    value = graph.constant(name)
    if value is None or len(graph.consumers[name]) > 1:
        return 0
    if maker is None:
        graph.set_constant(name, (value + change).astype(value.dtype))
        return 1
    scale = graph.constant(maker.input[1])
    if scale is None or value.dtype != np.int32:
        return 0
    limits = np.iinfo(np.int32)
    moved = np.clip(value + np.rint(change / scale), limits.min, limits.max)
    graph.set_constant(name, moved.astype(np.int32))
    return 1
