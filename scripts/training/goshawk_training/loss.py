"""The training loss: objectness on every cell, classes and boxes on the cells that were given an object."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .assign import Targets, assign
from .boxes import complete_iou
from .config import ModelConfig
from .model import cell_grid, decode_boxes


@dataclass(frozen=True)
class LossParts:
    """The loss to minimize and, for the progress line, what it is made of."""

    total: Tensor
    objectness: float
    classes: float
    box: float


class DetectionLoss(nn.Module):
    """Binary cross-entropy for objectness (soft target: alignment) and classes, complete IoU for boxes."""

    def __init__(self, config: ModelConfig, box_weight: float) -> None:
        super().__init__()
        self.box_weight = box_weight
        corners, strides = cell_grid(config)
        self.register_buffer("corners", corners)
        self.register_buffer("strides", strides)
        self.register_buffer("centers", (corners + 0.5) * strides[:, None])

    def forward(self, raw: Tensor, targets: Targets) -> LossParts:
        """raw [B, N, 5 + C] as `Detector` gives it."""
        raw = raw.float()
        boxes = decode_boxes(raw[..., :4], self.corners, self.strides)
        objectness, classes = raw[..., 4], raw[..., 5:]
        scores = objectness.detach().sigmoid()[..., None] * classes.detach().sigmoid()
        found = assign(scores, boxes.detach(), self.centers, self.strides, targets)

        wanted = torch.zeros_like(objectness)
        wanted[found.picture, found.cell] = found.quality
        norm = found.quality.sum().clamp(min=1.0)
        objectness_loss = F.binary_cross_entropy_with_logits(objectness, wanted, reduction="sum") / norm

        one_hot = F.one_hot(targets.classes[found.target], classes.shape[-1]).float()
        class_terms = F.binary_cross_entropy_with_logits(
            classes[found.picture, found.cell], one_hot, reduction="none"
        ).sum(-1)
        class_loss = (class_terms * found.quality).sum() / norm

        overlap = complete_iou(boxes[found.picture, found.cell], targets.boxes[found.target])
        box_loss = ((1 - overlap) * found.quality).sum() / norm

        total = objectness_loss + class_loss + self.box_weight * box_loss
        return LossParts(total, float(objectness_loss.detach()), float(class_loss.detach()), float(box_loss.detach()))
