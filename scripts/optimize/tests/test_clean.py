"""Clean-up: fewer nodes, the same outputs."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Net, assert_same_outputs, operators, sample_images
from onnx import ModelProto

from goshawk_optimize.clean import OPSET, clean_up, raise_opset, rewrite
from goshawk_optimize.errors import OpError
from goshawk_optimize.graph import Graph, opset


def batch_norm(net: Net, name: str, source: str, channels: int) -> str:
    values = {
        "scale": net.random.uniform(0.5, 2, channels),
        "shift": net.random.normal(size=channels),
        "mean": net.random.normal(size=channels),
        "variance": net.random.uniform(0.5, 2, channels),
    }
    names = [net.constant(f"{name}_{key}", value.astype(np.float32)) for key, value in values.items()]
    return net.add("BatchNormalization", name, source, *names)


def cleaned(model: ModelProto) -> ModelProto:
    """The cleaned model, after comparing it with the input, which is unchanged."""
    kept = ModelProto()
    kept.CopyFrom(model)
    result = clean_up(model, sample_images())
    assert model == kept
    assert result.difference.absolute < 1e-4
    assert_same_outputs(model, result.model)
    return result.model


@pytest.mark.parametrize("bias", [True, False])
def test_batch_norms_are_folded_into_the_convolutions(bias: bool) -> None:
    net = Net()
    first = net.add("Relu", "relu", batch_norm(net, "bn1", net.conv("a", "x", (8, 3, 3, 3), bias=bias), 8))
    second = batch_norm(net, "bn2", net.conv("b", first, (6, 8, 1, 1), bias=bias), 6)

    found = cleaned(net.model(second))

    assert operators(found) == ["Transpose", "Cast", "Conv", "Relu", "Conv"]


def test_arithmetic_of_constants_is_folded() -> None:
    net = Net()
    source = net.conv("a", "x", (4, 3, 3, 3))
    left, right = (net.constant(name, net.random.normal(size=(1, 4, 1, 1)).astype(np.float32)) for name in "lr")
    model = net.model(net.add("Mul", "scaled", source, net.add("Exp", "exp", net.add("Add", "sum", left, right))))

    found = cleaned(model)

    assert not {"Add", "Exp"} & set(operators(found))


def test_dead_nodes_and_their_weights_are_dropped() -> None:
    net = Net()
    source = net.conv("a", "x", (4, 3, 3, 3))
    net.conv("dead", source, (4, 4, 3, 3))

    found = cleaned(net.model(net.add("Relu", "relu", source)))

    assert operators(found) == ["Transpose", "Cast", "Conv", "Relu"]
    assert sorted(tensor.dims[0] for tensor in found.graph.initializer) == [4, 4]


def test_an_old_operator_set_is_raised() -> None:
    net = Net()
    model = net.model(net.add("Relu", "relu", net.conv("a", "x", (4, 3, 3, 3))), opset=11)

    assert opset(cleaned(model)) == OPSET


def test_an_operator_set_that_is_new_enough_stays() -> None:
    net = Net()
    model = net.model(net.conv("a", "x", (4, 3, 3, 3)), opset=18)

    assert raise_opset(model) is model


def test_an_operator_that_cannot_be_raised_is_a_bad_model() -> None:
    net = Net()
    model = net.model(net.add("NoSuchOperator", "strange", net.conv("a", "x", (4, 3, 3, 3))), opset=11)

    with pytest.raises(OpError, match="11") as caught:
        raise_opset(model)

    assert caught.value.kind == "bad-model"


def test_focus_and_pools_are_rewritten_and_said() -> None:
    net = Net()
    source = net.conv("a", "x", (4, 3, 3, 3))
    pools = [
        net.add("MaxPool", f"pool{side}", source, kernel_shape=[side, side], pads=[side // 2] * 4) for side in (5, 9)
    ]
    model = net.model(net.add("Concat", "joined", *pools, axis=1))

    result = clean_up(model, sample_images())

    assert any("max pools" in step and "(1)" in step for step in result.steps)
    assert_same_outputs(model, result.model)


def nudge(amount: float) -> object:
    """A rewrite that moves a bias."""

    def change(model: ModelProto) -> int:
        graph = Graph(model.graph)
        graph.set_constant("a_b", graph.constant("a_b") + np.float32(amount))
        return 1

    return change


def test_a_rewrite_that_changes_the_outputs_is_left_out_and_said() -> None:
    net = Net()
    model = net.model(net.conv("a", "x", (4, 3, 3, 3)))

    result = rewrite(model, model, [], {"far off": nudge(0.1), "rounding": nudge(1e-5)}, sample_images())

    assert result.steps[0].startswith("left out: far off")
    assert result.steps[1:] == ["rounding (1)"]
    assert 5e-6 < result.difference.absolute < 2e-5


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_rewrite_that_breaks_the_outputs_is_left_out(value: float) -> None:
    net = Net()
    model = net.model(net.conv("a", "x", (4, 3, 3, 3)))

    result = rewrite(model, model, [], {"broken": nudge(value)}, sample_images())

    assert result.model == model
    assert result.steps[0].startswith("left out: broken")
