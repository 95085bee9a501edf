"""Random weights with outputs like trained ones: scores of every size, few of them high."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import torch
from torch import Tensor, nn

SEED = 7
LOGIT_STD = 2.0
PASSING_LOGIT = -1.1
"""of a score of 0.25"""


def read(images: list[Path]) -> Tensor:
    """[N, 3, H, W] RGB, 0..1."""
    planes = [torch.from_numpy(cv2.imread(str(one))[:, :, ::-1].copy()).permute(2, 0, 1) for one in images]
    return torch.stack(planes).float() / 255


def varied(images: Tensor) -> Tensor:
    """The images, noise and color patches: norms that only saw similar images amplify every rounding."""
    torch.manual_seed(SEED)
    height, width = images.shape[2:]
    noise = torch.rand(2, 3, height, width)
    patches = nn.functional.interpolate(torch.rand(4, 3, 8, 8), (height, width))
    return torch.cat([images, noise, patches])


@torch.no_grad()
def settle(network: nn.Module, images: Tensor) -> None:
    """Sets the statistics of all norms to those of images, as training would."""
    network.eval()
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    network(images)
    for norm in norms:
        norm.momentum = 0.03
        norm.eval()


@torch.no_grad()
def spread(layers: list[nn.Module], forward: Callable[[], object], share: float) -> None:
    """Scales the class logit layers one after another, so that `share` of the scores pass 0.25."""
    seen: dict[nn.Module, Tensor] = {}

    def keep(module: nn.Module, _inputs: object, output: Tensor) -> None:
        seen[module] = output

    for layer in layers:
        hook = layer.register_forward_hook(keep)
        forward()
        hook.remove()
        if layer not in seen:
            continue
        output = seen[layer]
        bias = layer.bias.view(-1, 1, 1) if isinstance(layer, nn.Conv2d) else layer.bias
        scaled = (output - bias) * (LOGIT_STD / output.std().clamp_min(1e-6))
        highest = scaled.flatten().topk(max(1, round(share * scaled.numel()))).values[-1]
        layer.weight.mul_(LOGIT_STD / output.std().clamp_min(1e-6))
        layer.bias.fill_(float(PASSING_LOGIT - highest))
