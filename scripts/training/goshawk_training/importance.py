"""How much each channel matters.

`taylor`: the first-order change of the loss if the channel's norm were multiplied by zero (Molchanov et al.
2019, with a gate behind each batch norm), squared and averaged over batches. It has the same units everywhere, so
layers are directly comparable. `l2`: the norm of all weights of a group (Fang et al. 2023); `bn`: the norms' scales
(Liu et al. 2017). These two are not comparable across layers and are divided by their mean within the group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import torch_pruning
from torch import Tensor, nn

from .groups import ChannelGroup
from .loader import Batch
from .loss import DetectionLoss
from .model import Detector

KINDS = ("taylor", "l2", "bn")
Gates = dict[str, Tensor]
"""For each batch norm, by name: gradient of the loss by a gate of each channel, [batches, channels]."""


def importance_of(kind: str, gates: Gates) -> Callable[[ChannelGroup], Tensor]:
    """The measure `kind` of a group's channels, [size], not negative; `gates` are needed by `taylor` only."""
    if kind == "taylor":
        return lambda group: _taylor(group, gates)
    measure = torch_pruning.importance.GroupMagnitudeImportance(p=2, normalizer="mean")
    if kind == "bn":
        measure = torch_pruning.importance.BNScaleImportance(normalizer="mean")
    return lambda group: measure(group.members).detach()


def measure_gates(model: Detector, loss_of: DetectionLoss, batches: Iterable[Batch], bf16: bool) -> Gates:
    """Gradients of the gates on some batches. Norms use and keep their running statistics; weights are not changed."""
    norms = {name: m for name, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)}
    model.train()
    for norm in norms.values():
        norm.eval()
    found: dict[str, list[Tensor]] = {name: [] for name in norms}
    weights = [p for norm in norms.values() for p in (norm.weight, norm.bias)]
    for batch in batches:
        with torch.autocast(batch.images.device.type, dtype=torch.bfloat16, enabled=bf16):
            raw = model(batch.images)
        gradients = iter(torch.autograd.grad(loss_of(raw, batch.targets).total, weights))
        for name, norm in norms.items():
            gate = norm.weight.detach() * next(gradients) + norm.bias.detach() * next(gradients)
            found[name].append(gate)
    model.train()
    return {name: torch.stack(values) for name, values in found.items()}


def _taylor(group: ChannelGroup, gates: Gates) -> Tensor:
    # channels of a group are removed together, so their first-order changes add up before they are squared
    change = sum(gates[name][:, indices] for name, indices in group.norms.items())
    assert isinstance(change, Tensor)
    return change.square().mean(0)
