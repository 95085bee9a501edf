"""Weights in fewer bits: smaller files, and float once loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import Net, constant_of, operators, run, sample_images
from numpy.typing import NDArray
from onnx import ModelProto, checker, helper

from goshawk_optimize.sessions import with_outputs
from goshawk_optimize.storage import channel_scales, pack_halves, pack_weights

Packing = pytest.mark.parametrize("pack", [pack_weights, pack_halves])


def net() -> Net:
    graph = Net()
    first = graph.add("Relu", "first", graph.conv("a", "x", (8, 3, 3, 3)))
    graph.conv("b", first, (16, 8, 3, 3))
    graph.constants["b_w"] *= np.geomspace(0.02, 1, 16).astype(np.float32).reshape(-1, 1, 1, 1)
    return graph


def unpacked(model: ModelProto, name: str) -> NDArray[np.float32]:
    """Value of a tensor that is computed from constants."""
    copy = with_outputs(model, [name])
    return run(copy, sample_images(1))[0]


@pytest.mark.parametrize("per_channel", [True, False])
def test_bytes_are_within_half_a_step(per_channel: bool) -> None:
    graph = net()
    model = graph.model("b_out")

    assert pack_weights(model, set(), per_channel) == ["a", "b"]

    checker.check_model(model, full_check=True)
    for name in ("a_w", "b_w"):
        weights = graph.constants[name]
        largest = np.abs(weights).max(axis=(1, 2, 3) if per_channel else None, keepdims=True)
        gap = np.abs(unpacked(model, name) - weights)
        assert (gap <= 0.5001 * largest / 127).all()
        assert gap.max() > 0.4 * (largest / 127).max()
        assert constant_of(model, f"{name}_bytes").dtype == np.int8
        assert np.abs(constant_of(model, f"{name}_bytes").astype(int)).max() == 127


def test_halves_are_the_nearest_ones() -> None:
    graph = net()
    model = graph.model("b_out")

    assert pack_halves(model, set()) == ["a", "b"]

    checker.check_model(model, full_check=True)
    for name in ("a_w", "b_w"):
        np.testing.assert_array_equal(unpacked(model, name), graph.constants[name].astype(np.float16))


@pytest.mark.parametrize(("pack", "share"), [(pack_weights, 0.25), (pack_halves, 0.5)])
def test_the_model_shrinks(pack: object, share: float) -> None:
    graph = Net()
    model = graph.model(graph.conv("b", graph.conv("a", "x", (64, 3, 3, 3)), (64, 64, 3, 3)))
    before = model.ByteSize()

    pack(model, set())

    assert model.ByteSize() < (share + 0.05) * before


@Packing
def test_what_is_loaded_runs_in_float_as_before(pack: object, tmp_path: Path) -> None:
    model = net().model("b_out")
    pack(model, set())
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "loaded.onnx")

    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    loaded = onnx.load(tmp_path / "loaded.onnx")
    assert operators(loaded).count("Cast") == 1
    assert "Mul" not in operators(loaded)
    assert constant_of(loaded, next(n for n in loaded.graph.node if n.name == "b").input[1]).dtype == np.float32


@Packing
def test_outputs_are_close(pack: object) -> None:
    model = net().model("b_out")
    expected = run(model, sample_images())[0]

    pack(model, set())

    found = run(model, sample_images())[0]
    assert 0 < np.sqrt(np.mean((found - expected) ** 2)) < 0.02 * expected.std()


@Packing
def test_layers_to_be_kept_and_small_ones_are_left_alone(pack: object) -> None:
    graph = net()
    model = graph.model(graph.conv("small", "b_out", (3, 16, 1, 1)))
    kept = {tensor.name: tensor.SerializeToString() for tensor in model.graph.initializer}

    assert pack(model, {"a"}) == ["b"]

    same = {t.name for t in model.graph.initializer if t.SerializeToString() == kept.get(t.name)}
    assert same == {"a_w", "a_b", "b_b", "small_w", "small_b"}


@Packing
def test_nothing_to_pack_is_no_change(pack: object) -> None:
    model = net().model("b_out")
    kept = model.SerializeToString(deterministic=True)

    assert pack(model, {"a", "b"}) == []

    assert model.SerializeToString(deterministic=True) == kept


def shared() -> ModelProto:
    """Two convolutions with the weights of one of them."""
    graph = net()
    graph.conv("again", "first_out", (16, 8, 3, 3))
    graph.nodes[-1].input[1] = "b_w"
    del graph.constants["again_w"]
    return graph.model("b_out", "again_out")


@Packing
def test_weights_that_layers_share_are_stored_once(pack: object) -> None:
    model = shared()

    assert pack(model, set()) == ["a", "b", "again"]

    checker.check_model(model, full_check=True)
    assert [node.output[0] for node in model.graph.node].count("b_w") == 1
    run(model, sample_images(1))


@Packing
def test_weights_that_a_kept_layer_shares_are_kept(pack: object) -> None:
    model = shared()
    weights = constant_of(model, "b_w")

    assert pack(model, {"again"}) == ["a"]

    np.testing.assert_array_equal(constant_of(model, "b_w"), weights)


def test_weights_that_are_computed_are_left_alone() -> None:
    graph = net()
    model = graph.model("b_out")
    model.graph.node.insert(2, helper.make_node("Neg", ["a_w"], ["negative"], "negative"))
    next(node for node in model.graph.node if node.name == "a").input[1] = "negative"

    assert pack_weights(model, set()) == ["b"]


@pytest.mark.parametrize("per_channel", [True, False])
def test_scales_multiply_and_are_never_zero(per_channel: bool) -> None:
    weights = np.zeros((3, 2, 1, 1), np.float32)
    weights[0] = -254
    weights[1] = 127

    scales = channel_scales(weights, per_channel)

    assert scales.shape == ((3 if per_channel else 1), 1, 1, 1)
    np.testing.assert_allclose(scales.ravel()[:2], [2, 1] if per_channel else [2])
    assert (scales > 0).all()
