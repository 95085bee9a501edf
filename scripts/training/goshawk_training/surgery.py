"""Removing channels from everything that has a network's shape: weights, their average, the optimizer's moments."""

from __future__ import annotations

import copy

import torch
import torch_pruning
from torch import Tensor

from .channels import Channels, channels_of
from .groups import dependency_graph
from .model import Detector

KeptIndices = dict[str, Tensor]
"""For each tensor of the state dict: the flat indices of the remaining elements, in the new shape."""


def kept_indices(model: Detector, removed: dict[str, list[int]]) -> tuple[Channels, KeptIndices]:
    """New widths, and the old index of each remaining element. `removed` lists channels by their root convolution.

    torch-pruning prunes a copy of the network in which every weight is its own index. What is left of it is the result,
    for tensors of any kind and whatever they are coupled with.
    """
    tracer = copy.deepcopy(model).to("cpu", torch.float64)
    with torch.no_grad():
        for value in tracer.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.arange(value.numel()).reshape(value.shape))
    graph = dependency_graph(tracer)
    for root, channels in removed.items():
        conv = tracer.get_submodule(root)
        graph.get_pruning_group(conv, torch_pruning.prune_conv_out_channels, channels).prune()
    indices = {name: value.long() for name, value in tracer.state_dict().items() if value.is_floating_point()}
    return channels_of(tracer), indices


def shrink_state(state: dict[str, Tensor], indices: KeptIndices) -> dict[str, Tensor]:
    """A state dict with the remaining part of each tensor; others (counters) unchanged."""
    return {name: shrink(value, indices[name]) if name in indices else value for name, value in state.items()}


def shrink(value: Tensor, indices: Tensor) -> Tensor:
    """The remaining part of one tensor."""
    return value.detach().reshape(-1)[indices.to(value.device)]


def shrink_optimizer(
    old: torch.optim.Optimizer, old_model: Detector, new: torch.optim.Optimizer, new_model: Detector, kept: KeptIndices
) -> None:
    """Gives a new optimizer the moments of the old one."""
    fresh = dict(new_model.named_parameters())
    for name, parameter in old_model.named_parameters():
        moments = {}
        for key, value in old.state[parameter].items():
            if value.shape == parameter.shape:
                # in the memory order of the parameter: fused optimizers iterate both in step
                moments[key] = torch.empty_like(fresh[name]).detach().copy_(shrink(value, kept[name]))
            else:
                moments[key] = value.clone()
        if moments:
            new.state[fresh[name]] = moments
