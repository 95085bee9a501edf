"""What training changes: the network, its average, the optimizer, and the position."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from .channels import Channels, build_with, channels_of
from .config import RunConfig
from .device import CPU
from .ema import WeightAverage
from .masks import Masks
from .model import Detector
from .quantize import is_range, quantize_aware


@dataclass
class TrainState:
    """Everything that a run needs to continue as if it had never stopped (batches follow from seed and step)."""

    model: Detector
    average: WeightAverage
    optimizer: torch.optim.Optimizer
    dense: Channels
    """widths at the start of the stage; sparsity is relative to them"""
    masks: Masks = field(default_factory=dict)
    """2:4 sparsity that is kept through every update; empty without it"""
    stages: list[dict[str, Any]] = field(default_factory=list)
    """records of earlier stages, first to last, in lineage format"""
    step: int = 0
    seconds: float = 0.0
    """training time over all resumptions"""

    @property
    def device(self) -> torch.device:
        """The device of the network and everything that belongs to it."""
        return next(self.model.parameters()).device


def build(config: RunConfig, channels: Channels | None) -> Detector:
    """A network of a run's configuration and its current widths (None: the configuration's own)."""
    model = build_with(config.model, channels)
    return model if config.qat is None else quantize_aware(model, config.qat)


def new_state(config: RunConfig, device: torch.device = CPU) -> TrainState:
    """Weights, average and optimizer at step 0, from the seed."""
    torch.manual_seed(config.train.seed)
    return state_of(build(config, None), config, device)


def state_of(model: Detector, config: RunConfig, device: torch.device = CPU) -> TrainState:
    """A state at step 0 around a network, which moves to the device."""
    model = model.requires_grad_(True).to(device, memory_format=torch.channels_last)
    average = WeightAverage(model, config.train.ema_decay, config.train.ema_ramp)
    return TrainState(model, average, make_optimizer(model, config), channels_of(model))


def make_optimizer(model: nn.Module, config: RunConfig) -> torch.optim.Optimizer:
    """AdamW; norms, biases and ranges are not decayed."""
    train = config.train
    named = list(model.named_parameters())
    groups: list[dict[str, Any]] = [
        {"params": [p for _, p in named if p.ndim > 1]},
        {"params": [p for n, p in named if p.ndim <= 1 and not is_range(n)], "weight_decay": 0.0},
    ]
    ranges = [p for n, p in named if is_range(n)]
    if ranges and config.qat is not None:
        groups.append({"params": ranges, "weight_decay": 0.0, "relative_rate": config.qat.range_rate})
    return torch.optim.AdamW(groups, lr=train.lr, weight_decay=train.weight_decay, fused=True)
