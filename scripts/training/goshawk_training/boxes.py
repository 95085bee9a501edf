"""Geometry of boxes in corner form (x1, y1, x2, y2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

EPSILON = 1e-7


def pairwise_iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of boxes that broadcast against each other, [..., 4] each, 0..1."""
    overlap = _overlap(first, second)
    return overlap / (_area(first) + _area(second) - overlap + EPSILON)


def complete_iou(predicted: Tensor, target: Tensor) -> Tensor:
    """Complete IoU (Zheng et al. 2020) of aligned rows [M, 4]: IoU less center distance less aspect mismatch, <= 1."""
    iou = pairwise_iou(predicted, target)
    outer_low = torch.minimum(predicted[..., :2], target[..., :2])
    outer_high = torch.maximum(predicted[..., 2:], target[..., 2:])
    diagonal = (outer_high - outer_low).square().sum(-1) + EPSILON
    shift = (predicted[..., :2] + predicted[..., 2:] - target[..., :2] - target[..., 2:]) / 2
    aspect = 4 / math.pi**2 * (_angle(target) - _angle(predicted)).square()
    with torch.no_grad():
        weight = aspect / (1 - iou + aspect + EPSILON)
    return iou - shift.square().sum(-1) / diagonal - weight * aspect


def _overlap(first: Tensor, second: Tensor) -> Tensor:
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    return _product((high - low).clamp(min=0))


def _area(boxes: Tensor) -> Tensor:
    return _product((boxes[..., 2:] - boxes[..., :2]).clamp(min=0))


def _product(sides: Tensor) -> Tensor:
    """Width times height; `prod` over two numbers is slow, and its gradient asks the device for zeros first."""
    width, height = sides.unbind(-1)
    return width * height


def _angle(boxes: Tensor) -> Tensor:
    width, height = (boxes[..., 2:] - boxes[..., :2]).unbind(-1)
    return torch.atan(width / (height + EPSILON))
