"""Learning from a teacher's outputs (Hinton et al. 2015).

Hinton's loss is (1 - alpha) * hard + alpha * T^2 * KL(teacher at T || student at T), where "at T" divides the logits
by T before the softmax, and T^2 keeps the gradients' size. Here classes are independent, each a logit z against 0,
so the softmax over two becomes sigmoid(z / T), and the divergences of the classes are added. Classes only mean
something where there is an object: cells are weighted by the teacher's score.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .boxes import complete_iou
from .config import DistillConfig
from .model import decode_boxes

SCORE_FLOOR = 0.05
"""Cells with a lower teacher score teach neither class nor box."""


@dataclass(frozen=True)
class Lesson:
    """A teacher's outputs for a batch."""

    raw: Tensor
    """[B, N, 5 + C] as returned by `Detector`, float32"""
    known: Tensor
    """[B] bool: the images with valid outputs"""


def lesson_terms(
    raw: Tensor,
    boxes: Tensor,
    lesson: Lesson,
    corners: Tensor,
    strides: Tensor,
    settings: DistillConfig,
    norm_of: Callable[[Tensor], Tensor],
) -> Tensor:
    """Terms added to the loss: divergences of classes and objectness, and 1 - overlap with the teacher's boxes.

    raw [B, N, 5 + C] and boxes [B, N, 4] (corner form, pixels) are the student's; `norm_of` returns
    the divisor for a sum over the batch.
    """
    with torch.no_grad():
        objectness = lesson.raw[..., 4].sigmoid() * lesson.known[:, None]
        score = objectness * lesson.raw[..., 5:].sigmoid().amax(-1)
        cells = (score > SCORE_FLOOR).nonzero(as_tuple=True)
        weight = score[cells]
        norm = norm_of(weight.sum())
        taught_boxes = decode_boxes(lesson.raw[..., :4], corners, strides)[cells]

    classes = bernoulli_divergence(raw[..., 5:][cells], lesson.raw[..., 5:][cells], settings.temperature).sum(-1)
    class_term = (classes * weight).sum() / norm
    everywhere = bernoulli_divergence(raw[..., 4], lesson.raw[..., 4], 1.0) * lesson.known[:, None]
    objectness_term = everywhere.sum() / norm_of(objectness.sum())
    box_term = ((1 - complete_iou(boxes[cells], taught_boxes)) * weight).sum() / norm
    return settings.alpha * class_term + settings.objectness * objectness_term + settings.box * box_term


def bernoulli_divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T^2 * KL(sigmoid(teacher / T) || sigmoid(student / T)) of each logit; zero if both agree."""
    wanted = (teacher / temperature).sigmoid()
    cross = F.binary_cross_entropy_with_logits(student / temperature, wanted, reduction="none")
    entropy = F.binary_cross_entropy_with_logits(teacher / temperature, wanted, reduction="none")
    return temperature**2 * (cross - entropy)
