"""Query networks from Hugging Face transformers, alone and with their authors' postprocessor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers import (
    DetrConfig,
    DetrForObjectDetection,
    DetrImageProcessor,
    DFineConfig,
    DFineForObjectDetection,
    HGNetV2Config,
    ResNetConfig,
    RTDetrConfig,
    RTDetrForObjectDetection,
    RTDetrImageProcessor,
    RTDetrResNetConfig,
)

from .boxes import Box
from .case import Case, Exported, Limits, Workbench
from .random_weights import SEED, read, settle, spread, varied

EXPORTER = f"transformers {transformers.__version__}"
CLASSES, SIDE, QUERIES, OPSET = 80, 320, 300, 17
PASSING = 5e-3
"""share of query scores that pass"""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Family:
    """A network, its input and how its own processor reads it."""

    name: str
    make: Callable[[], Any]
    processor: Callable[[], Any]
    normalized: bool = False
    softmax: bool = False


def _rtdetr() -> nn.Module:
    backbone = RTDetrResNetConfig(
        embedding_size=16, hidden_sizes=[32, 64, 96, 128], depths=[1, 1, 1, 1], layer_type="bottleneck",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    return RTDetrForObjectDetection(RTDetrConfig(
        backbone_config=backbone, encoder_in_channels=[64, 96, 128], d_model=64, encoder_hidden_dim=64,
        feat_channels=None, decoder_in_channels=[64, 64, 64], decoder_layers=2, encoder_ffn_dim=128,
        decoder_ffn_dim=128, num_queries=QUERIES, num_labels=CLASSES,
    ))  # fmt: skip


def _dfine() -> nn.Module:
    backbone = HGNetV2Config(
        stem_channels=[3, 16, 16], stage_in_channels=[16, 64, 96, 128], stage_mid_channels=[16, 16, 32, 32],
        stage_out_channels=[64, 96, 128, 160], stage_num_blocks=[1, 1, 1, 1], stage_numb_of_layers=[2, 2, 2, 2],
        hidden_sizes=[64, 96, 128, 160], depths=[1, 1, 1, 1], out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    return DFineForObjectDetection(DFineConfig(
        backbone_config=backbone, encoder_in_channels=[96, 128, 160], d_model=64, encoder_hidden_dim=64,
        decoder_in_channels=[64, 64, 64], decoder_layers=2, encoder_ffn_dim=128, decoder_ffn_dim=128,
        feat_strides=[8, 16, 32], num_queries=QUERIES, num_labels=CLASSES,
    ))  # fmt: skip


def _detr() -> nn.Module:
    backbone = ResNetConfig(
        embedding_size=16, hidden_sizes=[32, 64, 96, 128], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage4"],
    )  # fmt: skip
    return DetrForObjectDetection(DetrConfig(
        use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=backbone, d_model=64,
        encoder_layers=1, decoder_layers=2, encoder_ffn_dim=128, decoder_ffn_dim=128, num_queries=100,
        num_labels=CLASSES,
    ))  # fmt: skip


FAMILIES = [
    Family("RT-DETR", _rtdetr, RTDetrImageProcessor),
    Family("D-FINE", _dfine, RTDetrImageProcessor),
    Family("DETR", _detr, DetrImageProcessor, normalized=True, softmax=True),
]


def cases() -> list[Case]:
    """Each family as it is, and the RT-DETR family with its postprocessor."""
    plain = [Case(one.name, "logits and boxes", lambda bench, f=one: _export(f, bench, False)) for one in FAMILIES]
    whole = [
        Case(one.name, "orig_target_sizes", lambda bench, f=one: _export(f, bench, True))
        for one in FAMILIES
        if not one.softmax
    ]
    return plain + whole


class Outputs(nn.Module):
    """Only logits and boxes."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """[B, N, C] and [B, N, 4]: centers and sizes, 0..1."""
        output = self.network(pixel_values=images)
        return output.logits, output.pred_boxes


class WithPostprocessor(nn.Module):
    """As RT-DETR's and D-FINE's own `export_onnx.py` writes them: labels, boxes, scores, in pixels of an input size."""

    def __init__(self, outputs: Outputs) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, images: Tensor, orig_target_sizes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`orig_target_sizes` is [B, 2]: width, height."""
        logits, centers = self.outputs(images)
        place, size = centers[..., :2], centers[..., 2:]
        corners = torch.cat([place - 0.5 * size, place + 0.5 * size], -1) * orig_target_sizes.repeat(1, 2).unsqueeze(1)
        scores, index = torch.topk(logits.sigmoid().flatten(1), QUERIES, dim=-1)
        labels = index % CLASSES
        rows = (index // CLASSES).unsqueeze(-1).repeat(1, 1, 4)
        return labels, corners.gather(1, rows), scores


def _export(family: Family, bench: Workbench, postprocessed: bool) -> Exported:
    images = bench.images(SIDE, SIDE)
    values = read(images)
    torch.manual_seed(SEED)
    network = family.make().eval()
    shift, factor = (torch.tensor(row).view(1, 3, 1, 1) for row in (MEAN, STD))
    seen = varied(values)
    if family.normalized:
        values, seen = (values - shift) / factor, (seen - shift) / factor
    outputs = Outputs(network).eval()
    settle(outputs, seen)
    width = CLASSES + 1 if family.softmax else CLASSES
    layers = [module for module in network.modules() if isinstance(module, nn.Linear) and module.out_features == width]
    spread(layers, lambda: outputs(values), PASSING)
    if family.softmax:
        # "no object" is usually as likely as the best class of a row
        with torch.no_grad():
            layers[-1].bias[-1] += 5
    limits = Limits(score=0.1 if family.softmax else 0.25, iou=1.0, every_class=not family.softmax)
    file = bench.folder / f"{bench.name}.onnx"
    names = {"input_names": ["pixel_values"], "output_names": ["logits", "pred_boxes"]}
    whole, arguments = outputs, (values[:1],)
    if postprocessed:
        whole, arguments = WithPostprocessor(outputs).eval(), (values[:1], torch.tensor([[SIDE, SIDE]]))
        names = {"input_names": ["images", "orig_target_sizes"], "output_names": ["labels", "boxes", "scores"]}
    torch.onnx.export(whole, arguments, str(file), opset_version=OPSET, dynamo=False, **names)
    flags = ["--labels", "coco80"]
    if family.normalized:
        flags += ["--mean", ",".join(map(str, MEAN)), "--std", ",".join(map(str, STD))]
    return Exported(file, images, _predict(family, network, values, limits), limits, tuple(flags))


@torch.no_grad()
def _predict(family: Family, network: nn.Module, values: Tensor, limits: Limits) -> list[list[Box]]:
    """The detections that the network's processor reads from its outputs."""
    found = []
    for image in values:
        output = network(pixel_values=image[None])
        (rows,) = family.processor().post_process_object_detection(
            output, threshold=limits.score, target_sizes=[(SIDE, SIDE)]
        )
        entries = zip(rows["boxes"].tolist(), rows["scores"].tolist(), rows["labels"].tolist(), strict=True)
        found.append([Box(tuple(corners), score, int(label)) for corners, score, label in entries])
    return found
