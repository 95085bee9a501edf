"""Rounding is int8 arithmetic: training sees what ONNX Runtime's quantized graph computes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from goshawk_training import checkpoint
from goshawk_training.cli import main
from goshawk_training.config import QatConfig, RunConfig
from goshawk_training.data import SceneStore
from goshawk_training.evaluate import evaluate_model, evaluate_onnx
from goshawk_training.export import export_onnx
from goshawk_training.loader import make_batch
from goshawk_training.quantize import ActivationRounding, quantize_aware, rounded_weight, roundings, set_mode
from goshawk_training.ranges import METADATA_KEY
from goshawk_training.stages import start_from
from goshawk_training.train import LAST, RunOptions, train

from .test_export import noisy_detector


def quantized(source: Path, out: Path, *, predictions: bool) -> None:
    """Quantized by ONNX Runtime itself, with the ranges in the file."""
    model = onnx.load(str(source))
    ranges = json.loads(next(p.value for p in model.metadata_props if p.key == METADATA_KEY))
    given = {name: tuple(np.array(v, np.float32) for v in pair) for name, pair in ranges.items()}
    given["images"] = (np.float32(0), np.float32(255))
    kept = [n.name for n in model.graph.node if stays_float(n, predictions=predictions)]
    quantizer = QDQQuantizer(
        model,
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, given),
        nodes_to_quantize=[],
        nodes_to_exclude=kept,
        op_types_to_quantize=["Conv", "Relu", "Add", "Concat", "MaxPool", "Resize"],
        extra_options={"WeightSymmetric": True, "ActivationSymmetric": False},
    )
    quantizer.quantize_model()
    quantizer.model.save_model_to_file(str(out))


def stays_float(node: onnx.NodeProto, *, predictions: bool) -> bool:
    """The joined predictions have boxes and scores in one tensor, which 8 bits cannot represent."""
    if any(f"/{layer}/" in node.name for layer in ("classes", "box", "objectness")):
        return not predictions
    return node.op_type == "Concat" and not any(part in node.name for part in ("pyramid", "backbone"))


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory, store: SceneStore, toy_config: RunConfig) -> Path:
    folder = tmp_path_factory.mktemp("parent")
    train(toy_config.with_train(epochs=60), store, None, RunOptions(folder))
    return folder / LAST


def exact() -> onnxruntime.SessionOptions:
    """Sums that do not saturate on any processor: training simulates exact arithmetic, x86-64 without VNNI does not."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def qat(config: RunConfig, settings: QatConfig, **changes: object) -> RunConfig:
    changed = {"epochs": 3, "lr": 1e-4, "warmup_steps": 2, "weight_decay": 0.0} | changes
    tuned = config.with_train(**changed)
    return RunConfig(tuned.model, tuned.train, qat=settings)


def test_weights_are_rounded_to_127_steps_a_channel() -> None:
    weight = torch.randn(3, 4, 3, 3, generator=torch.Generator().manual_seed(1), requires_grad=True)
    rounded = rounded_weight(weight)
    scale = weight.detach().abs().amax(dim=(1, 2, 3), keepdim=True) / 127
    codes = (rounded / scale).detach()
    torch.testing.assert_close(codes, codes.round(), atol=1e-4, rtol=0)
    assert (rounded - weight).abs().max() <= scale.max() / 2 + 1e-6
    rounded.sum().backward()
    assert torch.equal(weight.grad, torch.ones_like(weight))


