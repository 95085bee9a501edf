"""The exported file computes what the network computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from goshawk_training.config import RunConfig
from goshawk_training.data import SceneStore
from goshawk_training.evaluate import evaluate_model, evaluate_onnx
from goshawk_training.export import export_onnx
from goshawk_training.model import Detector


def noisy_detector(config: RunConfig) -> Detector:
    """A network with non-trivial batch norms."""
    torch.manual_seed(3)
    model = Detector(config.model)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.2)
            torch.nn.init.normal_(module.running_mean, std=0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    return model.eval()


def test_export_matches_torch_for_any_batch(tmp_path: Path, toy_config: RunConfig) -> None:
    model = noisy_detector(toy_config)
    images = torch.rand(3, 3, 64, 96, generator=torch.Generator().manual_seed(1)) * 255
    with torch.inference_mode():
        expected = model(images)
        expected[..., 4:] = expected[..., 4:].sigmoid()
    export_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    actual = session.run(None, {"images": images.numpy()})[0]
    assert actual.shape == (3, 126, 8)
    np.testing.assert_allclose(actual, expected.numpy(), atol=1e-3)


def test_exported_graph_has_only_folded_convolutions(tmp_path: Path, toy_config: RunConfig) -> None:
    export_onnx(noisy_detector(toy_config), tmp_path / "model.onnx")
    graph = onnx.load(str(tmp_path / "model.onnx")).graph
    kinds = {node.op_type for node in graph.node}
    assert "BatchNormalization" not in kinds
    assert "Mul" not in kinds
    assert "Shape" not in kinds
    assert {i.name for i in graph.input} == {"images"}
    assert {o.name for o in graph.output} == {"output"}


def test_torch_and_onnx_evaluate_alike(tmp_path: Path, toy_config: RunConfig, store: SceneStore) -> None:
    model = noisy_detector(toy_config)
    by_torch = evaluate_model(model, store)
    export_onnx(model, tmp_path / "model.onnx")
    by_onnx = evaluate_onnx(tmp_path / "model.onnx", store, toy_config.model)
    assert by_onnx.ap50 == by_torch.ap50
    assert by_onnx.images == len(store)
