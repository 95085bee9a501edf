"""Which channels can only be removed together, found by torch-pruning's dependency graph (Fang et al. 2023)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
import torch_pruning
from torch import nn

from .channels import convolutions
from .config import STRIDES
from .model import Detector


@dataclass(frozen=True)
class ChannelGroup:
    """Coupled channels: channel i of `root` is removed together with channel i of all others."""

    root: str
    """name of the convolution that represents the group"""
    size: int
    outputs: dict[str, int]
    """convolutions that lose outputs, with the number per channel of the root"""
    inputs: dict[str, int]
    """convolutions that lose inputs, with the number per channel of the root"""
    norms: dict[str, list[int]]
    """batch norms of the group: the norm's channel for each channel of the root"""
    members: Any
    """torch-pruning's own group, for its measures of importance"""


def dependency_graph(model: Detector) -> torch_pruning.DependencyGraph:
    """The graph of a network, traced on a small image."""
    side = 2 * max(STRIDES)
    weight = next(model.parameters())
    image = torch.zeros(1, 3, side, side, dtype=weight.dtype, device=weight.device)
    was_training = model.training
    # in training mode, one image means a norm over one value at the coarsest stride, and statistics would change
    graph = torch_pruning.DependencyGraph().build_dependency(
        model.eval(), example_inputs=image, forward_fn=lambda network, data: network.maps(data)
    )
    model.train(was_training)
    return graph


def channel_groups(model: Detector, graph: torch_pruning.DependencyGraph) -> list[ChannelGroup]:
    """Every group of channels except the predictions and the image's colors."""
    names = {module: name for name, module in model.named_modules()}
    predictions = [layer for head in model.heads for layer in (head.box, head.objectness, head.classes)]
    found = []
    for members in graph.get_all_groups(ignored_layers=predictions, root_module_types=[nn.Conv2d]):
        root = members[0].dep.target.module
        outputs: Counter[str] = Counter()
        inputs: Counter[str] = Counter()
        norms: dict[str, list[int]] = {}
        for dependency, indices in members:
            module, handler = dependency.target.module, dependency.handler
            if isinstance(module, nn.Conv2d):
                side = outputs if graph.is_out_channel_pruning_fn(handler) else inputs
                side[names[module]] += len(indices)
            elif isinstance(module, nn.BatchNorm2d):
                norms[names[module]] = [int(i) for i in indices]
        size = root.out_channels
        found.append(
            ChannelGroup(
                names[root],
                size,
                {name: count // size for name, count in outputs.items()},
                {name: count // size for name, count in inputs.items()},
                norms,
                members,
            )
        )
    covered = {name for group in found for name in group.outputs}
    left = set(convolutions(model)) - covered - {names[layer] for layer in predictions}
    if left:
        raise RuntimeError(f"no group of channels was found for {', '.join(sorted(left))}")
    return found
