"""Layers are convolutions with their activations."""

from __future__ import annotations

import pytest
from conftest import Net
from onnx import ModelProto

from goshawk_optimize.layers import Network, names_of


def layers(model: ModelProto) -> dict[str, list[str]]:
    return {layer.name: names_of(layer.activation) for layer in Network(model).layers}


@pytest.mark.parametrize("operator", ["Relu", "LeakyRelu", "HardSwish"])
def test_an_activation_that_alone_reads_a_convolution_belongs_to_it(operator: str) -> None:
    net = Net()
    model = net.model(net.add(operator, "act", net.conv("a", "x", (4, 3, 3, 3))))

    assert layers(model) == {"a": ["act"]}
    assert Network(model).layers[0].output == "act_out"


@pytest.mark.parametrize("gate", ["Sigmoid", "HardSigmoid"])
def test_a_gate_and_its_product_belong_to_it(gate: str) -> None:
    net = Net()
    (layer,) = Network(net.model(net.silu("silu", net.conv("a", "x", (4, 3, 3, 3)), gate))).layers

    assert names_of(layer.nodes) == ["a", "silu_gate", "silu_mul"]
    assert layer.gated
    assert layer.output == "silu_mul_out"


def test_a_convolution_that_leaves_the_graph_or_is_read_twice_is_alone() -> None:
    net = Net()
    source = net.conv("a", "x", (4, 3, 3, 3))
    active = net.add("Relu", "act", source)

    assert layers(net.model(source, active)) == {"a": []}
    assert layers(net.model(active, net.add("Neg", "other", source))) == {"a": []}


def test_a_gate_of_another_tensor_or_that_is_read_twice_is_none() -> None:
    net = Net()
    source = net.conv("a", "x", (4, 3, 3, 3))
    gate = net.add("Sigmoid", "gate", source)
    product = net.add("Mul", "mul", source, gate)
    other = Net()
    first = other.conv("a", "x", (4, 3, 3, 3))
    second = other.conv("b", "x", (4, 3, 3, 3))
    mixed = other.add("Mul", "mul", second, other.add("Sigmoid", "gate", first))

    assert layers(net.model(product, net.add("Neg", "other", gate))) == {"a": []}
    assert layers(other.model(mixed)) == {"a": [], "b": []}


def test_convolutions_of_computed_weights_are_no_layers() -> None:
    net = Net()
    source = net.conv("a", "x", (4, 3, 3, 3))
    conv = net.nodes.pop()
    conv.input[1] = net.add("Neg", "negative", "a_w")
    net.nodes.append(conv)

    assert layers(net.model(source)) == {}


def test_predictions_are_the_last_convolutions_and_the_trunk_leads_to_them() -> None:
    net = Net()
    first = net.add("Relu", "first", net.conv("a", "x", (8, 3, 3, 3)))
    pooled = net.add("MaxPool", "pool", first, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    joined = net.add("Concat", "joined", first, pooled, axis=1)
    boxes, scores = net.conv("boxes", joined, (4, 16, 1, 1)), net.conv("scores", joined, (2, 16, 1, 1))
    network = Network(net.model(net.add("Concat", "out", boxes, scores, axis=1)))

    assert [layer.name for layer in network.predictions] == ["boxes", "scores"]
    assert network.trunk == {"planes", "cast", "a", "first", "pool", "joined"}
    assert names_of(network.between()) == ["pool", "joined"]


def test_depthwise_layers_and_their_parameters() -> None:
    net = Net()
    first = net.conv("a", "x", (6, 3, 3, 3))
    network = Network(net.model(net.conv("b", first, (6, 1, 3, 3), group=6, bias=False)))

    assert [layer.depthwise for layer in network.layers] == [False, True]
    assert [network.parameters(layer) for layer in network.layers] == [6 * 27 + 6, 54]


def test_layers_are_found_by_any_of_their_nodes() -> None:
    net = Net()
    network = Network(net.model(net.silu("silu", net.conv("a", "x", (4, 3, 3, 3)))))

    assert {name: layer.name for name, layer in network.layer_of.items()} == dict.fromkeys(
        ["a", "silu_gate", "silu_mul"], "a"
    )
