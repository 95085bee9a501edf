"""Exponential moving average of the weights, which is evaluated and exported."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn


class WeightAverage:
    """Follows a model with decay `decay * (1 - exp(-updates / ramp))`, so that early steps are forgotten quickly."""

    def __init__(self, model: nn.Module, decay: float, ramp: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay, self.ramp = decay, ramp
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Takes one step toward `model`; integer buffers are copied."""
        self.updates += 1
        decay = self.decay * (1 - math.exp(-self.updates / self.ramp))
        mine, theirs = _tensors(self.model), _tensors(model)
        floats = [i for i, value in enumerate(mine) if value.is_floating_point()]
        torch._foreach_lerp_([mine[i] for i in floats], [theirs[i] for i in floats], 1 - decay)
        counts = [i for i, value in enumerate(mine) if not value.is_floating_point()]
        if counts:
            torch._foreach_copy_([mine[i] for i in counts], [theirs[i] for i in counts])


def _tensors(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]
