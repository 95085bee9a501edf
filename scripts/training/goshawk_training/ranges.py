"""Activation ranges in an ONNX file: the minimum and maximum of each tensor, for the quantizer.

Quantization-aware training determines them where the network rounds. During export each rounding is a separate node, so
that its tensor has a known name in the graph; then these nodes are removed.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from .model import Detector
from .quantize import RoundedConv, RoundedPrediction, roundings

DOMAIN, MARKER = "goshawk", "Rounding"
METADATA_KEY = "goshawk.activation_ranges"
Ranges = dict[str, list[float]]
SAME_VALUES = ("MaxPool", "Resize", "Reshape", "Flatten", "Transpose", "Identity", "Slice", "Split")
"""Operations whose outputs only have values of their first input."""


class _Mark(torch.autograd.Function):
    @staticmethod
    def forward(_ctx: Any, x: Tensor, _number: int) -> Tensor:  # noqa: ANN401 - torch's context has no type
        return x.clone()

    @staticmethod
    def symbolic(graph: Any, x: Any, number: int) -> Any:  # noqa: ANN401 - the exporter's own types
        return graph.op(f"{DOMAIN}::{MARKER}", x, number_i=number).setType(x.type())


class _Marked(nn.Module):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def forward(self, x: Tensor) -> Tensor:
        return _Mark.apply(x, self.number)


def marked(model: Detector) -> tuple[Detector, list[tuple[float, float]]]:
    """A float copy of a network with marks instead of rounding, and the bounds of each by its mark's number."""
    plain = copy.deepcopy(model)
    bounds = []
    for number, (name, rounding) in enumerate(roundings(model).items()):
        bounds.append(rounding.bounds)
        parent, _, attribute = name.rpartition(".")
        setattr(plain.get_submodule(parent), attribute, _Marked(number))
    for module in plain.modules():
        if isinstance(module, RoundedConv | RoundedPrediction):
            module.rounds = False
    return plain, bounds


def take_out_marks(model: onnx.ModelProto, bounds: list[tuple[float, float]]) -> Ranges:
    """Removes the marks from a graph, in place, and returns the range of every tensor that follows from them."""
    graph = model.graph
    known: Ranges = {}
    instead: dict[str, str] = {}
    for node in [node for node in graph.node if node.domain == DOMAIN]:
        source = instead.get(node.input[0], node.input[0])
        known[source] = list(bounds[node.attribute[0].i])
        instead[node.output[0]] = source
        graph.node.remove(node)
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = instead.get(name, name)
    kept = [opset for opset in model.opset_import if opset.domain != DOMAIN]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    stale = [value for value in graph.value_info if value.name in instead]
    for value in stale:
        graph.value_info.remove(value)
    _spread(graph, known)
    return known


def _spread(graph: onnx.GraphProto, known: Ranges) -> None:
    """Ranges of tensors that have the values of others; nodes are in topological order."""
    producers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        inputs = [known[name] for name in node.input if name in known]
        for name in node.output:
            if name in known:
                continue
            if node.op_type in SAME_VALUES and node.input[0] in known:
                known[name] = list(known[node.input[0]])
            elif node.op_type == "Concat" and len(inputs) == len(node.input):
                known[name] = [min(low for low, _ in inputs), max(high for _, high in inputs)]
            elif node.op_type == "Sigmoid":
                known[name] = [0.0, 1.0]
    for node in graph.node:
        before = producers.get(node.input[0]) if node.op_type == "Relu" else None
        if before is not None and node.output[0] in known:
            # values cut off by the activation need no codes: a quantizer fuses it into the convolution
            known.setdefault(before.output[0], list(known[node.output[0]]))


def write_ranges(model: onnx.ModelProto, ranges: Ranges) -> None:
    """Puts the ranges into the model's metadata."""
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, json.dumps(ranges)
