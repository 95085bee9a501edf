"""Equalization: other weights, the same outputs."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Net, assert_same_outputs, constant_of
from onnx import ModelProto

from goshawk_optimize.equalize import LARGEST, ROUNDS, equalize


def uneven(net: Net, name: str) -> None:
    """Makes channels of a convolution up to a thousand times as large as others."""
    count = len(net.constants[f"{name}_w"])
    factors = np.geomspace(0.05, 20, count).astype(np.float32)
    net.constants[f"{name}_w"] *= factors.reshape(-1, 1, 1, 1)
    net.constants[f"{name}_b"] *= factors


def spread(weights: np.ndarray, axis: int) -> float:
    """Largest weight of the largest channel over that of the smallest."""
    largest = np.abs(weights).max(axis=tuple(i for i in range(4) if i != axis))
    return float(largest.max() / largest.min())


def equalized(model: ModelProto, pairs: list[tuple[str, str]]) -> ModelProto:
    """The model after equalization, which must not change the outputs."""
    changed = ModelProto()
    changed.CopyFrom(model)
    assert equalize(changed) == pairs
    assert (changed == model) == (pairs == [])
    assert_same_outputs(model, changed)
    return changed


def chain(activation: str | None, **attributes: float) -> Net:
    net = Net()
    source = net.conv("a", "x", (8, 3, 3, 3))
    uneven(net, "a")
    if activation is not None:
        inputs = [net.constant("zero", np.float32(0)), net.constant("six", np.float32(6))]
        source = net.add(activation, "act", source, *(inputs if activation == "Clip" else []), **attributes)
    net.conv("b", source, (5, 8, 3, 3))
    return net


@pytest.mark.parametrize("activation", ["Relu", "LeakyRelu", None])
def test_outputs_stay_and_channels_become_alike(activation: str | None) -> None:
    model = chain(activation).model("b_out")

    changed = equalized(model, [("a", "b")])

    assert spread(constant_of(model, "a_w"), 0) > 100
    assert spread(constant_of(changed, "a_w"), 0) < 0.2 * spread(constant_of(model, "a_w"), 0)
    before = np.abs(constant_of(changed, "a_w")).max(axis=(1, 2, 3))
    after = np.abs(constant_of(changed, "b_w")).max(axis=(0, 2, 3))
    np.testing.assert_allclose(before, after, rtol=1e-4)


def test_depthwise_convolutions_pass_the_factors_on() -> None:
    net = chain("Relu")
    net.nodes.pop()
    net.conv("d", "act_out", (8, 1, 3, 3), group=8)
    model = net.model(net.conv("c", net.add("Relu", "relu", "d_out"), (5, 8, 1, 1)))

    changed = equalized(model, [("a", "d"), ("d", "c")])

    assert spread(constant_of(changed, "a_w"), 0) < 0.2 * spread(constant_of(model, "a_w"), 0)


def test_a_convolution_without_bias() -> None:
    net = Net()
    first = net.add("Relu", "relu", net.conv("a", "x", (8, 3, 3, 3), bias=False))
    net.constants["a_w"] *= np.geomspace(0.1, 10, 8).astype(np.float32).reshape(-1, 1, 1, 1)

    equalized(net.model(net.conv("b", first, (5, 8, 1, 1), bias=False)), [("a", "b")])


def test_a_channel_of_zeros_stays() -> None:
    net = chain("Relu")
    net.constants["a_w"][3] = 0

    changed = equalized(net.model("b_out"), [("a", "b")])

    assert not constant_of(changed, "a_w")[3].any()
    np.testing.assert_array_equal(constant_of(changed, "b_w")[:, 3], net.constants["b_w"][:, 3])


def test_a_channel_next_to_zero_is_not_blown_up() -> None:
    net = chain("Relu")
    net.constants["a_w"][3] *= np.float32(1e-30)
    net.constants["b_w"][:, 3] *= np.float32(1e4)
    model = net.model("b_out")

    equalize(model)

    assert np.isfinite(constant_of(model, "a_w")).all()
    assert np.isfinite(constant_of(model, "b_w")).all()
    # at most the limit in each round
    grown = np.abs(constant_of(model, "a_w")[3]).max() / np.abs(net.constants["a_w"][3]).max()
    assert 1 < grown < 1.001 * LARGEST**ROUNDS


@pytest.mark.parametrize(
    "net", [chain("HardSwish"), chain("Clip"), chain("Sigmoid")], ids=["hard swish", "clip", "sigmoid"]
)
def test_activations_that_let_no_factor_through_are_left_alone(net: Net) -> None:
    equalized(net.model("b_out"), [])


def test_silu_is_left_alone() -> None:
    net = Net()
    model = net.model(net.conv("b", net.silu("silu", net.conv("a", "x", (8, 3, 3, 3))), (5, 8, 3, 3)))

    equalized(model, [])


def test_what_is_read_twice_or_leaves_the_graph_is_left_alone() -> None:
    net = chain("Relu")
    equalized(net.model("b_out", "act_out"), [])
    equalized(net.model("b_out", net.add("Neg", "other", "act_out")), [])


def test_what_no_convolution_reads_is_left_alone() -> None:
    net = Net()
    pooled = net.add("MaxPool", "pool", net.conv("a", "x", (8, 3, 3, 3)), kernel_shape=[2, 2])

    equalized(net.model(net.conv("b", pooled, (5, 8, 1, 1))), [])


def test_weights_that_two_convolutions_share_are_left_alone() -> None:
    net = chain("Relu")
    net.conv("c", "x", (8, 3, 3, 3))
    net.nodes[-1].input[2] = "a_b"

    equalized(net.model("b_out", "c_out"), [])


def test_convolutions_in_groups_are_left_as_they_are() -> None:
    net = chain("Relu")
    net.nodes.pop()
    model = net.model(net.conv("b", "act_out", (6, 4, 3, 3), group=2))
    kept = constant_of(model, "a_w")

    equalize(model)

    np.testing.assert_array_equal(constant_of(model, "a_w"), kept)
    np.testing.assert_array_equal(constant_of(model, "b_w"), net.constants["b_w"])
