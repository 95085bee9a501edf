"""Weights that cannot overflow the 16-bit sums of CPUs without VNNI."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from conftest import Net, constant_of, run, sample_images
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto

from goshawk_optimize.graph import Graph, attribute
from goshawk_optimize.layers import Network
from goshawk_optimize.quantize import insert_qdq, place
from goshawk_optimize.ranges import choose_ranges, minmax
from goshawk_optimize.saturation import MAX_PAIR, fit_pairs, kernel_pairs, quantize_rows
from goshawk_optimize.statistics import collect
from goshawk_optimize.stem import widen_stem

INT16 = np.iinfo(np.int16)


def detector() -> ModelProto:
    """A stem over the image, odd numbers of channels, a depthwise and a grouped convolution, and a gate."""
    net = Net(3)
    stem = net.add("Relu", "stem_relu", net.conv("stem", "x", (8, 3, 3, 3), strides=[2, 2]))
    depthwise = net.add("Relu", "depthwise_relu", net.conv("depthwise", stem, (8, 1, 3, 3), group=8))
    odd = net.add("Relu", "odd_relu", net.conv("odd", depthwise, (5, 8, 1, 1)))
    gated = net.silu("gated", net.conv("gate", odd, (8, 5, 3, 3)), "HardSigmoid", alpha=0.2, beta=0.5)
    grouped = net.add("Relu", "grouped_relu", net.conv("grouped", gated, (8, 4, 3, 3), group=2))
    wide = net.add("Relu", "wide_relu", net.conv("wide", grouped, (16, 1, 3, 3), group=8))
    return net.model(net.conv("last", wide, (4, 16, 1, 1), bias=False))


def quantized(model: ModelProto, *, saturation_free: bool, per_channel: bool = True) -> ModelProto:
    network = Network(model)
    ranges = choose_ranges(network, collect(model, sample_images()), minmax)
    nodes = place(network, "all", []).quantized
    result = insert_qdq(model, ranges, nodes, per_channel=per_channel, saturation_free=saturation_free)
    assert widen_stem(result)
    return result


def convolutions(model: ModelProto) -> dict[str, tuple[NodeProto, NDArray[np.int8]]]:
    """Each with its bytes in multiplication order."""
    graph = Graph(model.graph)
    found = {}
    for node in model.graph.node:
        if node.op_type == "Conv":
            found[node.name] = (node, graph.constant(graph.producer[node.input[1]].input[0]))
    return found


def pmaddubsw(activations: NDArray[np.uint8], weights: NDArray[np.int8]) -> NDArray[np.int64]:
    """Products of unsigned and signed bytes added in pairs, the sums cut off at 16 bits."""
    products = activations.astype(np.int64) * weights
    return np.clip(products.reshape(*products.shape[:-1], -1, 2).sum(axis=-1), INT16.min, INT16.max)


def in_order(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """Rows of weights as ONNX Runtime multiplies them: over taps, then over channels, padded to pairs."""
    rows = weights.transpose(0, 2, 3, 1).reshape(len(weights), -1)
    return np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)))


@pytest.mark.parametrize("per_channel", [True, False])
def test_no_activation_saturates_any_pair(per_channel: bool) -> None:
    model = quantized(detector(), saturation_free=True, per_channel=per_channel)
    found = convolutions(model)
    assert found["stem"][1].shape == (16, 12, 3, 2)
    for name, (_, weights) in found.items():
        rows = in_order(weights)
        noise = np.random.default_rng(1).integers(0, 256, (20, 1, rows.shape[1])).astype(np.uint8)
        # the worst case: everything in one direction at its maximum, the rest at zero
        worst = [np.where(sign * rows > 0, 255, 0).astype(np.uint8) for sign in (1, -1)]
        if name == "depthwise":
            continue
        for activations in (*worst, noise):
            exact = (activations.astype(np.int64) * rows).sum(axis=-1)
            np.testing.assert_array_equal(pmaddubsw(activations, rows).sum(axis=-1), exact, err_msg=name)


def test_plain_bytes_do_saturate_which_is_what_the_test_above_would_see() -> None:
    _, weights = convolutions(quantized(detector(), saturation_free=False))["gate"]
    rows = in_order(weights)
    worst = np.where(rows > 0, 255, 0).astype(np.uint8)
    assert (pmaddubsw(worst, rows).sum(axis=-1) < (worst.astype(np.int64) * rows).sum(axis=-1)).any()


def test_depthwise_convolutions_keep_all_eight_bits() -> None:
    plain = convolutions(quantized(detector(), saturation_free=False))
    free = convolutions(quantized(detector(), saturation_free=True))
    np.testing.assert_array_equal(free["depthwise"][1], plain["depthwise"][1])
    assert np.abs(free["odd"][1].astype(int)).max() > MAX_PAIR // 2


def session(model: ModelProto, *, exact: bool) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    if exact:
        options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def test_this_cpu_computes_it_exactly() -> None:
    """This machine's kernels match ONNX Runtime's exact arithmetic, with VNNI or without."""
    model = quantized(detector(), saturation_free=True)
    feed = {"images": np.full((1, 16, 24, 3), 255, np.uint8)}
    feeds = [feed, *({"images": image[None]} for image in sample_images(8))]
    fast, exact = session(model, exact=False), session(model, exact=True)
    for images in feeds:
        np.testing.assert_array_equal(fast.run(None, images)[0], exact.run(None, images)[0])


@pytest.mark.parametrize("kernel", [3, 5, 7])
@pytest.mark.parametrize("stride", [1, 2])
def test_this_cpu_adds_depthwise_products_exactly(kernel: int, stride: int) -> None:
    net = Net(kernel)
    first = net.add("Relu", "first_relu", net.conv("first", "x", (16, 3, 1, 1)))
    net.constants["w"] = np.full((16, 1, kernel, kernel), 0.01, np.float32)
    pads = [kernel // 2] * 4
    shape = {"kernel_shape": [kernel, kernel], "pads": pads, "strides": [stride, stride]}
    out = net.add("Conv", "depthwise", first, "w", group=16, **shape)
    model = net.model(out)
    ranges = choose_ranges(Network(model), collect(model, sample_images()), minmax)
    result = insert_qdq(model, ranges, place(Network(model), "all", []).quantized, saturation_free=True)
    assert np.abs(constant_of(result, "w_quantized").astype(int)).min() == 127
    images = {"images": np.full((1, 16, 24, 3), 255, np.uint8)}
    fast, exact = session(result, exact=False).run(None, images)[0], session(result, exact=True).run(None, images)[0]
    np.testing.assert_array_equal(fast, exact)


@pytest.mark.parametrize("per_channel", [True, False])
def test_outputs_stay_close_to_those_in_float(per_channel: bool) -> None:
    model = detector()
    expected = run(model, sample_images())[0]

    def error(saturation_free: bool) -> float:
        result = quantized(model, saturation_free=saturation_free, per_channel=per_channel)
        found = session(result, exact=True).run(None, {"images": sample_images()})[0]
        return float(np.sqrt(np.mean((found - expected) ** 2)) / expected.std())

    assert error(True) < 1.6 * error(False) < 0.2


def test_loses_no_more_than_seven_bits() -> None:
    random = np.random.default_rng(5)
    rows = random.normal(size=(40, 36)) * random.uniform(0.1, 3, (40, 1))
    bytes_, steps = quantize_rows(rows, kernel_pairs((40, 4, 3, 3)))
    seven = np.abs(rows).max(axis=1, keepdims=True) / 64
    square = ((bytes_ * steps[:, None] - rows) ** 2).sum(axis=1)
    square_of_seven = ((np.rint(rows / seven) * seven - rows) ** 2).sum(axis=1)
    assert (square <= square_of_seven + 1e-12).all()
    assert square.sum() < 0.5 * square_of_seven.sum()


def test_rows_of_nothing_stay_nothing() -> None:
    bytes_, steps = quantize_rows(np.zeros((2, 4)), kernel_pairs((2, 4, 1, 1)))
    assert not bytes_.any()
    assert (steps > 0).all()


def test_only_pairs_of_one_sign_are_made_smaller() -> None:
    pairs = [np.array([[0, 1], [2, 3], [4, 5]])]
    values = np.array([[127.0, 127.0, 127.0, -127.0, -100.0, -29.0]])
    np.testing.assert_array_equal(fit_pairs(values, pairs), [[64, 64, 127, -127, -99, -29]])


def test_the_pads_of_a_stem_are_told_from_the_graph() -> None:
    conv, weights = convolutions(quantized(detector(), saturation_free=True))["stem"]
    assert list(attribute(conv, "strides")) == [2, 1]
    assert len(weights) == 16
