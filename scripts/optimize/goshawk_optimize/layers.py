"""Convolutions with their activations, and what is between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import prod

from onnx import ModelProto, NodeProto

from .graph import Graph, attribute

PASS_THROUGH = ("Concat", "Add", "MaxPool", "Resize", "AveragePool", "GlobalAveragePool")
"""Operators between convolutions with 8-bit kernels in ONNX Runtime."""


@dataclass(frozen=True)
class Layer:
    """A convolution with constant weights and the nodes of its activation, in graph order."""

    conv: NodeProto
    activation: tuple[NodeProto, ...]

    @property
    def name(self) -> str:
        """Name of the convolution, which is also the layer's."""
        return self.conv.name

    @property
    def nodes(self) -> tuple[NodeProto, ...]:
        """All its nodes."""
        return (self.conv, *self.activation)

    @property
    def output(self) -> str:
        """The layer's output tensor."""
        return self.nodes[-1].output[0]

    @property
    def gated(self) -> bool:
        """True for SiLU and similar: x times a function of x."""
        return len(self.activation) == 2

    @property
    def depthwise(self) -> bool:
        """True if each channel is convolved separately."""
        return attribute(self.conv, "group", 1) > 1


class Network:
    """The layers of a detector."""

    def __init__(self, model: ModelProto) -> None:
        self.model = model
        self.graph = Graph(model.graph)
        self.layers = [
            Layer(node, _activation(self.graph, node))
            for node in model.graph.node
            if node.op_type == "Conv" and all(self.graph.constant(name) is not None for name in node.input[1:])
        ]

    @cached_property
    def layer_of(self) -> dict[str, Layer]:
        """The layer with a node of this name."""
        return {node.name: layer for layer in self.layers for node in layer.nodes}

    @cached_property
    def trunk(self) -> set[str]:
        """Names of the nodes before a convolution: without the arithmetic after the last ones."""
        found: set[str] = set()
        waiting = [layer.conv.input[0] for layer in self.layers]
        while waiting:
            maker = self.graph.producer.get(waiting.pop())
            if maker is not None and maker.name not in found:
                found.add(maker.name)
                waiting.extend(maker.input)
        return found

    @cached_property
    def predictions(self) -> list[Layer]:
        """The last convolutions, with no other after them."""
        before = {name for layer in self.layers for name in self._ancestors(layer.conv.input[0])}
        return [layer for layer in self.layers if layer.name not in before]

    def _ancestors(self, tensor: str) -> set[str]:
        """Names of the convolutions that a tensor comes from, without another in between."""
        found: set[str] = set()
        seen: set[str] = set()
        waiting = [tensor]
        while waiting:
            maker = self.graph.producer.get(waiting.pop())
            if maker is None or maker.name in seen:
                continue
            seen.add(maker.name)
            if maker.op_type == "Conv":
                found.add(maker.name)
            else:
                waiting.extend(maker.input)
        return found

    def between(self) -> list[NodeProto]:
        """Pass-through nodes of the trunk, in graph order."""
        return [node for node in self.model.graph.node if node.op_type in PASS_THROUGH and node.name in self.trunk]

    def parameters(self, layer: Layer) -> int:
        """Weights and biases."""
        return sum(prod(self.graph.initializers[name].dims) for name in layer.conv.input[1:])


def _activation(graph: Graph, conv: NodeProto) -> tuple[NodeProto, ...]:
    output = conv.output[0]
    readers = graph.consumers[output]
    if output in graph.outputs:
        return ()
    if len(readers) == 1 and readers[0].op_type in ("Relu", "Clip", "LeakyRelu", "HardSwish"):
        return (readers[0],)
    gate = next((node for node in readers if node.op_type in ("Sigmoid", "HardSigmoid")), None)
    product = next((node for node in readers if node.op_type == "Mul"), None)
    if len(readers) == 2 and gate is not None and product is not None:
        operands = {output, gate.output[0]}
        if set(product.input) == operands and graph.only_consumer(gate.output[0]) is product:
            return gate, product
    return ()


def names_of(nodes: Iterable[NodeProto]) -> list[str]:
    """Names of nodes."""
    return [node.name for node in nodes]
