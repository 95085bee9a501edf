"""Writes quantized-default.onnx and quantized-tensorrt.onnx with the quantizer of ONNX Runtime 1.30.0 (onnx 1.23.2).

    python -m venv venv && venv/bin/pip install onnx==1.23.2 onnxruntime==1.30.0 && venv/bin/python make_quantized.py

Both are the same small network (two convolutions with SiLU, a residual, a ReLU, a pooling) with seeded weights:
once quantized as the library does when nothing is said, once as TensorRT wants it.
"""

from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper, save
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

HERE = Path(__file__).resolve().parent
random = np.random.default_rng(1)


def network() -> ModelProto:
    def weights(name: str, *shape: int) -> object:
        return numpy_helper.from_array(random.normal(0, 0.3, shape).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], name="conv1", pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["c1"], ["s1"], name="sigmoid1"),
        helper.make_node("Mul", ["c1", "s1"], ["a1"], name="silu1"),
        helper.make_node("Conv", ["a1", "w2", "b2"], ["c2"], name="conv2", pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["c2"], ["s2"], name="sigmoid2"),
        helper.make_node("Mul", ["c2", "s2"], ["a2"], name="silu2"),
        helper.make_node("Add", ["a1", "a2"], ["sum"], name="residual"),
        helper.make_node("MaxPool", ["sum"], ["small"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["small", "w3", "b3"], ["c3"], name="conv3"),
        helper.make_node("Relu", ["c3"], ["y"], name="relu"),
    ]
    values = [
        *(weights("w1", 8, 3, 3, 3), weights("b1", 8), weights("w2", 8, 8, 3, 3)),
        *(weights("b2", 8), weights("w3", 4, 8, 1, 1), weights("b3", 4)),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 8, 8])],
        values,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Pictures(CalibrationDataReader):
    """A few pictures of noise, brighter on one side, so that ranges are not centered."""

    def __init__(self) -> None:
        noise = np.random.default_rng(2)
        self.rest = [{"x": noise.uniform(-0.2, 1, (1, 3, 16, 16)).astype(np.float32)} for _ in range(4)]

    def get_next(self) -> dict[str, np.ndarray] | None:
        return self.rest.pop() if self.rest else None


source = HERE / "quantized-source.onnx"
save(network(), source)
quantize_static(source, HERE / "quantized-default.onnx", Pictures(), quant_format=QuantFormat.QDQ, per_channel=True)
quantize_static(
    source,
    HERE / "quantized-tensorrt.onnx",
    Pictures(),
    quant_format=QuantFormat.QDQ,
    op_types_to_quantize=["Conv", "Add", "MaxPool"],
    per_channel=True,
    activation_type=QuantType.QInt8,
    weight_type=QuantType.QInt8,
    extra_options={
        "ActivationSymmetric": True,
        "WeightSymmetric": True,
        "QuantizeBias": False,
        "OpTypesToExcludeOutputQuantization": ["Conv"],
    },
)
source.unlink()
