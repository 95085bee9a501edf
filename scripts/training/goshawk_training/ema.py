"""Exponential moving average of the weights: what is evaluated and exported."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn


class WeightAverage:
    """Follows a model with decay `decay * (1 - exp(-updates / ramp))`, so that early steps are forgotten quickly."""

    def __init__(self, model: nn.Module, decay: float, ramp: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay, self.ramp = decay, ramp
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Takes one step towards `model`; integer buffers are copied."""
        self.updates += 1
        decay = self.decay * (1 - math.exp(-self.updates / self.ramp))
        for mine, theirs in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
            if mine.is_floating_point():
                mine.lerp_(theirs, 1 - decay)
            else:
                mine.copy_(theirs)
