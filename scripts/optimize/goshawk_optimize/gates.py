"""x * clip(alpha x + 1/2, 0, 1) on bytes: a minimum and a product of quantized values."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, NodeProto, helper

from .graph import Graph, attribute, remove_nodes
from .layers import Network
from .ranges import LEVELS, Range

CONTRIB = "com.microsoft"


def align_gate_ranges(model: ModelProto, ranges: dict[str, Range], nodes: set[str]) -> None:
    """Makes the range of a gate's input begin exactly where the gate opens, in place.

    Below -1 / (2 alpha) the product is zero. With that value as byte 0, a byte is proportional to the gate: the gate is
    the same byte at another scale, clipped at twice the zero point, where the gate is 1.
    """
    for layer in Network(model).layers:
        if layer.gated and layer.activation[0].op_type == "HardSigmoid" and {n.name for n in layer.nodes} <= nodes:
            if attribute(layer.activation[0], "beta", 0.5) != 0.5:
                continue
            opens = 0.5 / attribute(layer.activation[0], "alpha", 0.2)
            high = max(ranges[layer.conv.output[0]][1], opens / (LEVELS - 2))
            zero = int(np.clip(np.rint((LEVELS - 1) * opens / (opens + high)), 1, LEVELS - 2))
            ranges[layer.conv.output[0]] = (-opens, opens / zero * (LEVELS - 1 - zero))


def fuse_gates(model: ModelProto) -> int:
    """Replaces gates between a DequantizeLinear and a QuantizeLinear by Min and QLinearMul; returns their number."""
    graph = Graph(model.graph)
    gone: list[NodeProto] = []
    added: list[NodeProto] = []
    for gate in [node for node in model.graph.node if node.op_type == "HardSigmoid"]:
        product = _product(graph, gate)
        quantize = None if product is None else graph.only_consumer(product.output[0])
        source = graph.producer.get(gate.input[0])
        if product is None or quantize is None or quantize.op_type != "QuantizeLinear" or source is None:
            continue
        if source.op_type != "DequantizeLinear":
            continue
        fused = _on_bytes(graph, gate, source, product, quantize)
        if fused is None:
            continue
        added += fused
        gone += [gate, product, quantize]
    if added:
        remove_nodes(model.graph, gone)
        model.graph.node.extend(added)
        if all(entry.domain != CONTRIB for entry in model.opset_import):
            model.opset_import.append(helper.make_opsetid(CONTRIB, 1))
    return len(gone) // 3


def _product(graph: Graph, gate: NodeProto) -> NodeProto | None:
    """The Mul of a gate with its inputs, looking through a Q/DQ pair on the gate's output."""
    name = gate.output[0]
    reader = graph.only_consumer(name)
    while reader is not None and reader.op_type in ("QuantizeLinear", "DequantizeLinear"):
        name = reader.output[0]
        reader = graph.only_consumer(name)
    return reader if reader is not None and reader.op_type == "Mul" else None


def _on_bytes(
    graph: Graph, gate: NodeProto, source: NodeProto, product: NodeProto, quantize: NodeProto
) -> list[NodeProto] | None:
    scale, zero = graph.constant(source.input[1]), graph.constant(source.input[2])
    alpha, beta = attribute(gate, "alpha", 0.2), attribute(gate, "beta", 0.5)
    if scale is None or zero is None or zero.dtype != np.uint8 or beta != 0.5:
        return None
    if abs(float(scale) * int(zero) - 0.5 / alpha) > 0.01 * float(scale):
        return None
    name = product.name
    full = 2 * int(zero)
    read = source.input[0]
    nodes = []
    if full < LEVELS - 1:
        graph.set_constant(f"{name}_full", np.uint8(full))
        nodes.append(helper.make_node("Min", [read, f"{name}_full"], [f"{name}_gate"], name=f"{name}_gate"))
        read = f"{name}_gate"
    graph.set_constant(f"{name}_gate_scale", np.float32(alpha * float(scale)))
    graph.set_constant(f"{name}_gate_zero", np.uint8(0))
    inputs = [*source.input, read, f"{name}_gate_scale", f"{name}_gate_zero", *quantize.input[1:]]
    nodes.append(helper.make_node("QLinearMul", inputs, [quantize.output[0]], name=f"{name}_bytes", domain=CONTRIB))
    return nodes
