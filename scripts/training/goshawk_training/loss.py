"""The training loss: objectness on every cell, classes and boxes on the cells that were given an object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .assign import Targets, assign
from .boxes import complete_iou
from .config import DistillConfig, ModelConfig
from .distill import Lesson, lesson_terms
from .model import cell_grid, decode_boxes


@dataclass(frozen=True)
class LossParts:
    """The loss to minimize and, for the progress line, what it is made of."""

    total: Tensor
    objectness: float
    classes: float
    box: float
    teacher: float = 0.0
    """what learning from a teacher adds, 0 without one"""


def at_least_one(total: Tensor) -> Tensor:
    """What sums over a batch are divided by: a batch without objects has nothing to divide."""
    return total.clamp(min=1.0)


class DetectionLoss(nn.Module):
    """Binary cross-entropy for objectness (soft target: alignment) and classes, complete IoU for boxes.

    With a teacher's answers, its terms (distill.py) take over a share of the first two for the pictures they hold for.
    """

    def __init__(
        self,
        config: ModelConfig,
        box_weight: float,
        distill: DistillConfig | None = None,
        norm_of: Callable[[Tensor], Tensor] = at_least_one,
    ) -> None:
        super().__init__()
        self.box_weight, self.distill, self.norm_of = box_weight, distill, norm_of
        corners, strides = cell_grid(config)
        self.register_buffer("corners", corners)
        self.register_buffer("strides", strides)
        self.register_buffer("centers", (corners + 0.5) * strides[:, None])

    def forward(self, raw: Tensor, targets: Targets, lesson: Lesson | None = None) -> LossParts:
        """raw [B, N, 5 + C] as `Detector` gives it."""
        raw = raw.float()
        boxes = decode_boxes(raw[..., :4], self.corners, self.strides)
        objectness, classes = raw[..., 4], raw[..., 5:]
        scores = objectness.detach().sigmoid()[..., None] * classes.detach().sigmoid()
        found = assign(scores, boxes.detach(), self.centers, self.strides, targets)
        norm = self.norm_of(found.quality.sum())

        wanted = torch.zeros_like(objectness)
        wanted[found.picture, found.cell] = found.quality
        objectness_terms = F.binary_cross_entropy_with_logits(objectness, wanted, reduction="none")

        one_hot = F.one_hot(targets.classes[found.target], classes.shape[-1]).float()
        class_terms = found.quality * F.binary_cross_entropy_with_logits(
            classes[found.picture, found.cell], one_hot, reduction="none"
        ).sum(-1)

        overlap = complete_iou(boxes[found.picture, found.cell], targets.boxes[found.target])
        box_loss = ((1 - overlap) * found.quality).sum() / norm

        taught = raw.new_zeros(())
        if lesson is not None and self.distill is not None:
            known = lesson.known.float()
            objectness_terms = objectness_terms * (1 - self.distill.objectness * known)[:, None]
            class_terms = class_terms * (1 - self.distill.alpha * known)[found.picture]
            taught = lesson_terms(raw, boxes, lesson, self.corners, self.strides, self.distill, self.norm_of)
        objectness_loss, class_loss = objectness_terms.sum() / norm, class_terms.sum() / norm
        total = objectness_loss + class_loss + self.box_weight * box_loss + taught
        return LossParts(total, *(float(p.detach()) for p in (objectness_loss, class_loss, box_loss, taught)))
