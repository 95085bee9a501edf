"""Task-aligned assignment (Feng et al. 2021, TOOD): which cells must predict which object."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .boxes import pairwise_iou

TOP_CELLS = 10
SCORE_POWER = 0.5
IOU_POWER = 6.0
SMALLEST_SIDE = 12.0
"""Pixels: narrower objects are widened to this for the finest cells, so that every object gets a cell."""


@dataclass(frozen=True)
class Targets:
    """Objects of a batch, flat: object m is in image `image[m]`."""

    image: Tensor
    """[M] int64"""
    classes: Tensor
    """[M] int64"""
    boxes: Tensor
    """[M, 4] corner form, input pixels"""

    def __len__(self) -> int:
        return self.boxes.shape[0]

    def to(self, device: torch.device) -> Targets:
        """The same objects in the memory of a device."""
        return Targets(*(value.to(device, non_blocking=True) for value in (self.image, self.classes, self.boxes)))


@dataclass(frozen=True)
class Assignment:
    """The P cells that got an object."""

    image: Tensor
    """[P] image in the batch"""
    cell: Tensor
    """[P] cell in the image"""
    target: Tensor
    """[P] index into the batch's objects"""
    quality: Tensor
    """[P] target for objectness, 0..1: an object's best cell gets its best IoU, the others less by alignment"""


@torch.no_grad()
def assign(scores: Tensor, boxes: Tensor, centers: Tensor, strides: Tensor, targets: Targets) -> Assignment:
    """Chooses for each object at most TOP_CELLS cells inside it with the best matching predictions.

    scores [B, N, C] 0..1, boxes [B, N, 4] predicted corner form, centers [N, 2] cell centers in pixels, strides [N].
    A cell wanted by several objects goes to the one it overlaps most.
    """
    if len(targets) == 0:
        none = torch.zeros(0, dtype=torch.int64, device=boxes.device)
        return Assignment(none, none, none, boxes.new_zeros(0))
    inside = _inside(centers, strides, targets.boxes)
    score = scores[targets.image, :, targets.classes]
    iou = pairwise_iou(boxes[targets.image], targets.boxes[:, None])
    alignment = torch.where(inside, score.pow(SCORE_POWER) * iou.pow(IOU_POWER), -1.0)
    top = alignment.topk(min(TOP_CELLS, alignment.shape[1]), dim=1)
    chosen = torch.zeros_like(inside).scatter_(1, top.indices, top.values >= 0)
    chosen &= inside
    target, cell = chosen.nonzero(as_tuple=True)
    target, cell = _one_object_a_cell(target, cell, iou[target, cell], targets.image, boxes.shape[:2])
    return Assignment(
        targets.image[target],
        cell,
        target,
        _quality(alignment[target, cell], iou[target, cell], target, len(targets)),
    )


def _inside(centers: Tensor, strides: Tensor, boxes: Tensor) -> Tensor:
    """[M, N]: the cell's center is in the object (a very small one is widened for the finest cells)."""
    x, y = centers.unbind(-1)
    finest = strides == strides.min()
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    wide = half.clamp(min=SMALLEST_SIDE / 2)
    dx, dy = (x - middle[:, :1]).abs(), (y - middle[:, 1:]).abs()
    strict = (dx < half[:, :1]) & (dy < half[:, 1:])
    return strict | (finest & (dx < wide[:, :1]) & (dy < wide[:, 1:]))


def _one_object_a_cell(
    target: Tensor, cell: Tensor, iou: Tensor, image: Tensor, shape: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    slot = image[target] * shape[1] + cell
    best = iou.new_full((shape[0] * shape[1],), -1.0).scatter_reduce_(0, slot, iou, "amax")
    leads = iou == best[slot]
    owner = torch.full(best.shape, -1, device=best.device).scatter_reduce_(0, slot[leads], target[leads], "amax")
    keep = owner[slot] == target
    return target[keep], cell[keep]


def _quality(alignment: Tensor, iou: Tensor, target: Tensor, objects: int) -> Tensor:
    best_alignment = alignment.new_zeros(objects).scatter_reduce_(0, target, alignment, "amax")
    best_iou = iou.new_zeros(objects).scatter_reduce_(0, target, iou, "amax")
    return alignment / (best_alignment[target] + 1e-9) * best_iou[target]
