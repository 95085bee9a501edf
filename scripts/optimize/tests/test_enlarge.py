"""Doubling rows and columns of bytes."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Net, operators, run, sample_images
from onnx import ModelProto, checker

from goshawk_optimize import quantize
from goshawk_optimize.layers import Network
from goshawk_optimize.quantize import insert_qdq, place
from goshawk_optimize.ranges import choose_ranges, minmax
from goshawk_optimize.statistics import collect

NEAREST = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}


def net(scales: tuple[float, ...] = (1, 1, 2, 2), **attributes: str) -> ModelProto:
    """Two convolutions with a Resize in between, whose output is also concatenated with another."""
    graph = Net()
    low = graph.conv("low", "x", (8, 3, 3, 3), strides=[2, 2])
    scale = graph.constant("scales", np.array(scales, np.float32))
    large = graph.add("Resize", "enlarge", low, "", scale, **attributes)
    return graph.model(graph.conv("head", graph.add("Relu", "relu", large), (4, 8, 1, 1)))


def joined() -> ModelProto:
    graph = Net()
    high = graph.add("Relu", "high_relu", graph.conv("high", "x", (8, 3, 3, 3)))
    low = graph.add("Relu", "low_relu", graph.conv("low", "x", (8, 3, 3, 3), strides=[2, 2]))
    scale = graph.constant("scales", np.array([1, 1, 2, 2], np.float32))
    large = graph.add("Resize", "enlarge", low, "", scale, **NEAREST)
    both = graph.add("Concat", "both", large, high, axis=1)
    return graph.model(graph.conv("head", both, (4, 16, 1, 1)))


def quantized(model: ModelProto, target: str = "cpu") -> ModelProto:
    network = Network(model)
    ranges = choose_ranges(network, collect(model, sample_images()), minmax)
    return insert_qdq(model, ranges, place(network, "all", []).quantized, target=target)


@pytest.mark.parametrize("model", [net(**NEAREST), joined()])
def test_yields_the_same_bytes(model: ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    result = quantized(model)
    monkeypatch.setattr(quantize, "enlarge_bytes", lambda *_: 0)
    plain = quantized(model)

    checker.check_model(result, full_check=True)
    assert "Expand" in operators(result)
    assert "Resize" not in operators(result)
    assert "Resize" in operators(plain)
    images = sample_images(3)
    for optimize in (False, True):
        expected, found = run(plain, images, optimize=optimize)[0], run(result, images, optimize=optimize)[0]
        assert expected.std() > 0.05
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("scales", "attributes"),
    [
        ((1, 1, 2, 2), {**NEAREST, "mode": "linear"}),
        ((1, 1, 2, 2), {**NEAREST, "nearest_mode": "ceil"}),
        ((1, 1, 2, 2), {**NEAREST, "coordinate_transformation_mode": "align_corners"}),
        ((1, 1, 3, 3), NEAREST),
        ((1, 1, 2, 1), NEAREST),
    ],
)
def test_leaves_what_is_no_doubling(scales: tuple[float, ...], attributes: dict[str, str]) -> None:
    assert "Resize" in operators(quantized(net(scales, **attributes)))


def test_leaves_graphs_for_tensorrt_and_what_stays_in_float() -> None:
    model = net(**NEAREST)
    assert "Resize" in operators(quantized(model, "tensorrt"))
    ranges = choose_ranges(Network(model), collect(model, sample_images()), minmax)
    assert "Resize" in operators(insert_qdq(model, ranges, ["head"]))
