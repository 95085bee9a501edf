"""Exports a checkpoint to an ONNX file that any YOLOX decoder can read."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from .model import Detector
from .ranges import DOMAIN, marked, take_out_marks, write_ranges

OPSET = 17
INPUT, OUTPUT = "images", "output"
TOLERANCE = 1e-3


class _Served(nn.Module):
    """The network with objectness and classes as probabilities; boxes stay undecoded."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> Tensor:
        raw = self.detector(images)
        return torch.cat((raw[..., :4], raw[..., 4:].sigmoid()), dim=-1)


def export_onnx(model: Detector, path: Path) -> float:
    """Writes float32 ONNX with the batch norms and the pixel scale folded, and compares it with torch.

    Input `images` [batch, 3, H, W] of RGB 0..255, output `output` [batch, N, 5 + C]. For a
    network from quantization-aware training, the float weights are written, and its activation ranges are put into the
    metadata. Returns the largest difference, which is at most TOLERANCE.
    """
    config = model.config
    plain, bounds = marked(model.eval())
    generator = torch.Generator().manual_seed(0)
    sample = torch.rand(1, 3, config.input_height, config.input_width, generator=generator) * 255
    with torch.inference_mode():
        expected = _Served(plain)(sample).numpy()
    served = _Served(plain.fuse().to(memory_format=torch.contiguous_format))
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            served,
            (sample,),
            str(path),
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=OPSET,
            dynamic_axes={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}},
            custom_opsets={DOMAIN: 1} if bounds else None,
            dynamo=False,
        )
    if bounds:
        graph = onnx.load(str(path))
        write_ranges(graph, take_out_marks(graph, bounds))
        onnx.save(graph, str(path))
    onnx.checker.check_model(onnx.load(str(path)), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    actual = session.run(None, {INPUT: sample.numpy()})[0]
    difference = float(np.abs(actual - expected).max())
    if not difference <= TOLERANCE:
        raise ValueError(f"{path} differs from the network by {difference}, more than {TOLERANCE}")
    return difference
