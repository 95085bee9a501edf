"""Gates of the hard kind on bytes: a minimum and a product."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Net, operators, run, sample_images
from onnx import ModelProto, checker

from goshawk_optimize.gates import align_gate_ranges
from goshawk_optimize.layers import Network
from goshawk_optimize.quantize import insert_qdq, place
from goshawk_optimize.ranges import choose_ranges, minmax
from goshawk_optimize.statistics import collect


def net(gain: float = 6, gate: str = "HardSigmoid", **attributes: float) -> ModelProto:
    graph = Net()
    source = graph.conv("a", "x", (8, 3, 3, 3), gain=gain / 128)
    return graph.model(graph.conv("b", graph.silu("gated", source, gate, **attributes), (4, 8, 1, 1)))


def quantized(model: ModelProto) -> ModelProto:
    network = Network(model)
    ranges = choose_ranges(network, collect(model, sample_images()), minmax)
    return insert_qdq(model, ranges, place(network, "all", []).quantized)


@pytest.mark.parametrize("gain", [1, 6, 20])
@pytest.mark.parametrize("alpha", [0.2, 1 / 6])
def test_bytes_give_what_float_gives(gain: float, alpha: float) -> None:
    """In exact arithmetic: a gate's byte is further off if sums of products saturate."""
    model = net(gain, alpha=alpha, beta=0.5)

    result = quantized(model)

    checker.check_model(result, full_check=True)
    assert "QLinearMul" in operators(result)
    assert "HardSigmoid" not in operators(result)
    expected, found = run(model, sample_images())[0], run(result, sample_images(), optimize=True, exact=True)[0]
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.03 * expected.std()


@pytest.mark.parametrize("high", [0.001, 0.5, 2.5, 10, 300])
def test_byte_zero_is_where_the_gate_opens(high: float) -> None:
    ranges = {"a_out": (-40.0, high)}

    align_gate_ranges(net(alpha=0.2, beta=0.5), ranges, {"a", "gated_gate", "gated_mul"})

    low, found = ranges["a_out"]
    assert low == pytest.approx(-2.5)
    scale = (found - low) / 255
    zero = -low / scale
    assert zero == pytest.approx(round(zero), abs=1e-6)
    assert 1 <= zero <= 254
    # as close to the high end as an integer zero point allows
    assert abs(found - max(high, 2.5 / 254)) <= scale * (255 / zero)


@pytest.mark.parametrize("model", [net(alpha=0.2, beta=0.4), net(gate="Sigmoid")], ids=["beta", "sigmoid"])
def test_other_gates_stay(model: ModelProto) -> None:
    assert "QLinearMul" not in operators(quantized(model))


@pytest.mark.parametrize(
    ("beta", "nodes"), [(0.5, {"a", "b"}), (0.4, {"a", "gated_gate", "gated_mul"})], ids=["in float", "beta"]
)
def test_other_layers_keep_their_range(beta: float, nodes: set[str]) -> None:
    ranges = {"a_out": (-40.0, 7.0)}

    align_gate_ranges(net(alpha=0.2, beta=beta), ranges, nodes)

    assert ranges == {"a_out": (-40.0, 7.0)}
