"""The training loss: objectness on every cell, classes and boxes on the cells with an assigned object."""

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
    """The loss to minimize and, for the progress line, its terms."""

    total: Tensor
    objectness: float
    classes: float
    box: float
    teacher: float = 0.0
    """the teacher's term, 0 without one"""


def at_least_one(total: Tensor) -> Tensor:
    """The divisor for sums over a batch, also for one without objects."""
    return total.clamp(min=1.0)


class DetectionLoss(nn.Module):
    """Binary cross-entropy for objectness (soft target: alignment) and classes, complete IoU for boxes.

    With a teacher's outputs, its terms (distill.py) replace a share of the first two for the images that they cover.
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
        """raw [B, N, 5 + C] as returned by `Detector`."""
        raw = raw.float()
        boxes = decode_boxes(raw[..., :4], self.corners, self.strides)
        objectness, classes = raw[..., 4], raw[..., 5:]
        scores = objectness.detach().sigmoid()[..., None] * classes.detach().sigmoid()
        found = assign(scores, boxes.detach(), self.centers, self.strides, targets)
        norm = self.norm_of(found.quality.sum())

        wanted = torch.zeros_like(objectness)
        wanted[found.image, found.cell] = found.quality
        objectness_terms = F.binary_cross_entropy_with_logits(objectness, wanted, reduction="none")

        one_hot = F.one_hot(targets.classes[found.target], classes.shape[-1]).float()
        class_terms = found.quality * F.binary_cross_entropy_with_logits(
            classes[found.image, found.cell], one_hot, reduction="none"
        ).sum(-1)

        overlap = complete_iou(boxes[found.image, found.cell], targets.boxes[found.target])
        box_loss = ((1 - overlap) * found.quality).sum() / norm

        taught = raw.new_zeros(())
        if lesson is not None and self.distill is not None:
            known = lesson.known.float()
            objectness_terms = objectness_terms * (1 - self.distill.objectness * known)[:, None]
            class_terms = class_terms * (1 - self.distill.alpha * known)[found.image]
            taught = lesson_terms(raw, boxes, lesson, self.corners, self.strides, self.distill, self.norm_of)
        objectness_loss, class_loss = objectness_terms.sum() / norm, class_terms.sum() / norm
        total = objectness_loss + class_loss + self.box_weight * box_loss + taught
        return LossParts(total, *(float(p.detach()) for p in (objectness_loss, class_loss, box_loss, taught)))
