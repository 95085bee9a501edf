"""Small graphs like those that the quantizer gets, and their outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import ArrayLike, NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

HEIGHT, WIDTH = 16, 24


class Net:
    """Nodes and constants in the order in which they are added; `x` is the image as float planes, 0..255.

    A node `name` produces the tensor `name_out`.
    """

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[NodeProto] = [
            helper.make_node("Transpose", ["images"], ["planes"], "planes", perm=[0, 3, 1, 2]),
            helper.make_node("Cast", ["planes"], ["x"], "cast", to=TensorProto.FLOAT),
        ]
        self.constants: dict[str, NDArray[Any]] = {}

    def add(self, op_type: str, name: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401 - attributes
        """Adds a node; returns its output."""
        self.nodes.append(helper.make_node(op_type, list(inputs), [f"{name}_out"], name, **attributes))
        return f"{name}_out"

    def constant(self, name: str, value: ArrayLike) -> str:
        """Adds a constant; returns its name."""
        self.constants[name] = np.asarray(value)
        return name

    def conv(
        self,
        name: str,
        source: str,
        shape: tuple[int, int, int, int],
        *,
        bias: bool = True,
        gain: float | None = None,
        **attributes: Any,  # noqa: ANN401 - attributes have any type
    ) -> str:
        """Adds a convolution that keeps the size, with random weights; `gain` is 1/128 for what reads the image."""
        outputs, inputs, rows, columns = shape
        if gain is None:
            gain = 1 / 128 if source == "x" else 1
        weights = self.random.normal(0, gain / np.sqrt(inputs * rows * columns), shape).astype(np.float32)
        names = [self.constant(f"{name}_w", weights)]
        if bias:
            names.append(self.constant(f"{name}_b", self.random.normal(0, 0.5, outputs).astype(np.float32)))
        pads = [rows // 2, columns // 2] * 2
        return self.add("Conv", name, source, *names, **{"kernel_shape": [rows, columns], "pads": pads, **attributes})

    def silu(self, name: str, source: str, gate: str = "Sigmoid", **attributes: float) -> str:
        """Adds x * gate(x)."""
        return self.add("Mul", f"{name}_mul", source, self.add(gate, f"{name}_gate", source, **attributes))

    def model(self, *outputs: str, opset: int = 17) -> ModelProto:
        """The graph with these NCHW outputs."""
        shapes = [["batch", f"{name}_channels", f"{name}_rows", f"{name}_columns"] for name in outputs]
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", HEIGHT, WIDTH, 3])],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                for name, shape in zip(outputs, shapes, strict=True)
            ],
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 8
        return model


def sample_images(count: int = 2, seed: int = 7) -> NDArray[np.uint8]:
    """Noise."""
    return np.random.default_rng(seed).integers(0, 256, (count, HEIGHT, WIDTH, 3)).astype(np.uint8)


def run(
    model: ModelProto, images: NDArray[np.uint8], *, optimize: bool = False, exact: bool = False
) -> list[NDArray[Any]]:
    """Outputs of ONNX Runtime, which runs the graph unfused unless `optimize`.

    With `exact`, sums of products do not saturate on any processor, for statements about the graph. Without it they are
    this processor's own, see test_arithmetic.py.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if exact:
        options.add_session_config_entry("session.x64quantprecision", "1")
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimize else levels.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"images": images})


def assert_same_outputs(before: ModelProto, after: ModelProto, tolerance: float = 1e-4) -> None:
    """The outputs on noise are equal except for rounding, and not constant."""
    images = sample_images()
    for expected, found in zip(run(before, images), run(after, images), strict=True):
        assert expected.std() > 0.05
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def operators(model: ModelProto) -> list[str]:
    """Types of the nodes in graph order."""
    return [node.op_type for node in model.graph.node]


def constant_of(model: ModelProto, name: str) -> NDArray[Any]:
    """Value of an initializer."""
    return numpy_helper.to_array(next(tensor for tensor in model.graph.initializer if tensor.name == name))


def node_of(model: ModelProto, name: str) -> NodeProto:
    """The node of this name."""
    return next(node for node in model.graph.node if node.name == name)
