"""Static int8: QuantizeLinear and DequantizeLinear around what runs in 8 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, NodeProto
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.calibrate import TensorData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.quant_utils import save_and_reload_model_with_shape_infer

from .enlarge import enlarge_bytes
from .errors import OpError
from .gates import align_gate_ranges, fuse_gates
from .graph import Graph, drop_unused, sort_nodes
from .layers import Network
from .ranges import Range, is_image
from .saturation import avoid_saturation

TARGETS = ("cpu", "tensorrt")
OP_TYPES = ("conv", "all")


@dataclass(frozen=True)
class Placement:
    """Names of the nodes that run in 8 bits and of those that do not, both in graph order."""

    quantized: list[str]
    kept: list[str]


def place(network: Network, op_types: str, keep_float: list[str]) -> Placement:
    """What runs in 8 bits.

    A node of `keep_float` stays in float together with the rest of its layer. With `conv`, the other convolutions run
    in 8 bits, with the Relu or Clip fused into them. With `all`, so do their other activations, and nodes between
    layers whose inputs are all in 8 bits. Nodes after the last convolutions stay in float.
    """
    names = {node.name for node in network.model.graph.node}
    unknown = [name for name in keep_float if name not in names]
    if unknown:
        raise OpError("unsupported", f"keepFloat names {unknown[0]}, which the model does not have")
    kept = set(keep_float)
    chosen: set[str] = set()
    in_bytes: set[str] = set()
    for layer in network.layers:
        if any(node.name in kept for node in layer.nodes):
            continue
        chosen.add(layer.name)
        if op_types == "all" or (layer.activation and layer.activation[0].op_type in ("Relu", "Clip")):
            chosen.update(node.name for node in layer.activation)
            in_bytes.add(layer.output)
    if op_types == "all":
        for node in network.between():
            read = [name for name in node.input if name in network.graph.producer]
            if node.name not in kept and read and all(name in in_bytes for name in read):
                chosen.add(node.name)
                in_bytes.update(node.output)
    order = [node.name for node in network.model.graph.node]
    return Placement([name for name in order if name in chosen], [name for name in order if name not in chosen])


def insert_qdq(
    model: ModelProto,
    ranges: dict[str, Range],
    nodes: list[str],
    *,
    per_channel: bool = True,
    target: str = "cpu",
    saturation_free: bool = False,
) -> ModelProto:
    """A copy in which `nodes` read and write 8 bits.

    For the CPU: uint8 activations with a zero point, biases in int32, the image read as its own bytes. For TensorRT:
    symmetric int8 activations, with a pair in front of each reader; biases in float; a convolution's own output is not
    quantized, since what follows is fused into it. With `saturation_free`, CPUs without VNNI compute the same.
    """
    copy = ModelProto()
    copy.CopyFrom(model)
    symmetric = target == "tensorrt"
    if symmetric:
        # a pair between a convolution and its gate would keep TensorRT from fusing them
        gates = {node.name for layer in Network(copy).layers if layer.gated for node in layer.activation}
        nodes = [name for name in nodes if name not in gates]
    else:
        align_gate_ranges(copy, ranges, set(nodes))
    data = {name: TensorData(lowest=np.float32(low), highest=np.float32(high)) for name, (low, high) in ranges.items()}
    quantizer = QDQQuantizer(
        save_and_reload_model_with_shape_infer(copy),
        per_channel=per_channel,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QInt8 if symmetric else QuantType.QUInt8,
        tensors_range=data,
        nodes_to_quantize=nodes or [""],
        nodes_to_exclude=[],
        op_types_to_quantize=sorted({node.op_type for node in copy.graph.node}),
        extra_options={
            "WeightSymmetric": True,
            "ActivationSymmetric": symmetric,
            **(TENSORRT_OPTIONS if symmetric else {}),
        },
    )
    quantizer.quantize_model()
    result = quantizer.model.model
    if not symmetric:
        sort_nodes(result.graph)
        feed_bytes(result)
        if saturation_free:
            avoid_saturation(result, copy)
        enlarge_bytes(result, copy)
        fuse_gates(result)
    drop_unused(result.graph)
    sort_nodes(result.graph)
    del result.graph.value_info[:]
    return result


TENSORRT_OPTIONS = {
    "QuantizeBias": False,
    "AddQDQPairToWeight": True,
    "DedicatedQDQPair": True,
    "OpTypesToExcludeOutputQuantization": [
        "Conv",
        "Relu",
        "Clip",
        "Sigmoid",
        "Mul",
        "Concat",
        "Add",
        "MaxPool",
        "Resize",
    ],
}


def feed_bytes(model: ModelProto) -> None:
    """Makes DequantizeLinear read the image itself, in place, instead of casting to float and quantizing again.

    A pixel is its own quantized value: scale 1 and zero point 0 lose nothing and save two passes over the image.
    """
    graph = Graph(model.graph)
    for cast in [node for node in model.graph.node if node.op_type == "Cast"]:
        if not is_image(graph, cast.input[0]):
            continue
        for quantize in graph.consumers[cast.output[0]]:
            if quantize.op_type == "QuantizeLinear":
                _read_bytes(graph, cast, quantize)


def _read_bytes(graph: Graph, cast: NodeProto, quantize: NodeProto) -> None:
    one, zero = f"{cast.name}_one", f"{cast.name}_zero"
    graph.set_constant(one, np.float32(1))
    graph.set_constant(zero, np.uint8(0))
    for dequantize in graph.consumers[quantize.output[0]]:
        dequantize.input[:] = [cast.input[0], one, zero]
