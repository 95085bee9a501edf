"""Writes golden.onnx with the Python package `onnx` 1.17.0: fields that Goshawk edits, and fields that it has
never heard of.

    python -m venv venv && venv/bin/pip install onnx==1.17.0 && venv/bin/python make_golden.py
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

weights = numpy_helper.from_array(np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 2, 2), "weights")
weights.doc_string = "a doc string is no field of ours"
packed = helper.make_tensor("packed", TensorProto.FLOAT, [3], [0.5, -0.25, 3.0])
integers = helper.make_tensor("integers", TensorProto.INT64, [2], [-1, 2**40])
branch = helper.make_graph(
    [helper.make_node("Identity", ["sum"], ["inner"])],
    "branch",
    [],
    [helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)],
)
node = helper.make_node("Conv", ["x", "weights"], ["conv"], name="conv", kernel_shape=[2, 2], doc_string="first")
node.overload = "unknown to us"
meta = node.metadata_props.add()
meta.key, meta.value = "namespace", "stem"
nodes = [
    node,
    helper.make_node("ReduceSum", ["conv"], ["sum"], keepdims=0),
    helper.make_node("If", ["flag"], ["y"], then_branch=branch, else_branch=branch),
    helper.make_node("LeakyRelu", ["conv"], ["z"], alpha=0.125),
    helper.make_node("Custom", ["z"], ["w"], domain="com.example", mode="text", names=["a", "b"], floats=[1.5, 2.5]),
]
graph = helper.make_graph(
    nodes,
    "golden",
    [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 8, None]),
        helper.make_tensor_value_info("flag", TensorProto.BOOL, []),
    ],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    [weights, packed, integers],
    doc_string="the graph's doc string",
    value_info=[helper.make_tensor_sequence_value_info("seq", TensorProto.FLOAT, None)],
)
annotation = graph.quantization_annotation.add()
annotation.tensor_name = "conv"
model = helper.make_model(
    graph,
    opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("com.example", 3)],
    ir_version=8,
    producer_name="make_golden.py",
    functions=[
        helper.make_function("com.example", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], [])
    ],
)
helper.set_model_props(model, {"author": "nobody"})
model.doc_string = "the model's doc string"
model.training_info.add().initialization.name = "training"
Path(__file__).with_name("golden.onnx").write_bytes(model.SerializeToString(deterministic=True))
