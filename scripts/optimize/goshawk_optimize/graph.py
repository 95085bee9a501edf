"""Reading and editing ONNX graphs."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

from .errors import OpError


def load_model(path: Path) -> ModelProto:
    """Reads a model; all its nodes then have unique names and all its constants are initializers.

    Raises OpError if it is not a model, or does not have exactly one uint8 image input.
    """
    try:
        model = onnx.load(path)
    except OSError:
        raise
    except Exception as error:
        raise OpError("bad-model", f"{path} is not an ONNX model: {error}") from error
    if not model.graph.node:
        raise OpError("bad-model", f"{path} contains no graph")
    normalize(model)
    image_input(model)
    return model


def normalize(model: ModelProto) -> None:
    """Turns Constant nodes into initializers and names every node, in place; equal models get equal names."""
    graph = model.graph
    kept = []
    for node in graph.node:
        value = attribute(node, "value") if node.op_type == "Constant" else None
        if value is None:
            kept.append(node)
            continue
        tensor = graph.initializer.add()
        tensor.CopyFrom(value)
        tensor.name = node.output[0]
    del graph.node[:]
    graph.node.extend(kept)
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(inputs)
    taken: set[str] = set()
    for index, node in enumerate(graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.op_type}_{index}"
        while node.name in taken:
            node.name += "_"
        taken.add(node.name)


def image_input(model: ModelProto) -> tuple[str, int, int]:
    """Name, height and width of the one uint8 [batch, height, width, 3] input."""
    inputs = model.graph.input
    if len(inputs) == 1:
        kind = inputs[0].type.tensor_type
        dims = [dim.dim_value for dim in kind.shape.dim]
        if kind.elem_type == onnx.TensorProto.UINT8 and len(dims) == 4 and dims[3] == 3 and dims[1] > 0 and dims[2] > 0:
            return inputs[0].name, dims[1], dims[2]
    names = ", ".join(value.name for value in inputs)
    raise OpError("bad-model", f"its inputs ({names}) are not one image, uint8 [batch, height, width, 3]")


def attribute(node: NodeProto, name: str, default: Any = None) -> Any:  # noqa: ANN401 - attributes have any type
    """Value of a node's attribute."""
    for item in node.attribute:
        if item.name == name:
            return helper.get_attribute_value(item)
    return default


def set_attributes(node: NodeProto, **values: Any) -> None:  # noqa: ANN401 - attributes have any type
    """Sets attributes of a node, replacing those of the same names."""
    kept = [item for item in node.attribute if item.name not in values]
    del node.attribute[:]
    node.attribute.extend([*kept, *(helper.make_attribute(name, value) for name, value in values.items())])


class Graph:
    """Producer and readers of each tensor. Must be rebuilt after nodes were added or removed."""

    def __init__(self, graph: GraphProto) -> None:
        self.proto = graph
        self.producer: dict[str, NodeProto] = {}
        self.consumers: defaultdict[str, list[NodeProto]] = defaultdict(list)
        self.initializers = {tensor.name: tensor for tensor in graph.initializer}
        self.outputs = {value.name for value in graph.output}
        for node in graph.node:
            for name in node.output:
                self.producer[name] = node
            for name in dict.fromkeys(node.input):
                if name:
                    self.consumers[name].append(node)

    def constant(self, name: str) -> NDArray[Any] | None:
        """Value of an initializer; None if `name` is computed."""
        tensor = self.initializers.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def only_consumer(self, name: str) -> NodeProto | None:
        """The only node that reads `name`; None if there are several or it is a graph output."""
        readers = self.consumers[name]
        return readers[0] if len(readers) == 1 and name not in self.outputs else None

    def set_constant(self, name: str, value: NDArray[Any]) -> None:
        """Adds an initializer or replaces its value."""
        tensor = self.initializers.get(name)
        if tensor is None:
            tensor = self.proto.initializer.add()
            self.initializers[name] = tensor
        # not ascontiguousarray, which turns a scalar into a list of one
        tensor.CopyFrom(numpy_helper.from_array(np.array(value, order="C"), name))


def redirect(graph: GraphProto, old: str, new: str) -> None:
    """Makes every reader of `old` read `new`; a graph output keeps its name."""
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new


def remove_nodes(graph: GraphProto, gone: list[NodeProto]) -> None:
    """Removes nodes by name."""
    names = {node.name for node in gone}
    kept = [node for node in graph.node if node.name not in names]
    del graph.node[:]
    graph.node.extend(kept)


def drop_unused(graph: GraphProto) -> None:
    """Removes nodes without effect on outputs, unread initializers, and shapes of removed tensors."""
    producer = {name: node for node in graph.node for name in node.output}
    waiting = [value.name for value in graph.output]
    needed: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting.extend(producer[name].input if name in producer else ())
    remove_nodes(graph, [node for node in graph.node if not needed.intersection(node.output)])
    constants = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(constants)
    shapes = [value for value in graph.value_info if value.name in needed]
    del graph.value_info[:]
    graph.value_info.extend(shapes)


def sort_nodes(graph: GraphProto) -> None:
    """Sorts nodes after those whose outputs they read, otherwise keeping their order."""
    ready = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer} | {""}
    waiting = list(graph.node)
    ordered: list[NodeProto] = []
    while waiting:
        later = []
        for node in waiting:
            if all(name in ready for name in node.input):
                ordered.append(node)
                ready.update(node.output)
            else:
                later.append(node)
        if len(later) == len(waiting):
            raise OpError("bad-model", f"node {later[0].name} reads what no node produces")
        waiting = later
    del graph.node[:]
    graph.node.extend(ordered)


def opset(model: ModelProto) -> int:
    """Version of the standard operator set; 0 if the model imports none."""
    return next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)


def infer_shapes(model: ModelProto) -> dict[str, tuple[int, list[int | None]]]:
    """Element type and dimensions (None: dynamic) of every computed tensor."""
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    values = [*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output]
    found: dict[str, tuple[int, list[int | None]]] = {}
    for value in values:
        kind = value.type.tensor_type
        dims = [dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim]
        found[value.name] = (kind.elem_type, dims)
    return found
