"""2:4 sparsity: of every four weights along the input channels, the two smaller ones are zero (Mishra et al. 2021).

This is the pattern of NVIDIA's sparse tensor cores (Ampere and later) and TensorRT's `--sparsity`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .channels import convolutions

Masks = dict[str, Tensor]
"""For each sparse convolution, by name: which weights are kept, bool, in the weight's shape."""
GROUP, KEPT = 4, 2


def two_four_masks(model: nn.Module) -> Masks:
    """Keeps the larger two of every four input channels at each kernel position, if inputs are a multiple of four."""
    masks: Masks = {}
    for name, conv in convolutions(model).items():
        outputs, inputs = conv.weight.shape[:2]
        if inputs % GROUP != 0:
            continue
        groups = conv.weight.detach().abs().reshape(outputs, inputs // GROUP, GROUP, -1)
        kept = torch.zeros_like(groups, dtype=torch.bool)
        kept.scatter_(2, groups.topk(KEPT, dim=2).indices, True)
        masks[name] = kept.reshape(conv.weight.shape)
    return masks


@torch.no_grad()
def apply_masks(model: nn.Module, masks: Masks) -> None:
    """Zeroes the masked weights."""
    for name, kept in masks.items():
        weight = model.get_submodule(name).weight
        assert isinstance(weight, Tensor)
        weight.mul_(kept)
