"""Weights stored in fewer bits than they are computed with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper

from .graph import Graph, sort_nodes
from .layers import Network

SMALLEST = 64
"""Smaller tensors are skipped: the extra node would take more than it saves."""


def channel_scales(weights: NDArray[np.float32], per_channel: bool) -> NDArray[np.float32]:
    """Step of symmetric int8 for each output channel, or one for all, in a shape for multiplication."""
    axes = tuple(range(1, weights.ndim)) if per_channel else None
    largest = np.abs(weights).max(axis=axes, keepdims=True)
    return np.maximum(largest / 127, np.float32(1e-12)).astype(np.float32).reshape([-1] + [1] * (weights.ndim - 1))


def pack_weights(model: ModelProto, keep: set[str], per_channel: bool = True) -> list[str]:
    """Stores weights of convolutions as int8 times a scale, in place; returns the names of the convolutions.

    ONNX Runtime folds Cast and Mul of constants when it loads the graph, which then runs in float as before. (A
    DequantizeLinear of constants is not folded: it would run for every image.)
    """

    def as_bytes(graph: Graph, name: str, weights: NDArray[np.float32]) -> list[NodeProto]:
        scales = channel_scales(weights, per_channel)
        bytes_ = np.clip(np.rint(weights / scales), -127, 127).astype(np.int8)
        return _unpack(graph, name, bytes_, scales)

    return _pack(model, keep, as_bytes)


def pack_halves(model: ModelProto, keep: set[str]) -> list[str]:
    """Stores weights of convolutions as half floats that are cast when the graph is loaded, in place."""

    def as_halves(graph: Graph, name: str, weights: NDArray[np.float32]) -> list[NodeProto]:
        graph.set_constant(f"{name}_half", weights.astype(np.float16))
        return [helper.make_node("Cast", [f"{name}_half"], [name], name=f"{name}_cast", to=TensorProto.FLOAT)]

    return _pack(model, keep, as_halves)


def _pack(
    model: ModelProto, keep: set[str], pack: Callable[[Graph, str, NDArray[np.float32]], list[NodeProto]]
) -> list[str]:
    """Packs each large weight of a convolution once; returns the names of the convolutions."""
    network = Network(model)
    graph = network.graph
    kept = _weights_of(network, keep)
    packed: list[str] = []
    nodes: list[NodeProto] = []
    for layer in network.layers:
        name = layer.conv.input[1]
        weights = graph.constant(name)
        if name in kept or weights is None or weights.dtype != np.float32 or weights.size < SMALLEST:
            continue
        packed.append(layer.name)
        if any(node.output[0] == name for node in nodes):
            continue
        nodes += pack(graph, name, weights)
    _replace(model, graph, nodes)
    return packed


def _weights_of(network: Network, layers: set[str]) -> set[str]:
    return {layer.conv.input[1] for layer in network.layers if layer.name in layers}


def _unpack(graph: Graph, name: str, values: NDArray[np.int8], scales: NDArray[np.float32]) -> list[NodeProto]:
    graph.set_constant(f"{name}_bytes", values)
    graph.set_constant(f"{name}_scale", scales)
    return [
        helper.make_node("Cast", [f"{name}_bytes"], [f"{name}_float"], name=f"{name}_cast", to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}_float", f"{name}_scale"], [name], name=f"{name}_mul"),
    ]


def _replace(model: ModelProto, graph: Graph, nodes: list[NodeProto]) -> None:
    made = {node.output[0] for node in nodes}
    kept = [tensor for tensor in model.graph.initializer if tensor.name not in made]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    sort_nodes(model.graph)
