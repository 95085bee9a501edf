"""Bias correction: each channel's mean is that of float."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Net, constant_of, node_of, run, sample_images
from numpy.typing import NDArray
from onnx import ModelProto

from goshawk_optimize.bias import correct_biases
from goshawk_optimize.layers import Network
from goshawk_optimize.quantize import insert_qdq, place
from goshawk_optimize.ranges import choose_ranges, minmax
from goshawk_optimize.sessions import with_outputs
from goshawk_optimize.statistics import collect
from goshawk_optimize.storage import pack_weights

LAYERS = ["a", "b", "c"]


def net(bias: bool = True) -> ModelProto:
    graph = Net()
    first = graph.add("Relu", "first", graph.conv("a", "x", (8, 3, 3, 3), bias=bias))
    second = graph.add("Relu", "second", graph.conv("b", first, (8, 8, 3, 3), bias=bias))
    # one scale for all channels is coarse for the small ones
    graph.constants["a_w"][:6] /= np.float32(20)
    graph.constants["b_w"][:6] /= np.float32(20)
    return graph.model(graph.conv("c", second, (4, 8, 1, 1), bias=bias))


def quantized(model: ModelProto, **options: str) -> ModelProto:
    network = Network(model)
    ranges = choose_ranges(network, collect(model, sample_images()), minmax)
    return insert_qdq(model, ranges, place(network, "conv", []).quantized, per_channel=False, **options)


def errors(exact: ModelProto, other: ModelProto) -> list[NDArray[np.float64]]:
    """Mean error of each channel of each convolution."""
    # a Relu may be fused into the quantization after it, and its name may become that of the convolution's output
    models = [with_outputs(model, [node_of(model, name).output[0] for name in LAYERS]) for model in (exact, other)]
    pairs = zip(*(run(model, sample_images()) for model in models), strict=True)
    return [(b.astype(np.float64) - a).mean(axis=(0, 2, 3)) for a, b in pairs]


def largest(values: list[NDArray[np.float64]]) -> float:
    return max(float(np.abs(value).max()) for value in values)


@pytest.mark.parametrize("target", ["cpu", "tensorrt"])
def test_mean_errors_of_the_channels_shrink(target: str) -> None:
    exact = net()
    model = quantized(exact, target=target)
    before = errors(exact, model)

    assert correct_biases(exact, model, LAYERS, sample_images()) == 3

    after = errors(exact, model)
    for name, old, new in zip(LAYERS, before, after, strict=True):
        assert np.abs(old).max() > 1e-3, name
        assert np.abs(new).max() < 0.2 * np.abs(old).max(), name


def test_weights_in_fewer_bits_are_corrected_too() -> None:
    exact = net()
    model = ModelProto()
    model.CopyFrom(exact)
    packed = pack_weights(model, set(), per_channel=False)
    before = errors(exact, model)

    assert correct_biases(exact, model, packed, sample_images()) == len(packed) == 2

    after = errors(exact, model)
    assert largest(after[:2]) < 1e-4 < largest(before[:2])


def test_only_the_named_layers_change() -> None:
    exact = net()
    model = quantized(exact)
    kept = {tensor.name: tensor.SerializeToString() for tensor in model.graph.initializer}

    assert correct_biases(exact, model, ["b"], sample_images()) == 1

    changed = [tensor.name for tensor in model.graph.initializer if tensor.SerializeToString() != kept[tensor.name]]
    assert changed == ["b_b_quantized"]


def test_no_layers_are_no_change() -> None:
    exact = net()
    model = quantized(exact)
    kept = model.SerializeToString(deterministic=True)

    assert correct_biases(exact, model, [], sample_images()) == 0

    assert model.SerializeToString(deterministic=True) == kept


def test_convolutions_without_bias_are_left_alone() -> None:
    exact = net(bias=False)
    model = quantized(exact)
    kept = model.SerializeToString(deterministic=True)

    assert correct_biases(exact, model, LAYERS, sample_images()) == 0

    assert model.SerializeToString(deterministic=True) == kept


def test_a_bias_that_two_convolutions_share_is_not_moved_for_one_of_them() -> None:
    graph = Net()
    graph.conv("a", "x", (4, 3, 3, 3))
    graph.conv("b", "x", (4, 3, 3, 3))
    graph.nodes[-1].input[2] = "a_b"
    exact = graph.model("a_out", "b_out")
    model = ModelProto()
    model.CopyFrom(exact)
    pack_weights(model, set(), per_channel=False)

    assert correct_biases(exact, model, ["a", "b"], sample_images()) == 0

    np.testing.assert_array_equal(constant_of(model, "a_b"), constant_of(exact, "a_b"))


def test_each_layer_is_reported() -> None:
    exact = net()
    reports: list[tuple[int, int]] = []

    correct_biases(exact, quantized(exact), LAYERS, sample_images(), lambda done, total: reports.append((done, total)))

    assert reports == [(1, 3), (2, 3), (3, 3)]


def test_the_correction_is_the_mean_error_of_the_channel() -> None:
    graph = Net()
    exact = graph.model(graph.conv("a", "x", (4, 3, 3, 3)))
    model = ModelProto()
    model.CopyFrom(exact)
    graph.constants["a_b"] = graph.constants["a_b"] + np.array([1, -2, 0, 0.5], np.float32)
    shifted = graph.model("a_out")

    assert correct_biases(exact, shifted, ["a"], sample_images()) == 1

    np.testing.assert_allclose(constant_of(shifted, "a_b"), constant_of(exact, "a_b"), atol=1e-5)
