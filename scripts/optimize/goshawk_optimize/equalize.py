"""Cross-layer equalization (Nagel et al., Data-Free Quantization, ICCV 2019)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from .layers import Layer, Network

ROUNDS = 8
LARGEST = 100.0
"""Factors stay between this and its inverse, so that a channel close to zero is not blown up."""


def equalize(model: ModelProto) -> list[tuple[str, str]]:
    """Moves scale between convolutions whose channels differ, in place; returns the pairs by their names.

    f(s x) = s f(x) for s > 0 is true for ReLU, leaky ReLU and no activation: s then moves from one convolution's
    output channel to the next one's input channel, so that both use their 8 bits evenly. It is not true for SiLU, hard
    swish, clip or sigmoid: layers before these are skipped, and so are layers with more than one reader.
    """
    network = Network(model)
    pairs = [(first, second) for first in network.layers if (second := _next(network, first)) is not None]
    for _ in range(ROUNDS):
        for first, second in pairs:
            _balance(network, first, second)
    return [(first.name, second.name) for first, second in pairs]


def _next(network: Network, layer: Layer) -> Layer | None:
    """The only convolution that reads a layer, if the layer's activation passes a factor through."""
    if layer.activation and layer.activation[0].op_type not in ("Relu", "LeakyRelu"):
        return None
    reader = network.graph.only_consumer(layer.output)
    if reader is None or reader.op_type != "Conv" or reader.input[0] != layer.output:
        return None
    found = network.layer_of.get(reader.name)
    shared = found is not None and any(
        len(network.graph.consumers[name]) > 1 for name in (*layer.conv.input[1:], *reader.input[1:])
    )
    return None if shared else found


def _balance(network: Network, first: Layer, second: Layer) -> None:
    graph = network.graph
    before, after = graph.constant(first.conv.input[1]), graph.constant(second.conv.input[1])
    if before is None or after is None:
        return
    outgoing = np.abs(before).reshape(len(before), -1).max(axis=1)
    incoming = _by_input(after, len(before))
    if incoming is None:
        return
    usable = (outgoing > 0) & (incoming > 0)
    # both ranges become the geometric mean of the two
    factor = np.where(usable, np.sqrt(np.where(usable, incoming, 1) / np.where(usable, outgoing, 1)), 1.0)
    factor = np.clip(factor, 1 / LARGEST, LARGEST).astype(np.float32)
    graph.set_constant(first.conv.input[1], before * factor.reshape(-1, 1, 1, 1))
    if len(first.conv.input) > 2 and (bias := graph.constant(first.conv.input[2])) is not None:
        graph.set_constant(first.conv.input[2], bias * factor)
    scaled = after / (factor.reshape(-1, 1, 1, 1) if second.depthwise else factor.reshape(1, -1, 1, 1))
    graph.set_constant(second.conv.input[1], scaled.astype(np.float32))


def _by_input(weights: NDArray[np.float32], channels: int) -> NDArray[np.float32] | None:
    """Largest weight that reads each channel; None for grouped convolutions that are not depthwise."""
    outputs, inputs = weights.shape[:2]
    if inputs == channels:
        return np.abs(weights).max(axis=(0, 2, 3))
    if inputs == 1 and outputs == channels:
        return np.abs(weights).max(axis=(1, 2, 3))
    return None
