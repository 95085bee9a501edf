"""A run that begins with an exported model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from goshawk_training import checkpoint
from goshawk_training.adopt import adopt
from goshawk_training.augment import letterboxed
from goshawk_training.config import RunConfig
from goshawk_training.data import SceneStore
from goshawk_training.export import export_onnx
from goshawk_training.model import ConvBnAct, Detector


def trained(config: RunConfig) -> Detector:
    """A network whose norms have distinct statistics."""
    torch.manual_seed(3)
    model = Detector(config.model)
    for module in model.modules():
        if isinstance(module, ConvBnAct):
            module.bn.running_mean.normal_(0, 0.2)
            module.bn.running_var.uniform_(0.5, 2)
            module.bn.bias.data.normal_(0, 0.2)
    return model.eval()


def test_computes_what_the_file_does_and_trains_on(toy_config: RunConfig, store: SceneStore, tmp_path: Path) -> None:
    model = trained(toy_config)
    export_onnx(model, tmp_path / "model.onnx")
    images = np.stack([letterboxed(store[i], toy_config.model).image for i in range(8)])
    batch = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    model = trained(toy_config)
    with torch.inference_mode():
        expected = model(batch)

    adopt(tmp_path / "model.onnx", toy_config.model, store, tmp_path / "run/last.pt")

    adopted = checkpoint.averaged_model(tmp_path / "run/last.pt")
    with torch.inference_mode():
        torch.testing.assert_close(adopted(batch), expected, rtol=1e-3, atol=1e-3)
        # statistics of the images themselves: in training mode the network computes nearly the same
        in_training = adopted.train()(batch)
    assert (in_training - expected).abs().mean() < 0.1 * expected.std()


def test_refuses_what_it_did_not_export(toy_config: RunConfig, store: SceneStore, tmp_path: Path) -> None:
    export_onnx(trained(toy_config), tmp_path / "model.onnx")
    content = (tmp_path / "model.onnx").read_bytes().replace(b"detector.backbone", b"detectah.backbone")
    (tmp_path / "model.onnx").write_bytes(content)

    with pytest.raises(ValueError, match="not exported by goshawk_training"):
        adopt(tmp_path / "model.onnx", toy_config.model, store, tmp_path / "run/last.pt")
    assert not (tmp_path / "run").exists()
