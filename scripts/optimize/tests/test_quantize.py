"""Static int8: what is placed where, and that the bytes represent the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Net, constant_of, node_of, operators, run, sample_images
from numpy.typing import NDArray
from onnx import ModelProto, checker

from goshawk_optimize.errors import OpError
from goshawk_optimize.graph import Graph
from goshawk_optimize.layers import Network
from goshawk_optimize.quantize import Placement, insert_qdq, place
from goshawk_optimize.ranges import Range, choose_ranges, minmax
from goshawk_optimize.statistics import collect


def detector() -> ModelProto:
    """Two layers, a join of both, a layer with SiLU, and a sigmoid after the last convolution."""
    net = Net()
    first = net.add("Relu", "first", net.conv("a", "x", (8, 3, 3, 3)))
    second = net.add("Relu", "second", net.conv("b", first, (8, 8, 3, 3)))
    joined = net.add("Concat", "joined", first, second, axis=1)
    third = net.silu("third", net.conv("c", joined, (8, 16, 1, 1)))
    return net.model(net.add("Sigmoid", "scores", net.conv("d", third, (4, 8, 1, 1))))


def placed(model: ModelProto, op_types: str, keep: list[str]) -> Placement:
    return place(Network(model), op_types, keep)


def ranges_of(model: ModelProto) -> dict[str, Range]:
    return choose_ranges(Network(model), collect(model, sample_images()), minmax)


class TestPlacement:
    """Names of what runs in 8 bits."""

    def test_convolutions_with_their_relu(self) -> None:
        placement = placed(detector(), "conv", [])

        assert placement.quantized == ["a", "first", "b", "second", "c", "d"]
        assert placement.kept == ["planes", "cast", "joined", "third_gate", "third_mul", "scores"]

    def test_all_that_lies_before_the_last_convolutions(self) -> None:
        placement = placed(detector(), "all", [])

        assert placement.quantized == ["a", "first", "b", "second", "joined", "c", "third_gate", "third_mul", "d"]
        assert placement.kept == ["planes", "cast", "scores"]

    @pytest.mark.parametrize("name", ["c", "third_gate", "third_mul"])
    def test_a_layer_stays_in_float_as_a_whole(self, name: str) -> None:
        placement = placed(detector(), "all", [name])

        assert {"c", "third_gate", "third_mul"} <= set(placement.kept)
        assert "d" in placement.quantized

    def test_what_reads_a_float_layer_is_not_joined_in_bytes(self) -> None:
        assert "joined" in placed(detector(), "all", ["b"]).kept
        assert "joined" in placed(detector(), "all", ["joined"]).kept

    def test_a_name_that_the_model_lacks_is_refused(self) -> None:
        with pytest.raises(OpError, match="nowhere") as caught:
            placed(detector(), "conv", ["a", "nowhere"])

        assert caught.value.kind == "unsupported"


def quantizers(model: ModelProto, kind: str = "QuantizeLinear") -> list[tuple[float, int, np.dtype]]:
    """Scale, zero point and type of the pairs around activations."""
    graph = Graph(model.graph)
    found = []
    for node in model.graph.node:
        if node.op_type == kind:
            scale, zero = graph.constant(node.input[1]), graph.constant(node.input[2])
            if scale.size == 1 and graph.constant(node.input[0]) is None:
                found.append((float(scale), int(zero), zero.dtype))
    return found


@pytest.mark.parametrize("target", ["cpu", "tensorrt"])
@pytest.mark.parametrize("op_types", ["conv", "all"])
@pytest.mark.parametrize("per_channel", [True, False])
def test_outputs_are_close_to_those_in_float(target: str, op_types: str, per_channel: bool) -> None:
    model = detector()
    kept = ModelProto()
    kept.CopyFrom(model)

    nodes = placed(model, op_types, []).quantized
    result = insert_qdq(model, ranges_of(model), nodes, per_channel=per_channel, target=target)

    assert model == kept
    checker.check_model(result, full_check=True)
    expected, found = run(model, sample_images())[0], run(result, sample_images(), optimize=True)[0]
    error = float(np.sqrt(np.mean((found - expected) ** 2)) / expected.std())
    assert 1e-5 < error < 0.1


def test_nothing_in_bytes_is_the_model_as_it_was() -> None:
    model = detector()

    result = insert_qdq(model, ranges_of(model), [])

    assert "QuantizeLinear" not in operators(result)
    np.testing.assert_allclose(run(result, sample_images())[0], run(model, sample_images())[0], atol=1e-5)


def convolve(image: NDArray[np.uint8], weights: NDArray[np.float64], bias: NDArray[np.float64]) -> NDArray:
    """A 3x3 convolution of an image, by sums over shifted copies."""
    rows, columns = image.shape[:2]
    padded = np.pad(image.astype(np.float64), ((1, 1), (1, 1), (0, 0)))
    total = np.zeros((len(weights), rows, columns)) + bias.reshape(-1, 1, 1)
    for y in range(3):
        for x in range(3):
            total += np.einsum("oi,rci->orc", weights[:, :, y, x], padded[y : y + rows, x : x + columns])
    return total


@pytest.mark.parametrize("per_channel", [True, False])
def test_bytes_are_those_of_the_formula(per_channel: bool) -> None:
    """Weights round to steps of largest / 127, outputs to steps of (high - low) / 255 with zero as one of them.

    The formula is exact arithmetic.
    """
    net = Net()
    model = net.model(net.conv("a", "x", (5, 3, 3, 3)))
    image = sample_images(1)
    low, high = -1.3, 2.1
    ranges = {"x": (0.0, 255.0), "a_out": (low, high)}

    result = insert_qdq(model, ranges, ["a"], per_channel=per_channel)

    weights, bias = (net.constants[name].astype(np.float64) for name in ("a_w", "a_b"))
    largest = np.abs(weights).max(axis=(1, 2, 3) if per_channel else None, keepdims=True)
    stored = np.rint(weights / (largest / 127))
    np.testing.assert_array_equal(constant_of(result, "a_w_quantized"), stored)
    exact = convolve(image[0], stored * largest / 127, bias)
    step = (high - low) / 255
    zero = round(-low / step)
    expected = (np.clip(np.rint(exact / step) + zero, 0, 255) - zero) * step
    found = run(result, image, optimize=True, exact=True)[0][0]
    gap = np.abs(found - expected)
    # the bias is rounded as well, which moves values between two levels to the next one
    assert gap.max() < 1.01 * step
    assert (gap > 0.01 * step).mean() < 0.02
    assert found.min() == pytest.approx(-zero * step, rel=1e-5)
    assert found.max() == pytest.approx((255 - zero) * step, rel=1e-5)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 3.0), (0.5, 2.0), (-4.0, -1.0), (0.0, 0.0)])
def test_every_range_holds_zero(low: float, high: float) -> None:
    net = Net()
    model = net.model(net.conv("a", "x", (5, 3, 3, 3)))

    result = insert_qdq(model, {"x": (0.0, 255.0), "a_out": (low, high)}, ["a"])

    (found,) = quantizers(result)
    scale, zero, kind = found
    assert kind == np.uint8
    if low < high:
        wide = max(high, 0) - min(low, 0)
        assert scale == pytest.approx(wide / 255, rel=1e-5)
        assert zero == round(-min(low, 0) / scale)
    else:
        assert scale > 0


@pytest.mark.parametrize("op_types", ["conv", "all"])
def test_the_processor_reads_the_image_as_bytes(op_types: str) -> None:
    model = detector()

    result = insert_qdq(model, ranges_of(model), placed(model, op_types, []).quantized)

    assert "Cast" not in operators(result)
    reader = next(node for node in result.graph.node if node.input[0] == "planes")
    assert reader.op_type == "DequantizeLinear"
    scale, zero = (constant_of(result, name) for name in reader.input[1:3])
    assert (scale.shape, float(scale), int(zero), zero.dtype) == ((), 1, 0, np.uint8)
    assert all(kind == np.uint8 for _, _, kind in quantizers(result))


def test_biases_of_the_processor_are_int32_at_the_scale_of_the_products() -> None:
    net = Net()
    model = net.model(net.conv("a", "x", (5, 3, 3, 3)))

    result = insert_qdq(model, {"x": (0.0, 255.0), "a_out": (-3.0, 3.0)}, ["a"])

    stored, scale = constant_of(result, "a_b_quantized"), constant_of(result, "a_b_quantized_scale")
    assert stored.dtype == np.int32
    np.testing.assert_allclose(scale, np.abs(net.constants["a_w"]).max(axis=(1, 2, 3)) / 127, rtol=1e-5)
    np.testing.assert_allclose(stored * scale, net.constants["a_b"], atol=float(scale.max()))


class TestTensorrt:
    """Symmetric int8, and a Q/DQ pair only in front of readers of bytes."""

    def result(self, op_types: str = "conv") -> ModelProto:
        model = detector()
        return insert_qdq(model, ranges_of(model), placed(model, op_types, []).quantized, target="tensorrt")

    def test_zero_points_are_zero(self) -> None:
        found = quantizers(self.result()) + quantizers(self.result(), "DequantizeLinear")

        assert found
        assert {(zero, kind) for _, zero, kind in found} == {(0, np.dtype(np.int8))}

    def test_scales_hold_the_larger_end(self) -> None:
        net = Net()
        model = net.model(net.conv("b", net.conv("a", "x", (5, 3, 3, 3)), (4, 5, 1, 1)))
        ranges = {"x": (0.0, 255.0), "a_out": (-5.08, 2.0), "b_out": (-1.0, 1.0)}

        result = insert_qdq(model, ranges, ["a", "b"], target="tensorrt")

        # 127.5 steps on each side, or 127
        assert any(scale == pytest.approx(0.04, rel=0.005) for scale, _, _ in quantizers(result))

    @pytest.mark.parametrize("op_types", ["conv", "all"])
    def test_convolutions_read_pairs_and_what_they_write_goes_on_in_float(self, op_types: str) -> None:
        result = self.result(op_types)
        graph = Graph(result.graph)

        after = {"a": ["Relu"], "b": ["Relu"], "c": ["Mul", "Sigmoid"], "d": ["Sigmoid"]}
        for name, expected in after.items():
            conv = node_of(result, name)
            assert [graph.producer[read].op_type for read in conv.input[:2]] == ["DequantizeLinear"] * 2
            assert conv.input[2] in graph.initializers
            assert sorted(node.op_type for node in graph.consumers[conv.output[0]]) == expected

    def test_the_pair_stands_behind_the_product_of_a_gate(self) -> None:
        result = self.result("all")
        graph = Graph(result.graph)

        assert [node.op_type for node in graph.consumers["third_gate_out"]] == ["Mul"]
        assert [node.op_type for node in graph.consumers["third_mul_out"]] == ["QuantizeLinear"]
