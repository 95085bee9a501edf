"""The error of a layer is the output error with only this layer in 8 bits."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import HEIGHT, WIDTH, Net, run, sample_images
from onnx import ModelProto

from goshawk_optimize.layers import Network
from goshawk_optimize.quantize import insert_qdq
from goshawk_optimize.ranges import Range, choose_ranges, minmax
from goshawk_optimize.sensitivity import LayerError, measure_layers
from goshawk_optimize.statistics import collect


def net() -> ModelProto:
    graph = Net()
    first = graph.add("Relu", "first", graph.conv("a", "x", (8, 3, 3, 3), strides=[2, 2]))
    second = graph.silu("second", graph.conv("b", first, (6, 8, 3, 3), bias=False))
    return graph.model(graph.conv("c", second, (4, 6, 1, 1)), graph.conv("d", second, (2, 6, 1, 1)))


def ranges_of(model: ModelProto) -> dict[str, Range]:
    return choose_ranges(Network(model), collect(model, sample_images()), minmax)


def measured(**options: str) -> dict[str, LayerError]:
    model = net()
    return {item.layer.name: item for item in measure_layers(model, ranges_of(model), sample_images(), **options)}


def test_every_layer_is_told_in_the_order_of_the_graph() -> None:
    found = measured()

    assert list(found) == ["a", "b", "c", "d"]
    assert [item.parameters for item in found.values()] == [8 * 27 + 8, 6 * 72, 4 * 6 + 4, 2 * 6 + 2]
    assert [item.output_shape[1:] for item in found.values()] == [
        [channels, HEIGHT // 2, WIDTH // 2] for channels in (8, 6, 4, 2)
    ]


@pytest.mark.parametrize(
    ("op_types", "nodes"),
    [
        ("conv", {"a": ["a", "first"], "b": ["b"], "c": ["c"], "d": ["d"]}),
        ("all", {"a": ["a", "first"], "b": ["b", "second_gate", "second_mul"], "c": ["c"], "d": ["d"]}),
    ],
)
def test_the_error_is_that_of_the_outputs(op_types: str, nodes: dict[str, list[str]]) -> None:
    model = net()
    exact = run(model, sample_images(), optimize=True, exact=True)
    found = measured(op_types=op_types)

    for name, item in found.items():
        outputs = run(insert_qdq(model, ranges_of(model), nodes[name]), sample_images(), optimize=True, exact=True)
        shares = [np.sum((b - a) ** 2) / np.sum(a**2) for a, b in zip(exact, outputs, strict=True)]
        assert item.error == pytest.approx(np.sqrt(np.mean(shares)), rel=1e-3)
        assert item.error > 1e-4


def test_a_layer_of_few_levels_is_the_worst() -> None:
    model = net()
    ranges = ranges_of(model)
    before = {item.layer.name: item.error for item in measure_layers(model, dict(ranges), sample_images())}
    ranges["b_out"] = (-100.0, 100.0)

    after = {item.layer.name: item.error for item in measure_layers(model, ranges, sample_images())}

    assert after["b"] > 5 * before["b"]
    assert max(after, key=lambda name: after[name]) == "b"
    assert after["a"] == before["a"]


def test_the_model_and_the_ranges_stay() -> None:
    model = net()
    ranges = ranges_of(model)
    kept = dict(ranges)

    measure_layers(model, ranges, sample_images(1), op_types="all")

    assert model == net()
    assert ranges == kept


def test_each_layer_is_reported() -> None:
    model = net()
    reports: list[tuple[int, int]] = []

    measure_layers(model, ranges_of(model), sample_images(1), report=lambda done, total: reports.append((done, total)))

    assert reports == [(done, 4) for done in range(1, 5)]
