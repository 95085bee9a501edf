"""Static int8: QuantizeLinear and DequantizeLinear around what is to run in 8 bits."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.calibrate import TensorData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.quant_utils import save_and_reload_model_with_shape_infer

from .graph import Graph, drop_unused, sort_nodes
from .ranges import Range, is_picture


def insert_qdq(model: ModelProto, ranges: dict[str, Range], nodes: list[str], per_channel: bool) -> ModelProto:
    """A copy in which `nodes` read and write 8 bits: uint8 activations with a zero point, symmetric int8 weights."""
    copy = ModelProto()
    copy.CopyFrom(model)
    data = {name: TensorData(lowest=np.float32(low), highest=np.float32(high)) for name, (low, high) in ranges.items()}
    op_types = sorted({node.op_type for node in copy.graph.node})
    quantizer = QDQQuantizer(
        save_and_reload_model_with_shape_infer(copy),
        per_channel=per_channel,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=data,
        nodes_to_quantize=nodes,
        nodes_to_exclude=[],
        op_types_to_quantize=op_types,
        extra_options={"WeightSymmetric": True, "ActivationSymmetric": False},
    )
    quantizer.quantize_model()
    result = quantizer.model.model
    feed_bytes(result)
    drop_unused(result.graph)
    sort_nodes(result.graph)
    return result


def feed_bytes(model: ModelProto) -> None:
    """Has DequantizeLinear read the picture itself, in place, where it was cast to float and quantized again.

    A pixel is its own quantized value: scale 1 and zero point 0 lose nothing and save two passes over the picture.
    """
    graph = Graph(model.graph)
    for cast in [node for node in model.graph.node if node.op_type == "Cast"]:
        if not is_picture(graph, cast.input[0]):
            continue
        for quantize in graph.consumers[cast.output[0]]:
            if quantize.op_type != "QuantizeLinear":
                continue
            one, zero = f"{cast.name}_one", f"{cast.name}_zero"
            graph.set_constant(one, np.float32(1))
            graph.set_constant(zero, np.uint8(0))
            for dequantize in graph.consumers[quantize.output[0]]:
                dequantize.input[:] = [cast.input[0], one, zero]