def test_a_range_learns_from_both_kinds_of_error() -> None:
    """The gradient with respect to the logarithm of the range, against the definition."""
    rounding = ActivationRounding(learned=True).train()
    x = (torch.rand(400, generator=torch.Generator().manual_seed(2)) * 3).requires_grad_()
    pull = torch.randn(400, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        rounding.log_limit.fill_(float(np.log(2.0)))
    (rounding(x) * pull).sum().backward()
    inside = x.detach() <= 2.0
    y = torch.where(inside, (x.detach() * 255 / 2).round() * 2 / 255, torch.tensor(2.0))
    # dy / d limit is (y - x) / limit inside (with the rounded code held) and 1 above; times the limit for its logarithm
    slope = torch.where(inside, y - x.detach(), torch.tensor(2.0))
    assert float(rounding.log_limit.grad) == pytest.approx(float((slope * pull).sum()), rel=1e-3)
    torch.testing.assert_close(x.grad, pull * inside)


def test_ranges_are_measured_and_frozen(toy_config: RunConfig, store: SceneStore) -> None:
    model = quantize_aware(noisy_detector(toy_config), QatConfig(learned=False))
    images = make_batch(store, toy_config, 0).images
    set_mode(model, measuring=True)
    with torch.no_grad():
        model(images)
    set_mode(model, measuring=False)
    first = {name: rounding.bounds for name, rounding in roundings(model).items()}
    seen: list[float] = []
    hook = model.backbone.stem.rounding.register_forward_hook(
        lambda _m, given, _o: seen.append(float(given[0].detach().max()))
    )
    model.eval()(images)
    hook.remove()
    assert first["backbone.stem.rounding"] == pytest.approx((0.0, seen[0]))
    set_mode(model, frozen=True)
    model.train()(images * 0.5)
    assert {name: rounding.bounds for name, rounding in roundings(model).items()} == first
    set_mode(model, frozen=False)
    model(images * 0.5)
    assert roundings(model)["backbone.stem.rounding"].bounds[1] < first["backbone.stem.rounding"][1]


@pytest.mark.parametrize("settings", [QatConfig(calibration_batches=2), QatConfig(2, learned=False, predictions=True)])
def test_quantized_graph_gives_what_training_saw(
    tmp_path: Path, store: SceneStore, toy_config: RunConfig, parent: Path, settings: QatConfig
) -> None:
    config = qat(toy_config, settings)
    train(config, store, None, RunOptions(tmp_path), start_from(parent, config))
    model = checkpoint.averaged_model(tmp_path / LAST)
    by_torch = evaluate_model(model, store)
    assert by_torch.ap50 > 0.5
    images = make_batch(store, config, 0).images
    with torch.inference_mode():
        expected = model(images).numpy()
    export_onnx(model, tmp_path / "model.onnx")
    floating = onnxruntime.InferenceSession(str(tmp_path / "model.onnx")).run(None, {"images": images.numpy()})[0]
    quantized(tmp_path / "model.onnx", tmp_path / "int8.onnx", predictions=settings.predictions)
    rounded = onnxruntime.InferenceSession(str(tmp_path / "int8.onnx"), exact())
    actual = rounded.run(None, {"images": images.numpy()})[0]
    expected[..., 4:] = 1 / (1 + np.exp(-expected[..., 4:]))
    # closer than float: only ties that round the other way remain
    assert np.abs(actual - expected).mean() < 0.35 * np.abs(floating - expected).mean()
    by_onnx = evaluate_onnx(tmp_path / "int8.onnx", store, config.model, exact())
    assert by_onnx.ap50 == pytest.approx(by_torch.ap50, abs=0.02)
    assert by_onnx.ap == pytest.approx(by_torch.ap, abs=0.02)


def test_exported_file_is_plain_float_with_ranges(tmp_path: Path, toy_config: RunConfig, store: SceneStore) -> None:
    model = quantize_aware(noisy_detector(toy_config), QatConfig())
    set_mode(model, measuring=True)
    with torch.no_grad():
        model(make_batch(store, toy_config, 0).images)
    set_mode(model, measuring=False)
    export_onnx(model, tmp_path / "model.onnx")
    exported = onnx.load(str(tmp_path / "model.onnx"))
    assert {opset.domain for opset in exported.opset_import} == {""}
    assert not {"QuantizeLinear", "DequantizeLinear", "Rounding"} & {node.op_type for node in exported.graph.node}
    ranges = json.loads(exported.metadata_props[0].value)
    named = {name for node in exported.graph.node for name in node.output}
    assert set(ranges) <= named
    inferred = onnx.shape_inference.infer_shapes(exported).graph.value_info
    floats = {value.name for value in inferred if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT}
    for node in exported.graph.node:
        if node.op_type in ("Conv", "Relu", "Add", "Concat", "MaxPool", "Resize") and node.output[0] in floats:
            assert node.output[0] in ranges, node.name
    assert ranges["/detector/backbone/stem/Relu_output_0"] == ranges["/detector/backbone/stem/conv/Conv_output_0"]


def test_resumed_qat_equals_uninterrupted(
    tmp_path: Path, store: SceneStore, toy_config: RunConfig, parent: Path
) -> None:
    config = qat(toy_config, QatConfig(2, freeze_share=0.5))
    start = start_from(parent, config)
    whole = train(config, store, None, RunOptions(tmp_path / "whole"), start)
    train(config, store, None, RunOptions(tmp_path / "parts", stop_after_steps=2), start)
    parts = train(config, store, None, RunOptions(tmp_path / "parts", resume=True), start)
    for one, other in ((whole.model, parts.model), (whole.average.model, parts.average.model)):
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name


def test_command_follows_pruning(tmp_path: Path, store: SceneStore, parent: Path) -> None:
    common = ["--data", str(store.folder), "--threads", "1", "--epochs", "1", "--batch", "8", "--no-bf16"]
    pruned, rounded = str(tmp_path / "pruned"), str(tmp_path / "rounded")
    settings = ["--sparsity-initial", "0.3", "--sparsity-final", "0.3", "--sparsity-steps", "1", "--two-four"]
    settings += ["--channel-multiple", "4", "--importance-batches", "1"]
    assert main(["prune", "--from", str(parent), "--run", pruned, *common, *settings]) == 0
    teacher = ["--teacher", str(parent), "--qat-calibration-batches", "1"]
    assert main(["qat", "--from", pruned, "--run", rounded, *common, *teacher]) == 0
    assert main(["export", "--run", rounded, "--data", str(store.folder), "--out", str(tmp_path)]) == 0
    stages = json.loads((tmp_path / "lineage.json").read_text())["stages"]
    assert [stage["stage"] for stage in stages] == ["train", "prune", "qat"]
    assert stages[1]["pruning"]["pattern"] == "channels+2:4"
    # later stages keep 2:4 sparsity
    model = checkpoint.averaged_model(tmp_path / "rounded" / LAST)
    weight = model.heads[0].stem.conv.weight.detach()
    assert (weight.reshape(len(weight), -1, 4, 1, 1) != 0).sum(2).max() == 2
    assert main(["prune", "--from", rounded, "--run", str(tmp_path / "no"), *common]) == 1
