"""Reading and editing of graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import HEIGHT, WIDTH, Net, assert_same_outputs, constant_of, operators
from onnx import ModelProto, helper, numpy_helper

from goshawk_optimize.errors import OpError
from goshawk_optimize.graph import Graph, drop_unused, image_input, load_model, normalize, sort_nodes


def net() -> ModelProto:
    graph = Net()
    return graph.model(graph.add("Relu", "relu", graph.conv("a", "x", (4, 3, 3, 3))))


@pytest.mark.parametrize(
    "value",
    [np.float32(2), np.array(3, np.int8), np.ones((2, 3), np.float32), np.arange(6, dtype=np.float32).reshape(2, 3).T],
)
def test_a_constant_keeps_shape_type_and_values(value: np.ndarray) -> None:
    model = net()
    graph = Graph(model.graph)

    graph.set_constant("value", value)

    stored = constant_of(model, "value")
    assert (stored.shape, stored.dtype) == (np.shape(value), value.dtype)
    np.testing.assert_array_equal(stored, value)


def test_a_constant_set_again_is_replaced() -> None:
    model = net()
    count = len(model.graph.initializer)
    graph = Graph(model.graph)

    graph.set_constant("a_b", np.zeros(4, np.float32))

    assert len(model.graph.initializer) == count
    np.testing.assert_array_equal(graph.constant("a_b"), np.zeros(4))


def test_constant_nodes_become_initializers() -> None:
    graph = Net()
    value = np.full((1, 4, 1, 1), 0.25, np.float32)
    source = graph.conv("a", "x", (4, 3, 3, 3))
    graph.nodes.append(helper.make_node("Constant", [], ["k"], "k", value=numpy_helper.from_array(value, "other")))
    model = graph.model(graph.add("Mul", "scaled", source, "k"))
    before = ModelProto()
    before.CopyFrom(model)

    normalize(model)

    assert "Constant" not in operators(model)
    np.testing.assert_array_equal(constant_of(model, "k"), value)
    assert_same_outputs(before, model)


@pytest.mark.parametrize(("index", "taken"), [(-1, "Cast_1"), (0, "Relu_3")])
def test_every_node_gets_a_name_of_its_own(index: int, taken: str) -> None:
    model = net()
    for node in model.graph.node:
        node.name = ""
    model.graph.node[index].name = taken

    normalize(model)

    names = [node.name for node in model.graph.node]
    assert all(names)
    assert len(set(names)) == len(names)


def test_reads_a_model_whose_input_is_one_image(tmp_path: Path) -> None:
    onnx.save(net(), tmp_path / "net.onnx")

    assert image_input(load_model(tmp_path / "net.onnx")) == ("images", HEIGHT, WIDTH)


@pytest.mark.parametrize("content", [b"", b"this is not a model", bytes(range(256))])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.onnx").write_bytes(content)

    with pytest.raises(OpError, match=r"net\.onnx") as caught:
        load_model(tmp_path / "net.onnx")

    assert caught.value.kind == "bad-model"


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (onnx.TensorProto.FLOAT, [1, HEIGHT, WIDTH, 3]),
        (onnx.TensorProto.UINT8, [1, 3, HEIGHT, WIDTH]),
        (onnx.TensorProto.UINT8, [1, "height", "width", 3]),
        (onnx.TensorProto.UINT8, [HEIGHT, WIDTH, 3]),
    ],
)
def test_another_input_is_refused(kind: int, shape: list[int | str]) -> None:
    model = net()
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("images", kind, shape))

    with pytest.raises(OpError, match="images") as caught:
        image_input(model)

    assert caught.value.kind == "bad-model"


def test_a_second_input_is_refused() -> None:
    model = net()
    model.graph.input.append(helper.make_tensor_value_info("size", onnx.TensorProto.INT64, [2]))

    with pytest.raises(OpError, match="images, size"):
        image_input(model)


def test_nodes_are_put_after_what_they_read() -> None:
    model = net()
    order = [node.name for node in model.graph.node]
    turned = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(turned)

    sort_nodes(model.graph)

    assert [node.name for node in model.graph.node] == order


def test_a_tensor_that_no_node_makes_is_named() -> None:
    model = net()
    model.graph.node[-1].input[0] = "nowhere"

    with pytest.raises(OpError, match="relu") as caught:
        sort_nodes(model.graph)

    assert caught.value.kind == "bad-model"


def test_what_leads_nowhere_is_dropped_and_nothing_else() -> None:
    graph = Net()
    source = graph.conv("a", "x", (4, 3, 3, 3))
    graph.add("Relu", "dead", graph.conv("b", source, (4, 4, 1, 1)))
    model = graph.model(graph.add("Relu", "relu", source))

    drop_unused(model.graph)

    assert [node.name for node in model.graph.node] == ["planes", "cast", "a", "relu"]
    assert {tensor.name for tensor in model.graph.initializer} == {"a_w", "a_b"}
